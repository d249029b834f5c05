import numpy as np
import pytest

from ttjax.media import people
from ttjax.scenes import JOINTS


def test_limbs_join_neighbours_and_reach_every_joint():
    assert {joint for limb in people.LIMBS for joint in limb} == set(range(17))
    sides = [(JOINTS[a], JOINTS[b]) for a, b in people.LIMBS]
    crossing = [
        pair for pair in sides if {p.split("_")[0] for p in pair} == {"left", "right"}
    ]
    assert crossing == [
        ("left_shoulder", "right_shoulder"),
        ("left_hip", "right_hip"),
    ]


def test_a_skeleton_is_where_its_joints_are():
    frame = np.zeros((60, 80, 3), np.uint8)
    joints, found = np.zeros((17, 2)), np.zeros(17, bool)
    joints[5], joints[6], found[[5, 6]] = (20.5, 30.5), (50.5, 30.5), True
    people.skeleton(frame, joints, found, (200, 10, 10))
    assert np.abs(frame[30, 35].astype(int) - (200, 10, 10)).max() < 40
    assert not frame[:25].any()
    assert not frame[36:].any()
    again = np.zeros((60, 80, 3), np.uint8)
    people.skeleton(again, joints, np.zeros(17, bool), (200, 10, 10))
    assert not again.any()


def test_named_joints_are_put_in_order():
    places, there = people.named({"nose": [3.0, 4.0, 0.9]}, JOINTS)
    np.testing.assert_array_equal(places[0], [3.0, 4.0])
    np.testing.assert_array_equal(np.flatnonzero(there), [0])


def test_a_map_tints_the_pixels_that_it_covers():
    frame = np.zeros((40, 60, 3), np.uint8)
    ids = np.zeros((20, 30), np.uint8)
    ids[5:10, 10:20] = 3
    people.tint(frame, ids, to_source=(2.0, 2.0), opacity=1.0)
    want = np.zeros((40, 60), bool)
    want[10:20, 20:40] = True
    np.testing.assert_array_equal(frame.any(axis=-1), want)
    assert tuple(frame[12, 25]) == people.colour_of(2) == people.COLOURS[2]
    people.tint(frame, ids, to_source=(2.0, 2.0), opacity=1.0, colour=(1, 2, 3))
    assert tuple(frame[12, 25]) == (1, 2, 3)
    untouched = np.zeros((40, 60, 3), np.uint8)
    people.tint(untouched, np.zeros_like(ids), to_source=(2.0, 2.0))
    assert not untouched.any()


@pytest.mark.parametrize(("stride", "scale"), [(1, (4.0, 3.0)), (4, (16.0, 8.0))])
def test_each_pixel_gets_what_its_nearest_pixel_of_the_map_says(stride, scale):
    """Against distances: pixel j of the map stands at j * stride + 0.5."""
    ids = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
    got = people.at_pixels(ids, (33, 90), to_source=scale, stride=stride)
    places = [
        (np.arange(size) * stride + 0.5) * (step / stride)
        for size, step in ((5, scale[1]), (7, scale[0]))
    ]
    for y, x in np.ndindex(got.shape):
        away = [np.abs(at - (px + 0.5)) for at, px in zip(places, (y, x), strict=True)]
        name = ids[tuple(found.argmin() for found in away)]
        ties = [np.diff(np.sort(found)[:2])[0] for found in away]
        assert got[y, x] == name or min(ties) < 1e-9


def test_a_coarse_map_tints_around_its_pixels():
    frame, ids = np.zeros((17, 17, 3), np.uint8), np.zeros((5, 5), np.uint8)
    ids[2, 2] = 1  # at 8.5
    people.tint(frame, ids, to_source=(4.0, 4.0), stride=4, opacity=1.0)
    rows, columns = np.nonzero(frame.any(axis=-1))
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (6, 9)


def test_an_outline_is_the_outermost_pixels():
    ids = np.zeros((12, 12), np.uint8)
    ids[2:8, 3:9] = 1
    ids[4:10, 6:11] = 2
    frame = np.zeros((12, 12, 3), np.uint8)
    people.outline(frame, ids, (9, 9, 9), to_source=(1.0, 1.0))
    padded = np.pad(ids, 1)
    for y, x in np.ndindex(12, 12):
        around = padded[[y, y + 2, y + 1, y + 1], [x + 1, x + 1, x, x + 2]]
        assert frame[y, x].any() == (ids[y, x] > 0 and (around != ids[y, x]).any())
