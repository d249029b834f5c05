import numpy as np

from tests.deepsportlab import pictures
from ttjax import scenes
from ttjax.deepsportlab import errors, poses, scores
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.errors import ErrorRecord, JointErrors

RNG = np.random.default_rng(0)
APART = 1000.0
"""Between people; joints of one stand further apart than any tolerance."""


def people(count):
    grid = np.stack([np.arange(17) * 40.0, (np.arange(17) % 2) * 300.0], axis=1)
    return grid[None] + np.array([0, APART]) * np.arange(count)[:, None, None]


def record(truth, guess, **more):
    box = np.concatenate([truth.min(axis=1), truth.min(axis=1) + 40], axis=1)
    return JointErrors().record(
        Comparison(
            pictures.truth(joints=truth, box=box, **more), pictures.guess(joints=guess)
        )
    )


def counts(got):
    return dict(zip(errors.KINDS, got.kinds.tolist(), strict=True))


def test_each_kind_of_error():
    truth, guess = people(2), people(2)
    scale = np.sqrt(0.53 * 40 * 40) * poses.JOINT_KAPPA
    guess[0, 5, 0] += 0.9 * scale[5]  # exp(-.405) = .67
    guess[0, 6, 0] += 0.3 * scale[6]  # still good
    guess[0, 7] = truth[0, 8]  # the other elbow
    guess[0, 9] = truth[1, 9]  # somebody else's wrist
    guess[0, 10] = truth[1, 9]  # and his other one
    guess[0, 11] += 150.0  # nowhere
    guess[0, 0] = truth[1, 1]  # another kind of joint: nowhere
    got = record(truth, guess)
    assert isinstance(got, ErrorRecord)
    want = {"good": 27, "jitter": 1, "inversion": 1, "swap": 2, "miss": 3}
    want["good"] = 34 - 1 - 1 - 2 - 2
    want["miss"] = 2
    assert counts(got) == want
    assert (got.poses, got.false, got.people, got.missed) == (2, 0, 2, 0)


def test_joints_that_are_not_labelled_do_not_count_and_those_not_found_are_misses():
    truth = people(1)
    state = np.full((1, 17), 2, np.int8)
    state[0, :5] = 0
    similarity = np.zeros((1, 17, 17)) + np.eye(17)[None]
    found = np.ones(17, np.bool_)
    found[6] = False
    kind = errors.breakdown(similarity, 0, state > 0, found)
    assert (kind[:5] == -1).all()
    assert kind[6] == errors.KINDS.index("miss")
    assert (np.delete(kind, [0, 1, 2, 3, 4, 6]) == 0).all()
    got = record(truth, truth, state=state)
    assert got is not None
    assert got.kinds.sum() == 12


def test_the_nose_has_no_other_side():
    assert scenes.MIRRORED[0] == 0
    similarity = np.zeros((1, 17, 17))
    similarity[0, 0, 0] = 0.4
    labelled, found = np.ones((1, 17), np.bool_), np.ones(17, np.bool_)
    kind = errors.breakdown(similarity, 0, labelled, found)
    assert (kind == errors.KINDS.index("miss")).all()


def test_poses_of_nobody_and_people_without_a_pose():
    truth = people(3)
    guess = np.concatenate([people(1), people(1) + 300.0])
    got = record(truth, guess)
    assert got is not None
    assert (got.poses, got.false, got.people, got.missed) == (2, 1, 3, 2)
    table = scores.entries(JointErrors().statistics([got, None, got]), 3)
    np.testing.assert_allclose(table["errors/false_poses"]["value"], 0.5)
    np.testing.assert_allclose(table["errors/missed_people"]["value"], 2 / 3)
    np.testing.assert_allclose(table["errors/good"]["value"], 1.0)
    assert table["errors/good"]["n"] == 34


def test_people_that_do_not_count_make_no_pose_false():
    truth = people(2)
    state = np.full((2, 17), 2, np.int8)
    state[1] = 0
    got = record(truth, people(2), state=state)
    assert got is not None
    assert (got.poses, got.false, got.people, got.missed) == (1, 0, 1, 0)


def test_shares_sum_to_one_on_random_pictures():
    pairs = [pictures.pair(RNG) for _ in range(8)]
    records = [JointErrors().record(one) for one in pairs]
    table = scores.entries(JointErrors().statistics(records), 8)
    total = sum(table[f"errors/{name}"]["value"] for name in errors.KINDS)
    np.testing.assert_allclose(total, 1.0)
    unknown = Comparison(pictures.truth(players=1), pictures.guess(players=1))
    assert JointErrors().record(unknown) is None
