import json

import pytest

from tests import made_scenes
from ttjax.datasets import options  # pyright: ignore[reportMissingImports]
from ttjax.datasets.deepsport import (  # pyright: ignore[reportMissingImports]
    deepsport_dataset_builder as module,
)
from ttjax.formats import coco, scene_record


@pytest.mark.parametrize(("config", "hw"), [("full", [48, 64]), ("halved", [24, 32])])
def test_views_are_built_at_the_configured_size(prepare, tmp_path, config, hw):
    folder = made_scenes.write_deepsport(tmp_path / "däta")
    builder = module.Builder(data_dir=tmp_path / "tfds", config=config)
    made = prepare(builder, folder)
    made.check_folder("deepsport")
    found = {}
    for split in builder.info.splits:
        for record in made.records(split):
            picture = scene_record.decode(record)
            scene_record.check(picture.facts)
            assert picture.facts.size_hw.tolist() == hw
            found.setdefault(picture.facts.group, set()).add(split)
    assert len(found) == 4
    assert all(len(splits) == 1 for splits in found.values())
    assert all(("CAEN" in name) == (s == {"test"}) for name, s in found.items())
    assert made.metadata()["most_people"]["test"][0] == 3
    assert made.metadata()["licence"] == "CC BY-NC-ND 4.0"
    assert all(isinstance(one, module.Config) for one in builder.BUILDER_CONFIGS)


def test_views_that_cannot_be_read_are_listed(prepare, tmp_path):
    folder = made_scenes.write_deepsport(tmp_path / "data")
    instant = made_scenes.instants()[0]
    instant.picture_file(folder, 1).write_bytes(b"")
    with pytest.raises(ValueError, match="camcourt2"):
        prepare(module.Builder(data_dir=tmp_path / "a"), folder)
    with options.using(options.Options(skip_bad=True)):
        made = prepare(module.Builder(data_dir=tmp_path / "b"), folder)
    (left_out,) = json.loads((made.path / "skipped.json").read_text())
    assert left_out["clip"] == instant.view(1)


def test_the_challenge_is_a_configuration(prepare, tmp_path):
    folder = made_scenes.write_coco(tmp_path / "data")
    pictures = made_scenes.coco_pictures(0)
    coco.write(folder / "annotations" / "val.json", pictures)
    for one in pictures:
        (folder / "train2017" / one.file).rename(folder / one.file)
    builder = module.Builder(data_dir=tmp_path / "tfds", config="challenge")
    assert len(prepare(builder, folder).records("validation")) == 4
