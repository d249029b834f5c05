"""Geometric augmentation, unbatched: pictures and points move together."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.typing import PRNGKey


def hflip(
    key: PRNGKey,
    images: Any,
    points_px: Any,
    *,
    width_px: Float[Array, ""],
    probability: float = 0.5,
) -> tuple[Any, Any]:
    """Mirrors all images and all points, or none of them.

    images: arrays `[..., h, w, c]` of any sizes; each is mirrored within itself.
    points_px: float arrays `[..., 2]`, xy, mirrored within a picture of this width:
        pixel *i* spans [i, i + 1), so x becomes width - x. The left border of a part
        of the picture becomes its right one: hand in the right one.
    """
    flip = jax.random.bernoulli(key, probability)

    def mirrored(points):
        x, y = points[..., :1], points[..., 1:]
        return jnp.concatenate([jnp.where(flip, width_px - x, x), y], axis=-1)

    images = jax.lax.cond(
        flip,
        lambda images: jax.tree.map(lambda image: image[..., ::-1, :], images),
        lambda images: images,
        images,
    )
    return images, jax.tree.map(mirrored, points_px)
