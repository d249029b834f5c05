"""Points become dense fields."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def gaussian_1d(
    center_px: Float[Array, ""], sigma_px: Float[Array, ""] | float, *, length: int
) -> Float[Array, " {length}"]:
    """A Gaussian of unit height, sampled at the centres i + 0.5 of `length` bins.

    With sigma >= 0.6 px one bin reaches 0.7 wherever in [0, length) the centre lies; a
    density, whose peak is 0.4 / sigma, could never pass a threshold of 0.5.
    """
    offset_px = jnp.arange(length, dtype=jnp.float32) + 0.5 - center_px
    return jnp.exp(-0.5 * (offset_px / sigma_px) ** 2)
