"""Downscaling by area average, and enlarging by repetition; differentiable."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Shaped

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
