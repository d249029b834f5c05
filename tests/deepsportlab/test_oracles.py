import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax.deepsportlab import oracles, poses
from ttjax.deepsportlab.evaluator import Evaluator
from ttjax.metrics import intervals
from ttjax.samples import ABSENT, VISIBLE

IDS = np.zeros((40, 60), np.uint8)
IDS[5:35, 5:20], IDS[5:35, 30:50] = 1, 2


def people():
    rng = np.random.default_rng(0)
    low = np.array([[7.0, 7.0], [32.0, 7.0]])
    return low[:, None] + rng.uniform(0, 11, (2, 17, 2))


def test_joints_go_to_the_true_mask_they_lie_on():
    joints = people()
    mixed = joints[::-1].copy()  # to the wrong player, all of them
    mixed[0, 4] = 55.0, 38.0  # on nobody
    sure = np.full((2, 17), 0.8)
    sure[1, 9] = 0.0
    guess = pictures.guess(np.zeros_like(IDS), joints=mixed, found=sure)
    truth = pictures.truth(IDS, joints=joints)
    got = oracles.with_true_masks(guess, truth)
    np.testing.assert_array_equal(got.ids, IDS)
    there = np.ones((2, 17), np.bool_)
    there[1, 4], there[0, 9] = False, False
    np.testing.assert_array_equal(got.found, there)
    np.testing.assert_array_equal(got.joints_px[there], joints[there])
    np.testing.assert_allclose(got.score, 0.8 * 16 / 17)
    np.testing.assert_allclose(got.centre_px, [[12.5, 20.0], [40.0, 20.0]])
    blind = pictures.truth(None, joints=joints)
    assert oracles.with_true_masks(guess, blind) is guess


def test_the_surest_of_two_joints_stays():
    joints = np.tile(people()[:1], (2, 1, 1))
    joints[1] += 0.5
    sure = np.full((2, 17), 0.5)
    sure[1, 3] = 0.6
    guess = pictures.guess(np.zeros_like(IDS), joints=joints, found=sure)
    got = oracles.with_true_masks(guess, pictures.truth(IDS, joints=people()))
    np.testing.assert_array_equal(got.joints_px[0, 3], joints[1, 3])
    np.testing.assert_array_equal(got.joints_px[0, 4], joints[0, 4])
    assert not got.found[1].any()


def test_maps_of_a_stride_hold_joints_at_their_nearest_pixel():
    ids = np.zeros((4, 4), np.uint8)
    ids[:, 2:] = 1
    joints = np.zeros((1, 17, 2))
    joints[0, :, 1] = 2.0
    # Columns 1 and 2 of the map stand at 2.5 and 4.5 of the image, 3.5 lies between.
    joints[0, 0, 0], joints[0, 1, 0] = 3.4, 3.6
    guess = pictures.guess(ids, joints=joints, to_source=(2.0, 2.0), stride=2)
    truth = pictures.truth(
        np.kron(ids, np.ones((2, 2), np.uint8)), joints=np.zeros((1, 17, 2))
    )
    got = oracles.with_true_masks(guess, truth)
    np.testing.assert_array_equal(got.ids, ids)
    assert got.found[0, :2].tolist() == [False, True]
    np.testing.assert_allclose(got.centre_px, [[6.0 - 0.5, 3.5]])


def test_true_joints_go_to_the_predicted_mask_they_lie_on():
    joints, state = people(), np.full((2, 17), 2, np.int8)
    joints[0, 5] = joints[1, 5] + 0.1  # both shoulders lie on the second player,
    state[0, 5] = 1  # of whom one is hidden behind him
    state[1, 6] = 0
    guess = pictures.guess(IDS, players=2)
    truth = pictures.truth(None, joints=joints, state=state)
    got = oracles.with_true_joints(guess, truth)
    np.testing.assert_array_equal(got.joints_px[1, 5], joints[1, 5])
    assert not got.found[0, 5]
    assert not got.found[1, 6]
    assert got.found.sum() == 32
    unknown = pictures.truth(None, players=2)
    assert oracles.with_true_joints(guess, unknown) is guess


def test_the_true_ball_is_believed_where_it_is_seen():
    for state, score in ((VISIBLE, 1.0), (ABSENT, 0.0)):
        truth = pictures.truth(ball_xy_px=np.array([3.0, 4.0]), ball_state=state)
        got = oracles.with_true_ball(pictures.guess(), truth)
        assert got.ball_score == score
        np.testing.assert_array_equal(got.ball_px, [3, 4])


def test_each_swap_improves_what_it_replaces(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 1)
    rng = np.random.default_rng(1)
    pairs = [pictures.pair(rng, noise=2.0) for _ in range(12)]

    def table(swap):
        evaluator = Evaluator(swap=swap)
        for pair in pairs:
            evaluator.add_picture(pair.guess, pair.truth)
        return {name: row["value"] for name, row in evaluator.table().items()}

    plain, masks = table(None), table(oracles.with_true_masks)
    joints = table(oracles.with_true_joints)
    every = table(oracles.with_true_masks_and_joints)
    assert masks["pSQ"] == masks["pDQ"] == 1.0 > plain["pDQ"]
    np.testing.assert_allclose(masks["masks/AP"], 1.0)
    assert joints["pDQ"] == plain["pDQ"], "joints alone change no mask"
    assert plain["joints/AP"] < joints["joints/AP"] < every["joints/AP"]
    assert plain["joints/AP"] < masks["joints/AP"] < every["joints/AP"]
    assert every["errors/good"] > plain["errors/good"]


def test_four_annotated_points_are_true_joints_as_well():
    points = np.array([[(12.0, 8), (12, 18), (9, 30), (15, 30)]] * 2)
    points[1, :, 0] += 25.0
    known = np.array([[True] * 4, [False] * 4])
    truth = pictures.truth(None, players=2, points_px=points, points_known=known)
    got = oracles.with_true_joints(pictures.guess(IDS, players=2), truth)
    where, there = poses.four_points(got.joints_px, got.found)
    np.testing.assert_array_equal(where[0], points[0])
    np.testing.assert_array_equal(there, known)


def test_every_swap_has_a_name():
    assert set(oracles.SWAPS) == {
        "true masks",
        "true joints",
        "true masks and joints",
        "true ball",
    }
    joints = people()
    truth = pictures.truth(IDS, joints=joints, ball_state=VISIBLE)
    for swap in oracles.SWAPS.values():
        got = swap(pictures.guess(IDS, joints=joints), truth)
        np.testing.assert_array_equal(got.ids, IDS)
        np.testing.assert_array_equal(got.joints_px, joints)
