from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import depthwise

SIZES = [(5, 5), (3, 5)]


def drawn(size=(5, 5), shape=(2, 6, 7, 4), seed=0):
    random = np.random.RandomState(seed)
    return (
        random.randn(*shape).astype(np.float32),
        random.randn(*size, 1, shape[-1]).astype(np.float32),
    )


def by_loop(x, kernel):
    """The definition."""
    (b, h, w, c), (kh, kw) = x.shape, kernel.shape[:2]
    padded = np.zeros((b, h + kh - 1, w + kw - 1, c))
    padded[:, kh // 2 : kh // 2 + h, kw // 2 : kw // 2 + w] = x
    out = np.zeros(x.shape)
    for i in range(h):
        for j in range(w):
            seen = padded[:, i : i + kh, j : j + kw]
            out[:, i, j] = (seen * kernel[None, :, :, 0]).sum((1, 2))
    return out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "function", [depthwise.depthwise, depthwise.by_groups, depthwise.by_shifts]
)
def test_each_channel_is_convolved_by_itself(function, size):
    x, kernel = drawn(size)
    expected = by_loop(x, kernel)
    for call in (function, jax.jit(function)):
        out = call(jnp.asarray(x), jnp.asarray(kernel))
        np.testing.assert_allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_those_of_the_grouped_convolution(size):
    x, kernel = map(jnp.asarray, drawn(size))
    weight = jnp.asarray(drawn(seed=1)[0])

    def loss(function):
        return lambda x, kernel: (weight * jnp.tanh(function(x, kernel))).sum()

    expected = jax.grad(loss(depthwise.by_groups), (0, 1))(x, kernel)
    ours = jax.grad(loss(depthwise.depthwise), (0, 1))
    for grad in (ours, jax.jit(ours)):
        for value, want in zip(grad(x, kernel), expected, strict=True):
            np.testing.assert_allclose(value, want, atol=2e-5)


def test_the_gradient_of_the_kernel_is_a_sum_over_pixels():
    x, kernel = drawn((3, 5))
    slope = drawn(seed=2)[0]
    found = depthwise.kernel_gradient(jnp.asarray(x), jnp.asarray(slope), (3, 5))
    expected = np.zeros(kernel.shape)
    for place in np.ndindex(3, 5):
        unit = np.zeros(kernel.shape)
        unit[place] = 1
        expected[place] = (by_loop(x, unit) * slope).sum((0, 1, 2))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_half_precision_sums_in_full_precision():
    x, kernel = (jnp.asarray(a, jnp.bfloat16) for a in drawn())
    out = depthwise.depthwise(x, kernel)
    assert out.dtype == jnp.bfloat16
    expected = by_loop(np.asarray(x, np.float32), np.asarray(kernel, np.float32))
    np.testing.assert_allclose(out.astype(jnp.float32), expected, rtol=1e-2, atol=1e-2)
    grads = jax.grad(lambda k: depthwise.depthwise(x, k).astype(jnp.float32).sum())
    assert grads(kernel).dtype == jnp.bfloat16


def test_a_kernel_has_a_middle():
    x, kernel = map(jnp.asarray, drawn((4, 5)))
    with pytest.raises(ValueError, match=r"middle pixel, got .4, 5.: use odd sizes"):
        depthwise.depthwise(x, kernel)


def test_a_separable_convolution_is_depthwise_then_pointwise():
    random = np.random.RandomState(3)
    x = random.randn(1, 5, 6, 3).astype(np.float32)
    layer: Any = depthwise.SeparableConv(2, kernel=3, epsilon=0.5)
    variables = jax.eval_shape(layer.init, jax.random.key(0), jnp.asarray(x))
    variables = jax.tree.map(
        lambda v: jnp.asarray(0.5 + random.rand(*v.shape), jnp.float32), variables
    )
    params, stats = jax.tree.map(
        np.asarray, (variables["params"], variables["batch_stats"])
    )

    def norm(name, y):
        y = (y - stats[name]["mean"]) / np.sqrt(stats[name]["var"] + 0.5)
        return np.maximum(y * params[name]["scale"] + params[name]["bias"], 0)

    y = norm("bn_depthwise", by_loop(x, params["depthwise"]))
    y = norm("bn_pointwise", y @ params["pointwise"]["kernel"][0, 0])
    np.testing.assert_allclose(layer.apply(variables, jnp.asarray(x)), y, atol=1e-4)
