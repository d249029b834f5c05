"""Convolution at stride 1, with a gradient of the kernel that CPUs compute fast.

XLA's CPU backend takes the gradient of a kernel as a convolution whose window is the
whole map: for 16 to 72 channels on 8 maps of 32x80 33 ms, where the map itself takes 7.
As matrix products of patches that stay in the cache it takes 7 as well.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

PATCH_BYTES = 3 << 20
"""Of the patches that are laid out at once."""


@jax.custom_vjp
def same(
    x: Float[Array, "b h w c"], kernel: Float[Array, "kh kw c o"]
) -> Float[Array, "b h w o"]:
    """The map, padded with zeros to the size of the input; kernel sizes are odd.

    Raises:
        ValueError: a kernel of even size, whose middle lies between two pixels.
    """
    return _forward(x, kernel)[0]


def general(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    *,
    feature_group_count: int = 1,
    lhs_dilation: Sequence[int] = (1, 1),
    rhs_dilation: Sequence[int] = (1, 1),
    **others: object,
) -> Array:
    """`same` in the place of `lax.conv_general_dilated` in a `flax.linen.Conv`.

    Raises:
        ValueError: the layer is another convolution.
    """
    del others  # NHWC and HWIO always, and the layer's own precision.
    steps = (*strides, *lhs_dilation, *rhs_dilation, feature_group_count)
    if padding != "SAME" or any(step != 1 for step in steps):
        raise ValueError(
            "This convolution has stride 1, SAME padding and neither dilation nor "
            f"groups, got strides={tuple(strides)}, padding={padding!r}, dilations="
            f"{tuple(lhs_dilation)}, {tuple(rhs_dilation)}, groups="
            f"{feature_group_count}: leave `conv_general_dilated` out of that layer."
        )
    return same(x, kernel)


def pointwise(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    **others: object,
) -> Array:
    """A 1x1 kernel as a matrix product, where `lax.conv_general_dilated` would stand.

    For a `flax.linen.Conv`. XLA's CPU backend takes 25 ms for the product of 256
    channels to 64 on 321x321 and 104 for the convolution, 24 and 34 for 512 to 128 on
    161x161.

    Raises:
        ValueError: the kernel is larger.
    """
    del padding, others  # Of one pixel there is nothing to pad.
    if kernel.shape[:-2] != (1,) * (kernel.ndim - 2):
        raise ValueError(
            f"A pointwise kernel is of one pixel, got {kernel.shape[:-2]}: leave "
            "`conv_general_dilated` out of that layer."
        )
    steps = (slice(None), *(slice(None, None, step) for step in strides))
    return x[steps] @ kernel.reshape(kernel.shape[-2:])


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    if not (kernel.shape[0] % 2 and kernel.shape[1] % 2):
        raise ValueError(
            f"A kernel has a middle pixel, got {kernel.shape[:2]}: use odd sizes."
        )
    return _convolve(x, kernel), (x, kernel)


def _convolve(x: Array, kernel: Array) -> Array:
    if kernel.shape[:2] == (1, 1):
        return pointwise(x, kernel, (1, 1), "SAME")
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _backward(residuals: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    turned = kernel[::-1, ::-1].swapaxes(2, 3)

    def by_convolution(x: Array, gradient: Array) -> Array:
        return jax.vjp(lambda kernel: _convolve(x, kernel), kernel)[1](gradient)[0]

    def by_patches(x: Array, gradient: Array) -> Array:
        return kernel_gradient(x, gradient, kernel.shape[:2]).astype(kernel.dtype)

    of_kernel = lax.platform_dependent(
        x, gradient, cpu=by_patches, default=by_convolution
    )
    return _convolve(gradient, turned), of_kernel


same.defvjp(_forward, _backward)


def kernel_gradient(
    x: Float[Array, "b h w c"], gradient: Float[Array, "b h w o"], size: tuple[int, ...]
) -> Float[Array, "_ _ c o"]:
    """Sum over all pixels of patch times gradient, some rows of one map at a time."""
    (b, h, w, c), (kh, kw) = x.shape, size
    most = max(1, PATCH_BYTES // (w * kh * kw * c * x.dtype.itemsize))
    rows = max(n for n in range(1, h + 1) if h % n == 0 and n <= most)
    above, left = kh // 2, kw // 2
    padded = jnp.pad(x, ((0, 0), (above, above), (left, left), (0, 0)))
    parts = gradient.reshape(b * h // rows, rows * w, -1)

    def add(total: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
        number, slopes = part
        start = (number // (h // rows), number % (h // rows) * rows, 0, 0)
        seen = lax.dynamic_slice(padded, start, (1, rows + kh - 1, w + kw - 1, c))[0]
        patches = jnp.concatenate(
            [seen[i : i + rows, j : j + w] for i in range(kh) for j in range(kw)],
            axis=-1,
        )
        found = jnp.einsum(
            "pi,po->io",
            patches.reshape(rows * w, -1),
            slopes,
            preferred_element_type=jnp.float32,
        )
        return total + found, None

    zero = jnp.zeros((kh * kw * c, gradient.shape[-1]), jnp.float32)
    total, _ = lax.scan(add, zero, (jnp.arange(len(parts)), parts))
    return total.reshape(kh, kw, c, -1)
