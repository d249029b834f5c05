import pytest

from tests import made_scenes
from ttjax.pipeline import scene_set
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


def test_built_pictures_are_told_from_other_folders(
    made_pictures, made_stacks, tmp_path
):
    for folder in (made_pictures, *list(made_pictures.parents)[:3]):
        assert scene_set.is_built(folder)
    assert not scene_set.is_built(made_stacks)
    assert not scene_set.is_built(tmp_path)
    for content in ("{", "[]", '{"featuresDict": 3}'):
        (tmp_path / "features.json").write_text(content)
        assert not scene_set.is_built(tmp_path)


def test_scores_are_of_the_test_set_or_else_of_the_validation_set(
    made_pictures, made_views
):
    assert scene_set.split_of(made_views, None) == "test"
    assert scene_set.split_of(made_pictures, None) == "validation"
    assert scene_set.split_of(made_pictures, "train") == "train"
    with pytest.raises(ValueError, match="none in test"):
        scene_set.split_of(made_pictures, "test")
