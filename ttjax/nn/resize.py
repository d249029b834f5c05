"""Downscaling by area average, enlarging by repetition or interpolation.

All differentiable.
"""

import math

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Float32, Shaped

_LONGEST_UNROLLED_SUM = 16
"""Up to this factor the mean is a chain of additions, which XLA's CPU backend
vectorises; its reduction over a short inner axis takes ten times as long."""


def area(
    image: Shaped[Array, "*b h w c"] | Shaped[np.ndarray, "*b h w c"],
    out_hw: tuple[int, int],
) -> Float32[Array, "*b {out_hw[0]} {out_hw[1]} c"]:
    """Each output pixel is the mean of the input over the pixel's own area.

    Separable box average, in grey levels of the input; parts of pixels count by their
    share. OpenCV's INTER_AREA, without its rounding.

    Raises:
        ValueError: the output is larger than the input on an axis, or empty.
    """
    image = jnp.asarray(image)
    in_hw = image.shape[-3:-1]
    if not all(1 <= out <= size for out, size in zip(out_hw, in_hw, strict=True)):
        raise ValueError(
            f"An area average only shrinks, to at least one pixel; got {in_hw} -> "
            f"{tuple(out_hw)}: ask for a smaller size."
        )
    # Whole factors first: they are cheap and leave little for the other axis.
    axes = sorted((-3, -2), key=lambda axis: in_hw[axis + 3] % out_hw[axis + 3] != 0)
    for axis in axes:
        image = _shrink(image, axis, out_hw[axis + 3])
    return image.astype(jnp.float32)


def repeat(
    image: Shaped[Array, "b h w c"], factor: int
) -> Shaped[Array, "b h*{factor} w*{factor} c"]:
    """Every pixel `factor` times on both axes."""
    b, h, w, c = image.shape
    wide = image[:, :, None, :, None]
    return jnp.broadcast_to(wide, (b, h, factor, w, factor, c)).reshape(
        b, h * factor, w * factor, c
    )


def align_corners(
    x: Float[Array, "b h w c"], out_hw: tuple[int, int]
) -> Float[Array, "b {out_hw[0]} {out_hw[1]} c"]:
    """Bilinear; the centres of the corner pixels stay in the corners.

    Output pixel i is at (n - 1) / (out - 1) * i of the n input pixels. An axis whose
    distances shrink by a whole factor is a weighted sum of neighbours, any other one a
    product with `interpolation`.

    Raises:
        ValueError: an empty output.
    """
    if min(out_hw) < 1:
        raise ValueError(
            f"A picture has at least one pixel, got {tuple(out_hw)}: ask for more."
        )
    for axis, out in zip((1, 2), out_hw, strict=True):
        x = _interpolate(x, axis, out)
    return x


def interpolation(size: int, out: int) -> Float32[np.ndarray, "{out} {size}"]:
    """Row i: the share of every input pixel in output pixel i of `align_corners`."""
    at = np.arange(out) * ((size - 1) / max(out - 1, 1))
    distance = np.abs(at[:, None] - np.arange(size)[None])
    return np.maximum(1 - distance, 0).astype(np.float32)


def _interpolate(x: Array, axis: int, out: int) -> Array:
    size = x.shape[axis]
    if size == out:
        return x
    if size == 1:
        return jnp.repeat(x, out, axis)
    if (out - 1) % (size - 1) == 0:
        factor = (out - 1) // (size - 1)
        before, after = (
            lax.slice_in_dim(x, i, size - 1 + i, axis=axis) for i in (0, 1)
        )
        parts = [before]
        for i in range(1, factor):
            share = jnp.asarray(i / factor, x.dtype)
            parts.append(before + (after - before) * share)
        shape = list(x.shape)
        shape[axis] = out - 1
        most = jnp.stack(parts, axis + 1).reshape(shape)
        last = lax.slice_in_dim(x, size - 1, size, axis=axis)
        return jnp.concatenate([most, last], axis)
    weights = jnp.asarray(interpolation(size, out), x.dtype)
    letters = "oh,bhwc->bowc" if axis == 1 else "ow,bhwc->bhoc"
    return jnp.einsum(letters, weights, x, precision="highest")


def overlap(size: int, out: int) -> Float32[np.ndarray, "{out} {size}"]:
    """Row i: the share of every input pixel in output pixel i; rows sum to one."""
    edges = np.arange(out + 1) * (size / out)
    left = np.maximum(edges[:-1, None], np.arange(size)[None])
    right = np.minimum(edges[1:, None], np.arange(size)[None] + 1)
    return (np.maximum(right - left, 0) * (out / size)).astype(np.float32)


def _shrink(x: Array, axis: int, out: int) -> Array:
    size = x.shape[axis]
    groups = math.gcd(size, out)
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    if size == out:
        return x
    if size % out == 0 and size // out <= _LONGEST_UNROLLED_SUM:
        factor, inner = size // out, math.prod(after)
        lines = x.reshape(*before, out, factor * inner)
        parts = [lines[..., i * inner : (i + 1) * inner] for i in range(factor)]
        total = parts[0].astype(jnp.float32)
        for part in parts[1:]:
            total = total + part
        return (total / factor).reshape(*before, out, *after)
    # The pattern of overlaps repeats after size / gcd pixels.
    weights = jnp.asarray(overlap(size // groups, out // groups))
    lines = x.reshape(*before, groups, size // groups, math.prod(after))
    shrunk = jnp.einsum(
        "oi,...in->...on", weights, lines.astype(jnp.float32), precision="highest"
    )
    return shrunk.reshape(*before, out, *after)
