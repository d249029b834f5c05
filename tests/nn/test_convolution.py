from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ttjax.nn import convolution

RNG = np.random.default_rng(0)


def randn(*shape):
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


def reference(x, kernel):
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=numbers
    )


@pytest.mark.parametrize(("size", "hw"), [((3, 3), (6, 10)), ((1, 5), (7, 4))])
def test_same_has_the_values_and_gradients_of_the_convolution(size, hw):
    x, kernel, slopes = randn(2, *hw, 3), randn(*size, 3, 5), randn(2, *hw, 5)

    def run(function):
        out, back = jax.vjp(function, x, kernel)
        return out, *back(slopes)

    got, jitted = run(convolution.same), jax.jit(lambda: run(convolution.same))()
    for values in (got, jitted):
        for a, b in zip(values, run(reference), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("most", [1, 1000, convolution.PATCH_BYTES])
def test_kernel_gradient_is_the_sum_over_pixels_however_it_is_parted(monkeypatch, most):
    monkeypatch.setattr(convolution, "PATCH_BYTES", most)
    x, slopes = np.asarray(randn(2, 4, 6, 3)), np.asarray(randn(2, 4, 6, 2))
    margin: Any = ((0, 0), (1, 1), (1, 1), (0, 0))
    padded = np.pad(x, margin)
    expected = np.zeros((3, 3, 3, 2))
    for i in range(3):
        for j in range(3):
            seen = padded[:, i : i + 4, j : j + 6]
            expected[i, j] = np.einsum("bhwc,bhwo->co", seen, slopes)
    got = convolution.kernel_gradient(jnp.asarray(x), jnp.asarray(slopes), (3, 3))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_general_serves_flax_layers_at_stride_1():
    x = randn(1, 5, 6, 3)
    layers: Any = [
        nn.Conv(4, (3, 3), conv_general_dilated=function)
        for function in (convolution.general, lax.conv_general_dilated)
    ]
    variables = layers[1].init(jax.random.key(0), x)
    fast, usual = (layer.apply(variables, x) for layer in layers)
    np.testing.assert_allclose(fast, usual, atol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [{"strides": 2}, {"padding": "VALID"}, {"kernel_dilation": 2}],
)
def test_general_refuses_layers_that_are_another_convolution(fields):
    x = randn(1, 5, 6, 3)
    layer = nn.Conv(4, (3, 3), conv_general_dilated=convolution.general, **fields)
    with pytest.raises(ValueError, match="This convolution has stride 1"):
        layer.init(jax.random.key(0), x)


def test_a_kernel_of_even_size_is_refused():
    with pytest.raises(ValueError, match=r"middle pixel, got \(2, 3\)"):
        convolution.same(randn(1, 4, 4, 1), randn(2, 3, 1, 1))


@pytest.mark.parametrize("step", [1, 2])
def test_a_kernel_of_one_pixel_is_a_product(step):
    draw = np.random.RandomState(0).randn
    x, kernel = (
        jnp.asarray(draw(*s), jnp.float32) for s in ((2, 5, 6, 3), (1, 1, 3, 4))
    )

    def by_lax(x, kernel):
        return lax.conv_general_dilated(
            x,
            kernel,
            (step, step),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    def ours(x, kernel):
        return convolution.pointwise(x, kernel, (step, step), "SAME")

    for found, want in zip(
        (
            ours(x, kernel),
            *jax.grad(lambda *a: (ours(*a) ** 2).sum(), (0, 1))(x, kernel),
        ),
        (
            by_lax(x, kernel),
            *jax.grad(lambda *a: (by_lax(*a) ** 2).sum(), (0, 1))(x, kernel),
        ),
        strict=True,
    ):
        np.testing.assert_allclose(found, want, atol=1e-4)
    with pytest.raises(ValueError, match=r"got \(3, 3\)"):
        convolution.pointwise(x, jnp.zeros((3, 3, 3, 4)), (1, 1), "SAME")
