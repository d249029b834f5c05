import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import poses


def test_there_are_ranges_of_every_angle_of_every_pose():
    assert poses.POSES.shape == (len(poses.SHARES), poses.COUNT, 2)
    assert (poses.POSES[..., 0] <= poses.POSES[..., 1]).all()
    assert sum(poses.SHARES) == pytest.approx(1.0)
    assert max(range(len(poses.SHARES))) == poses.SIGNALLING


def test_a_pose_lies_in_its_ranges_and_reaches_their_ends():
    run = jax.jit(poses.pose)
    for kind in (poses.STANDING, poses.RUNNING, poses.BLOCKING):
        low, high = np.moveaxis(poses.POSES[kind], -1, 0)
        for share in (0.0, 0.25, 1.0):
            got = run(jnp.int32(kind), jnp.full(poses.COUNT, share))
            want = low + share * (high - low)
            np.testing.assert_allclose(got, want, atol=1e-6)
    # Hands are up in a block: the upper arms point above the horizontal.
    swing = len(poses.ANGLES) + 2 * len(poses.LEG)
    assert poses.POSES[poses.BLOCKING, swing, 0] > np.pi / 2
