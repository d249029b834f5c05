import numpy as np
import pytest

from ttjax.deepsportlab import joints
from ttjax.scenes import JOINTS, MIRRORED


def test_there_is_one_of_each_per_joint_and_both_sides_are_alike():
    assert joints.SIGMAS.shape == (len(JOINTS),)
    assert joints.UPRIGHT.shape == (len(JOINTS), 2)
    np.testing.assert_array_equal(joints.SIGMAS, joints.SIGMAS[list(MIRRORED)])
    assert (joints.CENTRE_SIGMA, joints.BALL_SIGMA) == (0.1, 0.2)
    other = joints.UPRIGHT[list(MIRRORED)] * [-1, 1]
    assert np.abs(joints.UPRIGHT - other).max() < 0.21


def test_sigmas_are_those_of_pycocotools():
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    np.testing.assert_allclose(
        joints.SIGMAS, cocoeval.Params(iouType="keypoints").kpt_oks_sigmas, atol=1e-7
    )


def test_a_quarter_turn_takes_x_to_y():
    got = joints.rotated(np.array([[1.0, 0.0], [0.0, 2.0]]), np.pi / 2)
    np.testing.assert_allclose(got, [[0, 1], [-2, 0]], atol=1e-12)
