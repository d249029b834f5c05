import numpy as np

from tests.deepsportlab import pictures
from ttjax.deepsportlab import court


def left_of(limit):
    """A court that ends at a column."""
    return lambda xy, height_m: xy[..., 0] < limit


def person(x):
    """The ankles, hips and ears at one column, all else far away."""
    joints = np.full((17, 2), 1e3)
    joints[[3, 4, 11, 12, 15, 16]] = x, 10.0
    return joints


def people(*columns):
    return np.stack([person(x) for x in columns])


def test_one_foot_or_the_hips_on_the_court_are_enough():
    asked = []

    def on_court(xy, height_m):
        asked.append(height_m)
        return xy[..., 0] < 5

    points = np.full((4, 4, 2), 9.0)
    points[0, 2], points[1, 1], points[2, 0] = 1.0, 1.0, 1.0
    found = np.ones((4, 4), np.bool_)
    found[3] = [True, False, False, False]
    middle = np.array([[9.0, 9], [9, 9], [9, 9], [1, 1]])
    got = court.standing(on_court, points, found, middle)
    assert got.tolist() == [True, True, False, True], "a head says nothing"
    assert set(asked) == {court.HIPS_M, court.FOOT_M, court.MIDDLE_M}
    found[0, 2] = False
    assert not court.standing(on_court, points, found, middle)[0]


def test_each_filter_leaves_out_whom_it_says():
    truth = pictures.truth(joints=people(1, 20, 4), on_court=left_of(5))
    guess = pictures.guess(joints=people(2, 9, 21, 22, 1))
    taken = np.array([0, 2, 1, -1, -1])
    kept, known = court.everyone(truth, guess, taken)
    assert kept.all()
    assert known.all()
    kept, known = court.released(truth, guess, taken)
    assert kept.tolist() == [True, True, True, False, True]
    assert known.all()
    kept, known = court.both(truth, guess, taken)
    assert kept.tolist() == [True, True, False, False, True]
    assert known.tolist() == [True, False, True]


def test_without_a_court_nobody_is_left_out():
    truth, guess = pictures.truth(joints=people(1)), pictures.guess(joints=people(30))
    for rule in (court.everyone, court.released, court.both):
        kept, known = rule(truth, guess, np.array([-1]))
        assert kept.all()
        assert known.all()


def test_a_picture_of_nobody():
    truth = pictures.truth(players=0, on_court=left_of(5))
    guess = pictures.guess(joints=people(30, 2))
    for rule in (court.released, court.both):
        kept, known = rule(truth, guess, np.array([-1, -1]))
        assert kept.tolist() == [False, True]
        assert known.shape == (0,)
