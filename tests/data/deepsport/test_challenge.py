import dataclasses

import pytest

from tests import made_scenes
from ttjax.datasets.deepsport import challenge  # pyright: ignore[reportMissingImports]
from ttjax.formats import coco, scene_record


def test_splits_are_those_of_the_files(tmp_path):
    picture = coco.Picture(
        0,
        "KS/1/camcourt1_99_0.jpg",
        (48, 64),
        (made_scenes.person(1, (1, 1, 9, 9)),),
        (),
        joints_known=False,
        balls_known=False,
    )
    spoilt = dataclasses.replace(
        picture,
        people=(made_scenes.person(2, (1, 1, 1, 9), segmentation={"size": []}),),
    )
    coco.write(tmp_path / "train.json", [picture])
    coco.write(tmp_path / "test.json", [spoilt])
    with pytest.raises(coco.LabelError, match="box"):
        challenge.splits(tmp_path, skip_bad=False)
    bad, found = challenge.splits(tmp_path, skip_bad=True)
    assert [name for name, _ in bad] == [picture.file]
    assert {split: len(plans) for split, plans in found.items()} == {
        "train": 1,
        "test": 0,
    }
    assert set(found) < set(challenge.FILES)
    folder = tmp_path / "KS" / "1"
    folder.mkdir(parents=True)
    made = made_scenes.write_coco(tmp_path / "coco") / "train2017"
    (folder / "camcourt1_99_0.jpg").write_bytes((made / f"{0:012d}.jpg").read_bytes())
    facts = scene_record.read_facts(found["train"][0].make())
    assert facts.group == challenge.group_of(picture.file) == "KS/1/99"
    assert not facts.joints_known
    assert facts.ball_state == scene_record.UNKNOWN
    assert challenge.Bad


def test_a_folder_without_annotations_is_refused(tmp_path):
    (tmp_path / "annotations").mkdir()
    with pytest.raises(FileNotFoundError, match=r"train\.json"):
        challenge.splits(tmp_path, skip_bad=False)


def test_the_real_splits(real_data):
    folder = real_data / "deepsport_annotations" / "instance_segmentation"
    bad, found = challenge.splits(folder, skip_bad=False)
    assert not bad
    sizes = {split: len(plans) for split, plans in found.items()}
    assert sizes == {"train": 223, "validation": 37, "test": 64}
    groups = {
        split: {challenge.group_of(plan.name) for plan in plans}
        for split, plans in found.items()
    }
    assert not groups["test"] & (groups["train"] | groups["validation"])
