from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import batch_norm


@pytest.fixture
def data():
    random = np.random.RandomState(0)
    x = jnp.asarray(random.randn(3, 4, 5, 6) * 2 + 1, jnp.float32)
    scale, bias, shift = (jnp.asarray(random.randn(6), jnp.float32) for _ in range(3))
    return x, scale, bias, shift


def reference(x, scale, bias, train):
    """Flax's own layer."""
    layer = nn.BatchNorm(
        use_running_average=not train, momentum=0.9, epsilon=batch_norm.EPSILON
    )
    mean, var = jnp.full(6, 0.3), jnp.full(6, 1.7)
    variables = {
        "params": {"scale": scale, "bias": bias},
        "batch_stats": {"mean": mean, "var": var},
    }
    out, new = layer.apply(variables, x, mutable=["batch_stats"])
    return variables, out, new["batch_stats"]


@pytest.mark.parametrize("train", [True, False])
def test_batch_norm_is_the_usual_one_and_a_shift_is_as_good_as_added(data, train):
    x, scale, bias, shift = data
    variables, out, stats = reference(x + shift[None, None, None], scale, bias, train)
    layer: Any = batch_norm.BatchNorm()
    new: Any
    ours, new = layer.apply(variables, x, train, shift, mutable=["batch_stats"])
    np.testing.assert_allclose(ours, out, atol=2e-5)
    for name in ("mean", "var"):
        np.testing.assert_allclose(
            np.asarray(new["batch_stats"][name]), np.asarray(stats[name]), rtol=1e-5
        )


def test_gradients_are_those_of_automatic_differentiation(data):
    x, scale, bias, _ = data
    weight = jnp.asarray(np.random.RandomState(1).randn(*x.shape), jnp.float32)

    def plain(x, scale, bias):
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        unit = (x - mean[None, None, None]) / jnp.sqrt(var + batch_norm.EPSILON)[
            None, None, None
        ]
        out = unit * scale[None, None, None] + bias[None, None, None]
        return (weight * jnp.tanh(out)).sum()

    def ours(x, scale, bias):
        return (weight * jnp.tanh(batch_norm.normalise(x, scale, bias)[0])).sum()

    expected = jax.grad(plain, argnums=(0, 1, 2))(x, scale, bias)
    for grad in (jax.grad(ours, (0, 1, 2)), jax.jit(jax.grad(ours, (0, 1, 2)))):
        for value, want in zip(grad(x, scale, bias), expected, strict=True):
            np.testing.assert_allclose(value, want, atol=2e-5)


def test_a_constant_channel_stays_finite(data):
    _, scale, bias, _ = data
    x = jnp.full((2, 3, 3, 6), 1e4)
    grads = jax.grad(lambda x: batch_norm.normalise(x, scale, bias)[0].sum())(x)
    out, _, var = batch_norm.normalise(x, scale, bias)
    assert np.isfinite(grads).all()
    assert np.isfinite(out).all()
    assert (np.asarray(var) >= 0).all()


def test_half_precision_keeps_statistics_in_float32(data):
    x, scale, bias, _ = data
    variables, _, stats = reference(x, scale, bias, True)
    layer: Any = batch_norm.BatchNorm(dtype=jnp.bfloat16)
    new: Any
    out, new = layer.apply(
        variables, x.astype(jnp.bfloat16), True, mutable=["batch_stats"]
    )
    assert out.dtype == jnp.bfloat16
    assert new["batch_stats"]["mean"].dtype == jnp.float32
    np.testing.assert_allclose(
        np.asarray(new["batch_stats"]["var"]), np.asarray(stats["var"]), rtol=1e-2
    )


def test_affine_works_channel_by_channel():
    out = batch_norm.affine(jnp.ones((2, 3)), jnp.arange(3.0), jnp.full(3, 2.0))
    np.testing.assert_array_equal(out, [[2, 3, 4]] * 2)


def test_epsilon_and_momentum_may_be_others(data):
    x, scale, bias, _ = data
    x = 1e-2 * x
    variables, _, _ = reference(x, scale, bias, True)
    theirs = nn.BatchNorm(use_running_average=False, momentum=0.99, epsilon=1e-3)
    ours: Any = batch_norm.BatchNorm(epsilon=1e-3, momentum=0.99)
    weight = jnp.asarray(np.random.RandomState(1).randn(*x.shape), jnp.float32)

    def run(layer, *train):
        def loss(x):
            out, new = layer.apply(variables, x, *train, mutable=["batch_stats"])
            return (weight * out).sum(), (out, new)

        return jax.grad(loss, has_aux=True)(x)

    for value, want in zip(
        jax.tree.leaves(run(ours, True)), jax.tree.leaves(run(theirs)), strict=True
    ):
        np.testing.assert_allclose(value, want, atol=1e-4 * np.abs(want).max())
    still = ours.apply(variables, x)
    factor = np.asarray(scale) / np.sqrt(1.7 + 1e-3)
    expected = (np.asarray(x) - 0.3) * factor + np.asarray(bias)
    np.testing.assert_allclose(still, expected, atol=1e-5)
