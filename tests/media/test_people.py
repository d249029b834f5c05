import numpy as np

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
