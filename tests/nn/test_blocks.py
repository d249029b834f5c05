from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ttjax.nn import blocks

KEY = jax.random.key(0)


def randn(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def correlate(x, kernel, bias):
    """Convolution without padding, by the definition."""
    kh, kw = kernel.shape[:2]
    h, w = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    out = np.zeros((len(x), h, w, kernel.shape[3])) + bias
    for i in range(kh):
        for j in range(kw):
            out += np.einsum("bhwi,io->bhwo", x[:, i : i + h, j : j + w], kernel[i, j])
    return out


@pytest.mark.parametrize("factor", [2, 3])
def test_max_pool_takes_the_maximum_of_every_window(factor):
    x = randn(2, 7, 8, 3)
    out = blocks.max_pool(jnp.asarray(x), factor)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            window = x[:, factor * i :, factor * j :][:, :factor, :factor]
            np.testing.assert_array_equal(out[:, i, j], window.max(axis=(1, 2)))


def test_max_pool_hands_each_gradient_to_its_maximum_and_splits_ties():
    x = jnp.array([[1.0, 2.0], [3.0, 0.0]]).reshape(1, 2, 2, 1)
    grad = jax.grad(lambda x: 5 * blocks.max_pool(x).sum())
    np.testing.assert_array_equal(grad(x)[0, :, :, 0], [[0, 0], [5, 0]])
    np.testing.assert_allclose(grad(jnp.zeros((1, 2, 2, 1))), 1.25)


@pytest.mark.parametrize("hw", [(6, 8), (7, 5)])
def test_overlapping_max_pool_sees_3x3_windows_at_stride_2(hw):
    x = randn(2, *hw, 3)
    margin: Any = ((0, 0), (1, 1), (1, 1), (0, 0))
    padded = np.pad(x, margin, constant_values=-np.inf)
    out = blocks.max_pool_overlapping(jnp.asarray(x))
    assert out.shape[1:3] == tuple((n + 1) // 2 for n in hw)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            window = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            np.testing.assert_array_equal(out[:, i, j], window.max(axis=(1, 2)))


def test_channel_dropout_drops_whole_channels():
    x = jnp.ones((4, 3, 3, 64))
    dropout: Any = blocks.channel_dropout(0.5)
    out = dropout.apply({}, x, deterministic=False, rngs={"dropout": KEY})
    kept = np.asarray(out[:, 0, 0])
    np.testing.assert_array_equal(out, np.broadcast_to(kept[:, None, None], out.shape))
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert 0.3 < (kept > 0).mean() < 0.7
    assert len({tuple(row) for row in kept}) == 4


@pytest.mark.parametrize("pool", [True, False])
def test_conv_block_is_convolution_norm_relu_pool(pool):
    x = randn(2, 6, 8, 3)
    block: Any = blocks.ConvBlock(4, pool=pool)
    variables = jax.jit(block.init)(KEY, jnp.asarray(x))
    variables = jax.tree.map(lambda v: v + 0.1 * randn(*v.shape), variables)
    variables["batch_stats"] = jax.tree.map(jnp.abs, variables["batch_stats"])
    conv, norm = (
        jax.tree.map(np.asarray, variables["params"][name]) for name in ("conv", "bn")
    )
    stats = jax.tree.map(np.asarray, variables["batch_stats"]["bn"])
    margin: Any = ((0, 0), (1, 1), (1, 1), (0, 0))
    padded = np.pad(x, margin)
    y = correlate(padded, conv["kernel"], conv["bias"])
    y = (y - stats["mean"]) / np.sqrt(stats["var"] + 1e-5) * norm["scale"]
    y = np.maximum(y + norm["bias"], 0)
    if pool:
        y = y.reshape(2, 3, 2, 4, 2, 4).max(axis=(2, 4))
    np.testing.assert_allclose(block.apply(variables, jnp.asarray(x)), y, atol=1e-5)


def test_the_bias_before_a_batch_norm_counts_in_evaluation_and_cancels_in_training():
    x = jnp.asarray(randn(2, 4, 4, 3))
    block: Any = blocks.ConvBlock(4, pool=False)
    variables = jax.jit(block.init)(KEY, x)
    bias = variables["params"]["conv"]["bias"]
    assert bias.shape == (4,)

    def out(bias, train):
        params = variables["params"] | {
            "conv": variables["params"]["conv"] | {"bias": bias}
        }
        return block.apply(
            variables | {"params": params}, x, train, mutable=["batch_stats"]
        )

    plain, stats = out(bias, True)
    shifted, moved = out(bias + 1, True)
    np.testing.assert_array_equal(plain, shifted)
    difference = moved["batch_stats"]["bn"]["mean"] - stats["batch_stats"]["bn"]["mean"]
    np.testing.assert_allclose(difference, 0.1, rtol=1e-4)
    assert np.abs(out(bias, False)[0] - out(bias + 1, False)[0]).max() > 0.1


@pytest.mark.parametrize("padding", [((1, 2), (1, 2)), ((2, 2), (2, 2))])
def test_transposed_conv_is_the_adjoint_of_a_strided_convolution(padding):
    x = randn(1, 3, 4, 2)
    layer: Any = blocks.TransposedConv(5, padding=padding)
    variables = jax.jit(layer.init)(KEY, jnp.asarray(x))
    kernel = np.asarray(variables["params"]["kernel"])
    assert kernel.shape == (3, 3, 5, 2)
    out = np.asarray(layer.apply(variables, jnp.asarray(x)))
    # Each input pixel adds its kernel at twice its place.
    full = np.zeros((1, 2 * 3 + 3, 2 * 4 + 3, 5))
    for i in range(3):
        for j in range(4):
            full[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.einsum(
                "bi,hwoi->bhwo", x[:, i, j], kernel
            )
    top, left = 2 - padding[0][0], 2 - padding[1][0]
    expected = full[:, top : top + out.shape[1], left : left + out.shape[2]]
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert out.shape[1] == (6 if padding[0] == (1, 2) else 7)


def test_inner_conv_loses_a_border_and_nothing_else():
    x = randn(2, 5, 6, 3)
    layer: Any = blocks.InnerConv(4)
    variables = jax.jit(layer.init)(KEY, jnp.asarray(x))
    params = jax.tree.map(lambda v: v + 0.1, variables["params"])
    expected = correlate(x, np.asarray(params["kernel"]), np.asarray(params["bias"]))
    out = layer.apply({"params": params}, jnp.asarray(x))
    assert out.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_split_conv_hands_out_its_bias():
    x = jnp.asarray(randn(1, 4, 4, 2))
    layer: Any = blocks.SplitConv(3)
    variables = jax.jit(layer.init)(KEY, x)
    variables["params"]["bias"] += 2
    out, bias = layer.apply(variables, x)
    np.testing.assert_array_equal(bias, 2)
    margin: Any = ((0, 0), (1, 1), (1, 1), (0, 0))
    padded = np.pad(x, margin)
    kernel = np.asarray(variables["params"]["kernel"])
    np.testing.assert_allclose(out, correlate(padded, kernel, 0), atol=1e-5)


def test_deconv_block_doubles_the_size_through_a_quarter_of_the_channels():
    x = jnp.asarray(randn(1, 3, 4, 8))
    block = blocks.DeconvBlock(6)
    variables = jax.jit(block.init)(KEY, x)
    shapes = jax.tree.map(jnp.shape, variables["params"])
    assert shapes["conv1"]["kernel"] == (1, 1, 8, 2)
    assert shapes["tconv"]["kernel"] == (3, 3, 2, 2)
    assert shapes["conv2"]["kernel"] == (1, 1, 2, 6)
    out, new = block.apply(variables, x, True, mutable=["batch_stats"])
    assert out.shape == (1, 6, 8, 6)
    assert set(new["batch_stats"]) == {"bn1", "bn_t", "bn2"}
    assert (np.asarray(out) >= 0).all()


def test_blocks_in_half_precision_hand_on_half_precision():
    x = jnp.asarray(randn(1, 4, 4, 8), jnp.bfloat16)
    both: list[Any] = [
        blocks.ConvBlock(4, dtype=jnp.bfloat16),
        blocks.DeconvBlock(4, jnp.bfloat16),
    ]
    for block in both:
        variables = jax.jit(block.init)(KEY, x)
        assert {v.dtype for v in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
        assert block.apply(variables, x).dtype == jnp.bfloat16


@pytest.mark.parametrize("kernel", [2, 3])
def test_a_narrow_convolution_is_one(kernel):
    layer: Any = blocks.NarrowConv(3, kernel)
    x = jnp.asarray(np.random.RandomState(0).randn(2, 5, 6, 4), jnp.float32)
    variables = jax.jit(layer.init)(jax.random.key(0), x)
    variables["params"]["bias"] += 0.5
    more = kernel - 1
    want = lax.conv_general_dilated(
        x,
        variables["params"]["kernel"],
        (1, 1),
        ((more, more), (more, more)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    found = jax.jit(layer.apply)(variables, x)
    assert found.shape == (2, 5 + more, 6 + more, 3)
    np.testing.assert_allclose(found, want + 0.5, atol=1e-5)
