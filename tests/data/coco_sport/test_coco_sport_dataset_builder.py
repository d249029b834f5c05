import json

import pytest

from tests import made_scenes
from ttjax.datasets import options  # pyright: ignore[reportMissingImports]
from ttjax.datasets.coco_sport import (  # pyright: ignore[reportMissingImports]
    coco_sport_dataset_builder as module,
)
from ttjax.formats import scene_record


@pytest.mark.parametrize(
    ("config", "names"), [("released", [1, 2]), ("paper", [2]), ("every", [0, 1, 2])]
)
def test_a_configuration_filters_what_is_trained_on(
    prepare, tmp_path, capsys, config, names
):
    folder = made_scenes.write_coco(tmp_path / "däta")
    builder = module.Builder(data_dir=tmp_path / "tfds", config=config)
    made = prepare(builder, folder)
    made.check_folder("coco_sport")
    for split, numbers in (("train", names), ("validation", [100, 101, 102])):
        records = made.records(split)
        for record in records:
            scene_record.check(scene_record.decode(record).facts)
        found = [scene_record.read_facts(record).name for record in records]
        assert found == [f"{number:012d}.jpg" for number in numbers]
    printed = capsys.readouterr().out
    assert "released filter keeps 2, the paper's text 1; the paper counts 42271" in (
        printed
    )
    facts = made.metadata()
    assert facts["filter"] == config
    assert facts["most_people"]["validation"] == [3, f"{101:012d}.jpg"]
    assert facts["licence"] == builder.licence
    assert all(isinstance(one, module.Config) for one in builder.BUILDER_CONFIGS)
    assert set(module.FILTERS) == {one.name for one in builder.BUILDER_CONFIGS}


def test_bad_pictures_stop_the_build_or_are_listed(prepare, tmp_path, capsys):
    folder = made_scenes.write_coco(tmp_path / "data")
    path = folder / "annotations" / "person_keypoints_train2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["keypoints"][0] = float("nan")
    path.write_text(json.dumps(content))
    broken = folder / "train2017" / f"{2:012d}.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"000000000000\.jpg.*--skip-bad"):
        prepare(module.Builder(data_dir=tmp_path / "a", config="every"), folder)
    with options.using(options.Options(skip_bad=True, workers=2)):
        builder = module.Builder(data_dir=tmp_path / "b", config="every")
        made = prepare(builder, folder)
    assert len(made.records("train")) == 1
    report = json.loads((made.path / "skipped.json").read_text())
    assert [one["clip"] for one in report] == [f"{n:012d}.jpg" for n in (0, 2)]
    assert "NaN" not in report[1]["error"]
    assert f"left out {2:012d}.jpg" in capsys.readouterr().out


def test_pictures_are_never_downloaded(prepare, tmp_path):
    with pytest.raises(FileNotFoundError, match="--manual_dir"):
        module.Builder(data_dir=tmp_path).download_and_prepare()
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no annotations"):
        prepare(module.Builder(data_dir=tmp_path), tmp_path / "empty")
    folder = made_scenes.write_coco(tmp_path / "half")
    (folder / "annotations" / "instances_val2017.json").unlink()
    with pytest.raises(FileNotFoundError, match="instances_val2017"):
        prepare(module.Builder(data_dir=tmp_path), folder)
