"""Something in the way: a plain rectangle over all frames of a stack, unbatched."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from ttjax.geometry import affine as plane
from ttjax.typing import PRNGKey

Box = Float[Array, "2 2"]
"""Left upper and right lower corner, xy."""


def draw(
    key: PRNGKey,
    near_px: Float[Array, " 2"],
    *,
    spread_px: float = 60.0,
    size_px: tuple[float, float] = (20.0, 120.0),
) -> tuple[Box, UInt8[Array, " 3"]]:
    """A box in source px, and its colour.

    near_px: its middle is normally distributed around this, by `spread_px` on each
        axis. size_px: least and largest width, and independently height.
    """
    place_key, size_key, colour_key = jax.random.split(key, 3)
    middle = near_px + spread_px * jax.random.normal(place_key, (2,))
    low, high = size_px
    half = jax.random.uniform(size_key, (2,), minval=low, maxval=high) / 2
    colour = jax.random.randint(colour_key, (3,), 0, 256).astype(jnp.uint8)
    return jnp.stack([middle - half, middle + half]), colour


def covers(box: Box, points: Float[Array, "*n 2"]) -> Bool[Array, "*n"]:
    """Whether points lie in the box."""
    ones = (1,) * (points.ndim - 1)
    low, high = (corner.reshape(*ones, 2) for corner in box)
    return ((points >= low) & (points < high)).all(axis=-1)


def paint(
    images: UInt8[Array, "t h w 3"],
    box: Box,
    colour: UInt8[Array, " 3"],
    to_source: Float[Array, "2 3"],
) -> UInt8[Array, "t h w 3"]:
    """The box drawn over every frame, where the middle of a pixel lies in it.

    to_source: this view's pixels to source px.
    """
    h, w = images.shape[1:3]
    y, x = jnp.meshgrid(jnp.arange(h) + 0.5, jnp.arange(w) + 0.5, indexing="ij")
    inside = covers(box, plane.apply(to_source, jnp.stack([x, y], axis=-1)))
    return jnp.where(inside[None, :, :, None], colour[None, None, None], images)
