"""Pixels find the centre that they vote for."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

ALONE = -1
"""The group of a pixel that belongs to no centre."""
UNROLLED = 32
"""Centres per turn of the loop: what is between two turns goes through memory."""


def nearest(
    x: Float[Array, "*p"],
    y: Float[Array, "*p"],
    centres_xy: Float[Array, "n 2"],
    present: Bool[Array, " n"],
    *,
    max_distance: float | None = None,
) -> Int32[Array, "*p"]:
    """Index of the present centre nearest to each point, or `ALONE`.

    Eq. 4 of DeepSportLab (2021): argmin_i |p + offset(p) - centre_i|, the first of
    equals. A loop over centres that carries the least distance so far: n times as much
    work as points, and no more memory than they take.

    x, y: where the pixels vote, in the units of the centres.
    max_distance: farther centres do not count; None is the paper's: they all do.
    """
    limit = jnp.inf if max_distance is None else max_distance * max_distance
    away = jnp.where(present[:, None], centres_xy.astype(jnp.float32), jnp.inf)

    def compare(index, carry):
        least, group = carry
        dx, dy = x - away[index, 0], y - away[index, 1]
        squared = dx * dx + dy * dy
        closer = squared < least
        return (
            jnp.where(closer, squared, least),
            jnp.where(closer, index.astype(jnp.int32), group),
        )

    start = (
        jnp.full(x.shape, limit, jnp.float32),
        jnp.full(x.shape, ALONE, jnp.int32),
    )
    return jax.lax.fori_loop(0, len(centres_xy), compare, start, unroll=UNROLLED)[1]
