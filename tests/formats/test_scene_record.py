import dataclasses

import numpy as np
import pytest

from tests import made_scenes
from ttjax import samples, scenes
from ttjax.formats import picture_file, scene_record

FACTS = scene_record.Facts(
    name="a.jpg",
    group="g",
    size_hw=np.array([48, 64], np.int32),
    masks_known=True,
    players=np.array([True, False]),
    crowd=np.array([False, True]),
    box_px=np.array([[1, 2, 30, 40], [40, 0, 64, 20]], np.float32),
    joints_px=np.ones((2, 17, 2), np.float32),
    joint_state=np.ones((2, 17), np.int8),
    joints_known=True,
    ball_xy_px=np.array([3.5, 4.5], np.float32),
    ball_state=scene_record.VISIBLE,
    ball_diameter_px=5.0,
    about='{"camera": 0}',
)


def pixels():
    ids = scene_record.paint((48, 64), [1], [made_scenes.box_mask(1, 2, 30, 40)])
    return picture_file.encode_png(made_scenes.picture(0)), ids


def test_decode_inverts_encode():
    image, ids = pixels()
    found = scene_record.decode(scene_record.encode(FACTS, image, ids))
    assert isinstance(found, scene_record.Picture)
    np.testing.assert_array_equal(found.ids, ids)
    np.testing.assert_array_equal(found.image, made_scenes.picture(0))
    record = scene_record.encode(FACTS, image, ids)
    for facts in (found.facts, scene_record.read_facts(record)):
        for name, value in vars(FACTS).items():
            np.testing.assert_array_equal(getattr(facts, name), value)


def test_labels_are_called_as_those_of_scenes():
    labels = {field.name for field in dataclasses.fields(scenes.SceneLabels)}
    assert labels == ({field.name for field in dataclasses.fields(FACTS)} | {"ids"}) - {
        "name",
        "group",
        "size_hw",
        "about",
    }
    for name in ("BACKGROUND", "BALL_ID", "IGNORED", "UNLABELLED", "HIDDEN", "SEEN"):
        assert getattr(scene_record, name) == getattr(scenes, name)
    for name in ("ABSENT", "VISIBLE", "UNKNOWN"):
        assert getattr(scene_record, name) == getattr(samples, name)
    assert len(scenes.JOINTS) == scene_record.JOINTS
    assert scene_record.MOST_PEOPLE == scenes.MOST_PLAYERS
    assert scene_record.LEAST_PX == scenes.LEAST_PX
    assert set(scene_record.ARRAYS) < {f.name for f in dataclasses.fields(FACTS)}


def test_the_smaller_mask_is_on_top_whatever_the_order():
    large, small = made_scenes.box_mask(0, 0, 20, 20), made_scenes.box_mask(5, 5, 9, 9)
    for order in ((0, 1), (1, 0)):
        masks, values = [(large, small)[n] for n in order], [(1, 254)[n] for n in order]
        ids = scene_record.paint((48, 64), values, masks)
        assert np.bincount(ids.reshape(-1))[[1, 254]].tolist() == [400 - 16, 16]
    twice = scene_record.paint((48, 64), [1, 2], [small, small])
    assert set(np.unique(twice)) == {0, 2}
    assert not scene_record.paint((4, 4), [], []).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size_hw": np.array([15, 64], np.int32)}, "at least 16 px"),
        ({"crowd": np.array([True, True])}, "player or a crowd"),
        ({"box_px": np.array([[1, 2, 1, 4], [0, 0, 1, 1]], np.float32)}, "an area"),
        ({"box_px": np.full((2, 4), np.nan, np.float32)}, "Boxes are finite"),
        ({"joints_px": np.full((2, 17, 2), np.nan, np.float32)}, "Joints and balls"),
        ({"ball_xy_px": np.full(2, np.inf, np.float32)}, "Joints and balls"),
        ({"joint_state": np.full((2, 17), 3, np.int8)}, "Joints are in one"),
        ({"ball_state": 2}, "one of the states"),
        ({"ball_diameter_px": float("nan")}, "a diameter"),
        ({"masks_known": False}, "Masks are given"),
    ],
)
def test_contradictions_are_named(change, message):
    image, ids = pixels()
    with pytest.raises(ValueError, match=message) as error:
        scene_record.encode(dataclasses.replace(FACTS, **change), image, ids)
    assert "a.jpg" in str(error.value)


def test_more_people_than_ids_can_tell_are_refused():
    n = scene_record.MOST_PEOPLE + 1
    rows = {
        name: np.repeat(getattr(FACTS, name)[:1], n, axis=0)
        for name in ("players", "crowd", "box_px", "joints_px", "joint_state")
    }
    many = dataclasses.replace(FACTS, **rows)
    with pytest.raises(ValueError, match=r"at most 253 .*a.jpg"):
        scene_record.check(many)


def test_masks_of_nobody_and_of_another_size_are_refused():
    ids = np.zeros((48, 64), np.uint8)
    scene_record.check_ids(FACTS, ids)
    ids[0, :2] = scene_record.BALL_ID, scene_record.IGNORED
    scene_record.check_ids(FACTS, ids)
    ids[3, 4] = 3
    with pytest.raises(ValueError, match="number 3"):
        scene_record.check_ids(FACTS, ids)
    with pytest.raises(ValueError, match="another picture"):
        scene_record.check_ids(FACTS, ids[1:])
    with pytest.raises(ValueError, match="another picture"):
        scene_record.check_size(FACTS, (64, 48))


def test_damaged_pixels_are_refused_by_name():
    image, ids = pixels()
    record = scene_record.encode(FACTS, image, ids)
    for name in ("image", "ids"):
        spoilt = {**record, name: record[name][:-30]}
        with pytest.raises(ValueError, match=r"a\.jpg"):
            scene_record.decode(spoilt)
