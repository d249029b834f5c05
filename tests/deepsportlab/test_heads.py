from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import heads

POINTS = 3


def numbered(points, hw=(2, 3), **fields):
    """Fields of a head whose channel c answers c everywhere."""
    head: Any = heads.PifHead(points, **fields)
    channels = points * heads.COMPONENTS * heads.SHUFFLE**2
    params = {
        "conv": {
            "kernel": jnp.zeros((1, 1, 4, channels)),
            "bias": jnp.arange(channels, dtype=jnp.float32),
        }
    }
    return head.apply({"params": params}, jnp.ones((1, *hw, 4)))


def test_channels_are_grouped_by_component_and_shuffled_in_pytorchs_order():
    pif = numbered(POINTS)
    assert pif.vector.shape == (1, 3, 5, POINTS, 2)
    for row, column, point in np.ndindex(3, 5, POINTS):
        place = 2 * (row % 2) + column % 2
        at = (0, row, column, point)
        assert pif.confidence[at] == 4 * point + place
        for axis in range(2):
            before = POINTS + 2 * point + axis
            assert pif.vector[at][axis] == 4 * before + place
        assert pif.log_spread[at] == 4 * (3 * POINTS + point) + place
        assert pif.log_scale[at] == 4 * (4 * POINTS + point) + place


def test_a_softplus_scale_is_handed_out_as_its_logarithm():
    plain, soft = numbered(1), numbered(1, scale_activation="softplus")
    np.testing.assert_allclose(
        np.exp(soft.log_scale), np.log1p(np.exp(plain.log_scale)), rtol=1e-5
    )
    np.testing.assert_array_equal(plain.vector, soft.vector)


def test_log_softplus_is_exact_and_its_slope_finite_everywhere():
    x = np.array([-1e4, -100, -15.5, -15.0, -14.5, -1, 0, 3, 50, 1e4], np.float32)
    wide = x.astype(np.float64)
    expected = np.where(
        wide < -30, wide, np.log(np.logaddexp(0, np.maximum(wide, -30)))
    )
    np.testing.assert_allclose(heads.log_softplus(jnp.asarray(x)), expected, rtol=1e-6)
    slope = jax.vmap(jax.grad(heads.log_softplus))(jnp.asarray(x))
    inner = np.maximum(wide, -30)
    share = 1 / (1 + np.exp(-inner)) / np.logaddexp(0, inner)
    np.testing.assert_allclose(slope, share, rtol=1e-4)


def test_fields_start_from_their_base_rate():
    head: Any = heads.PifHead(17, base_rate=0.02)
    random = np.random.RandomState(0)
    x = jnp.asarray(np.maximum(random.randn(1, 4, 4, 96), 0), jnp.float32)
    pif, variables = jax.jit(head.init_with_output)(jax.random.key(0), x)
    assert 0.015 < float(jax.nn.sigmoid(pif.confidence).mean()) < 0.03
    assert np.abs(pif.vector).max() < 1
    assert heads.logit(0.02) == pytest.approx(np.log(0.02 / 0.98))
    bias = variables["params"]["conv"]["bias"]
    assert {float(b) for b in bias[4 * 17 :]} == {0.0}
    spread = np.std(variables["params"]["conv"]["kernel"])
    np.testing.assert_allclose(spread, heads.KERNEL_STD, rtol=0.1)


def test_maps_start_from_their_biases_and_are_float32():
    head: Any = heads.MapHead(4, (1.5, -2.0), 1e-4, 0.9, dtype=jnp.bfloat16)
    x = jnp.asarray(np.random.RandomState(0).randn(1, 5, 6, 3), jnp.float32)
    out, variables = jax.jit(head.init_with_output)(jax.random.key(0), x)
    assert out.shape == (1, 5, 6, 2)
    assert out.dtype == jnp.float32
    np.testing.assert_array_equal(variables["params"]["out"]["bias"], [1.5, -2.0])
    assert np.abs(out - jnp.array([1.5, -2.0])[None, None, None]).max() < 0.3
    assert variables["params"]["fuse"]["depthwise"].shape == (5, 5, 1, 3)
