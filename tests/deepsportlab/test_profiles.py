import dataclasses

import numpy as np

from tests.deepsportlab import pictures
from ttjax.deepsportlab import court, poses, profiles, scores
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.precision import THRESHOLDS, Ranked
from ttjax.deepsportlab.profiles import (
    JointRecord,
    Joints,
    Legacy,
    LegacyRecord,
    Standard,
)

SHAPE = np.zeros((17, 2))
"""Someone who stands: ears, hips and ankles at their places, the rest between."""
SHAPE[:, 1] = 20.0
SHAPE[[3, 4]] = np.array([(-2.0, 0.0), (2.0, 0.0)])
SHAPE[[11, 12]] = np.array([(-3.0, 30.0), (3.0, 30.0)])
SHAPE[[15, 16]] = np.array([(-10.0, 60.0), (10.0, 60.0)])
AREA = 20.0 * 60.0
"""Of the box of the four points."""


def people(*places):
    return np.stack([SHAPE + np.array(place) for place in places])


def table(measure, *pairs):
    records = [measure.record(one) for one in pairs]
    return scores.entries(measure.statistics(records), len(records))


def values(measure, *pairs):
    return {name: row["value"] for name, row in table(measure, *pairs).items()}


def test_the_papers_f1_is_half_of_f1():
    first, second = np.array([0.875]), np.array([0.821])
    np.testing.assert_allclose(profiles.halved_f1(first, second), 0.4236, atol=5e-5)
    # OpenPifPaf's row of Table 1 shows the same: 41.9.
    other = profiles.halved_f1(np.array([0.885]), np.array([0.796]))
    np.testing.assert_allclose(other, 0.419, atol=5e-4)


def test_people_take_poses_in_the_order_of_annotation():
    similarity = np.array([[0.6, 0.9], [0.5, 0.8]])
    taken, reached = profiles.match_in_order(similarity)
    assert taken.tolist() == [0, 1]
    assert reached.tolist() == [0.6, 0.8]
    taken, reached = profiles.match_in_order(similarity[:1])
    assert taken.tolist() == [0]
    assert reached.tolist() == [0.6, 0.0]
    assert profiles.match_in_order(np.zeros((0, 2)))[1].tolist() == [0, 0]
    assert profiles.match_in_order(np.zeros((2, 1)))[0].tolist() == [-1, -1]


def test_poses_take_people_by_their_score():
    similarity = np.array([[0.6, 0.9], [0.5, 0.95]])
    got = profiles.match_best_first(np.array([0.3, 0.2]), similarity)
    assert got.tolist() == [1, 0]
    got = profiles.match_best_first(np.array([0.2, 0.3]), similarity)
    assert got.tolist() == [0, 1]
    got = profiles.match_best_first(np.array([0.3, 0.2]), similarity - 0.05)
    assert got.tolist() == [1, -1], "nobody who is less than half similar"
    assert profiles.match_best_first(np.array([0.2]), np.zeros((1, 0))) == [-1]


def test_the_published_scores_by_hand():
    """Two people; one found exactly, one 20 px beside; and a pose of nobody."""
    beside = 20.0
    pair = Comparison(
        pictures.truth(joints=people((0, 0), (500, 0))),
        pictures.guess(joints=people((0, 0), (500, beside), (900, 0))),
    )
    each = np.exp(-beside / (2 * AREA * poses.FOUR_KAPPA**2))
    oks = each.mean()
    right = (THRESHOLDS <= 1.0) * 1.0 + (oks >= THRESHOLDS)
    assert 0.4 < oks < 0.9
    record = Legacy().record(pair)
    assert isinstance(record, LegacyRecord)
    np.testing.assert_array_equal(record.right, right)
    got = values(Legacy(), pair)
    precision, recall = right.mean() / 3, right.mean() / 2
    np.testing.assert_allclose(got["pEQ/legacy/AP"], precision)
    np.testing.assert_allclose(got["pEQ/legacy/AR"], recall)
    f1 = 2 * precision * recall / (precision + recall)
    np.testing.assert_allclose(got["pEQ/legacy/F1"], f1)
    np.testing.assert_allclose(got["pEQ/legacy/F1_halved"], f1 / 2)


def test_a_pose_that_is_20_px_off_is_wrong_by_cocos_rules():
    pair = Comparison(
        pictures.truth(joints=people((0, 0))),
        pictures.guess(joints=people((0, 20))),
    )
    assert values(Legacy(), pair)["pEQ/legacy/AP"] > 0
    assert values(Standard(), pair)["pEQ/standard/AP"] == 0


def test_joints_that_were_not_found_cost_in_the_standard_alone():
    found = np.ones((1, 17))
    found[0, [11, 12, 15, 16]] = 0
    pair = Comparison(
        pictures.truth(joints=people((0, 0))),
        pictures.guess(joints=people((0, 0)), found=found),
    )
    assert values(Legacy(), pair)["pEQ/legacy/AP"] == 1.0
    assert values(Standard(), pair)["pEQ/standard/AP"] == 0.0


def test_the_standard_ranks_by_score():
    def scored(*score):
        pair = Comparison(
            pictures.truth(joints=people((0, 0))),
            pictures.guess(joints=people((0, 0), (500, 0)), score=np.array(score)),
        )
        return values(Standard(), pair)

    np.testing.assert_allclose(scored(0.9, 0.1)["pEQ/standard/AP"], 1.0)
    np.testing.assert_allclose(scored(0.1, 0.9)["pEQ/standard/AP"], 0.5)
    got = scored(0.1, 0.9)
    np.testing.assert_allclose(got["pEQ/standard/AR"], 1.0)
    np.testing.assert_allclose(got["pEQ/standard/F1"], 2 * 0.5 / 1.5)


def test_people_whose_points_are_not_known_are_neither_right_nor_wrong():
    state = np.full((2, 17), 2, np.int8)
    state[1] = 0
    joints = people((0, 0), (500, 0))
    box = np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1)
    pair = Comparison(
        pictures.truth(joints=joints, state=state, box=box),
        pictures.guess(joints=people((0, 0), (500, 0)), score=np.array([0.1, 0.9])),
    )
    got = table(Standard(), pair)
    np.testing.assert_allclose(got["pEQ/standard/AP"]["value"], 1.0)
    assert got["pEQ/standard/AP"]["n"] == 1
    for found in (3, 0):  # it need not have been found whole
        some = pair.guess.joint_score.copy()
        some[1, [3, 4, 11, 12, 15, 16][found:]] = 0
        part = dataclasses.replace(pair.guess, joint_score=some)
        again = values(Standard(), Comparison(pair.truth, part))
        np.testing.assert_allclose(again["pEQ/standard/AP"], 1.0)
    # As published, the pose of somebody who is not annotated is a wrong one.
    assert values(Legacy(), pair)["pEQ/legacy/AP"] == 0.5


def test_whom_the_court_leaves_out():
    def before(xy, height_m):
        return xy[..., 0] < 300

    truth = pictures.truth(joints=people((0, 0), (500, 0)), on_court=before)
    score = np.array([0.1, 0.9, 0.8])
    poses_of = pictures.guess(joints=people((0, 0), (700, 0), (510, 0)), score=score)
    got = values(Legacy(), Comparison(truth, poses_of))
    # As published: the pose in the stands is left out, the man there is not.
    record = Legacy().record(Comparison(truth, poses_of))
    assert record is not None
    assert (record.poses, record.people) == (2, 2)
    assert got["pEQ/legacy/AP"] == got["pEQ/legacy/AR"] > 0.8
    # As the text has it: neither counts, nor does the pose that is the man's.
    got = values(Standard(), Comparison(truth, poses_of))
    np.testing.assert_allclose(got["pEQ/standard/AP"], 1.0)
    np.testing.assert_allclose(got["pEQ/standard/AR"], 1.0)
    everybody = values(Standard(court.everyone), Comparison(truth, poses_of))
    assert everybody["pEQ/standard/AP"] < 0.6


def test_annotated_points_are_used_where_they_are_given():
    points = np.array([[(0, 0), (0, 30), (-10, 60), (10, 60)]], np.float64)
    blank = np.zeros((1, 17), np.int8)
    truth = pictures.truth(joints=np.zeros((1, 17, 2)), state=blank, points_px=points)
    pair = Comparison(truth, pictures.guess(joints=people((0, 0))))
    np.testing.assert_allclose(values(Standard(), pair)["pEQ/standard/AP"], 1.0)
    np.testing.assert_allclose(values(Legacy(), pair)["pEQ/legacy/AP"], 1.0)
    assert Joints().record(pair) is None


def test_similarity_of_joints_is_of_the_matched_poses():
    truth = pictures.truth(joints=people((0, 0), (500, 0)))
    pair = Comparison(truth, pictures.guess(joints=people((501, 0), (0, 0), (900, 0))))
    similarity = profiles.joint_oks(pair)
    record = Joints().record(pair)
    assert isinstance(record, JointRecord)
    assert isinstance(record.ranked.every, Ranked)
    np.testing.assert_allclose(
        sorted(record.oks), sorted([similarity[0, 1], similarity[1, 0]])
    )
    got = table(Joints(), pair)
    assert got["joints/OKS"]["n"] == 2
    np.testing.assert_allclose(got["joints/OKS"]["value"], record.oks.mean())
    assert 0.9 < got["joints/OKS"]["value"] < 1
    assert got["joints/AR"]["value"] > 0.9


def test_pictures_without_poses():
    unknown = Comparison(pictures.truth(players=1), pictures.guess(players=1))
    assert Legacy().record(unknown) is None
    assert Standard().record(unknown) is None
    assert Joints().record(unknown) is None
    alone = Comparison(pictures.truth(joints=people((0, 0))), pictures.guess(players=0))
    for measure, name in ((Legacy(), "legacy"), (Standard(), "standard")):
        assert values(measure, alone, unknown)[f"pEQ/{name}/AR"] == 0.0
    assert values(Joints(), alone)["joints/AP"] == 0.0


def test_the_published_scores_are_of_pixels_of_the_network():
    """Twice the source px per pixel and twice the size: the same score."""
    one = Comparison(
        pictures.truth(joints=people((0, 0))),
        pictures.guess(joints=people((0, 15))),
    )
    two = Comparison(
        pictures.truth(joints=2 * people((0, 0))),
        pictures.guess(joints=2 * people((0, 15)), to_source=(6.0, 6.0), stride=3),
    )
    assert values(Legacy(), one) == values(Legacy(), two)
    assert 0 < values(Legacy(), one)["pEQ/legacy/AP"] < 1


def test_the_area_of_a_pose_is_that_of_its_found_joints():
    joints = people((0, 0), (50, 50))
    found = np.ones((2, 17), np.bool_)
    found[1, [15, 16]] = False
    got = profiles.pose_area(joints, found)
    np.testing.assert_allclose(got, [AREA, 6.0 * 30.0])
    assert profiles.pose_area(joints, ~np.ones((2, 17), np.bool_)).tolist() == [0, 0]
    assert profiles.pose_area(joints[:0], found[:0]).shape == (0,)
