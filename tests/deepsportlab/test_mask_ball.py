import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import mask_ball

surest = jax.jit(mask_ball.surest, static_argnames="stride")
ALL = jnp.array([97, 129], jnp.int32)


def disc(xy, radius_px, stride=2):
    y, x = np.mgrid[:49, :65] * stride + 0.5
    ball = np.hypot(x - xy[0], y - xy[1]) <= radius_px
    return jnp.array(np.stack([~ball, ball], -1) * 8.0 - 4.0, jnp.float32)


@pytest.mark.parametrize("radius_px", [4.0, 7.0, 9.0])
def test_the_middle_of_a_disc_is_found(radius_px):
    for xy in ((40.3, 50.9), (71.0, 33.3)):
        got, score = surest(disc(xy, radius_px), ALL, stride=2.0)
        np.testing.assert_allclose(got, xy, atol=1.0)
        assert score > 0.99


def test_eager_equals_jitted():
    made = disc((40.3, 50.9), 5.0)
    for a, b in zip(
        mask_ball.surest(made, ALL, stride=2.0),
        surest(made, ALL, stride=2.0),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert mask_ball.RADIUS_PX >= 9.0


def test_what_is_not_picture_holds_no_ball():
    half = jnp.array([97, 60], jnp.int32)
    both = jnp.maximum(disc((100.0, 50.0), 5.0), disc((30.0, 50.0), 4.0))
    both = both.at[..., 0].set(jnp.minimum(0.0, -both[..., 1]))
    got, _ = surest(both, half, stride=2.0)
    np.testing.assert_allclose(got, (30.0, 50.0), atol=1.0)


@pytest.mark.parametrize("level", [-1e30, 0.0, 1e30])
def test_extreme_logits_stay_finite(level):
    flat = jnp.full((49, 65, 3), level, jnp.float32)
    got, score = surest(flat, ALL, stride=2.0)
    assert np.isfinite(got).all()
    np.testing.assert_allclose(score, 1 / 3, rtol=1e-5)
