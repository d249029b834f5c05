import pytest

from tests import made_scenes
from ttjax.pipeline.scene_set import SceneSet
from ttjax.pipeline.stack_set import Prepared


def test_it_opens_what_a_builder_has_prepared(made_pictures):
    built = SceneSet(made_pictures)
    assert isinstance(built, Prepared)
    assert built.name == "coco_sport"
    assert [built.count(split) for split in ("train", "validation", "test")] == [
        3,
        3,
        0,
    ]
    assert built.licence.startswith("annotations CC BY 4.0")
    assert len(built.records("train")) == 3


def test_records_of_another_kind_are_refused(made_stacks):
    with pytest.raises(ValueError, match=r"scene_record.*joint_state"):
        SceneSet(made_stacks)


def test_too_few_rows_are_noticed_before_anything_is_read(made_pictures):
    SceneSet(made_pictures).check_rows("train", 3)
    SceneSet(made_pictures).check_rows("test", 1)
    name = made_scenes.coco_pictures(0)[1].file
    with pytest.raises(ValueError, match=rf"{name}.*shows 3.*`players=3`"):
        SceneSet(made_pictures).check_rows("train", 2)
