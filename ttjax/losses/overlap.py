"""Losses that compare areas."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def dice_loss(
    probabilities: Float[Array, "b h w m"],
    targets: Float[Array, "b h w m"],
    *,
    smoothing: float = 1e-4,
) -> Float[Array, "b m"]:
    """1 - (2 |P T| + s) / (|P| + |T| + s), for each example and class.

    An area is the sum over the pixels of one example and one class, so that large
    people do not hide a small scoreboard; with `smoothing` two empty masks agree
    (TTNet, Eq. 5).
    """
    both = jnp.sum(probabilities * targets, axis=(1, 2))
    each = jnp.sum(probabilities, axis=(1, 2)) + jnp.sum(targets, axis=(1, 2))
    return dice_of_areas(both, each, smoothing=smoothing)


def dice_of_areas(
    both: Float[Array, "*shape"], each: Float[Array, "*shape"], *, smoothing: float
) -> Float[Array, "*shape"]:
    """The same from the area of the intersection and the sum of the two areas."""
    return 1.0 - (2.0 * both + smoothing) / (each + smoothing)
