import dataclasses

import numpy as np

from ttjax.deepsportlab.arrays import Overflow, Predictions
from ttjax.deepsportlab.guess import Guess


def test_rows_that_are_present_close_up():
    rng = np.random.default_rng(0)
    joints = rng.uniform(size=(1, 4, 17, 2))
    joints[0, 3, 5] = np.nan
    predictions = Predictions(
        ids=np.array([[[0, 2, 4], [4, 4, 0]]], np.uint8),
        present=np.array([[False, True, False, True]]),
        score=np.array([[0.1, 0.2, 0.3, 0.4]]),
        centre_px=rng.uniform(size=(1, 4, 2)),
        area_px=np.ones((1, 4)),
        joints_px=joints,
        joint_score=np.ones((1, 4, 17)),
        ball_px=np.array([[3.0, 4.0]]),
        ball_score=np.array([0.5]),
        overflow=Overflow(cells=np.array([False]), players=np.array([True])),
        to_source=np.array([[2.0, 3.0]], np.float32),
    )
    got = Guess.of_predictions(predictions, 0, stride=2)
    np.testing.assert_array_equal(got.ids, [[0, 1, 2], [2, 2, 0]])
    np.testing.assert_array_equal(got.score, [0.2, 0.4])
    np.testing.assert_array_equal(got.joints_px[0], joints[0, 1])
    assert got.found[0].all()
    assert not got.found[1, 5], "no position, no joint"
    assert np.isfinite(got.joints_px).all()
    assert (got.to_source, got.stride, got.truncated) == ((2.0, 3.0), 2, True)
    blind = dataclasses.replace(predictions, ids=None)
    assert Guess.of_predictions(blind, 0).ids is None
