"""The ball where it is only a class of pixels: BallSeg (Van Zandycke et al., 2019)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

RADIUS_PX = 10.0
"""How far from the surest pixel others say where the middle is; a ball has 4 to 9."""
SHIFTS = 3
"""Moves from a disc's border to its middle."""


def surest(
    semantic: Float[Array, "hs ws c"], valid_hw: Int32[Array, " 2"], *, stride: float
) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
    """The ball's xy in px, and the probability of its surest pixel.

    The last class is the ball. From the surest pixel on, the first of equals, the
    position moves to the mean of the pixels within `RADIUS_PX` of it, each weighing as
    much as it is sure.
    """
    h, w, _ = semantic.shape
    y = (jnp.arange(h) * stride + 0.5)[:, None]
    x = (jnp.arange(w) * stride + 0.5)[None, :]
    sure = jax.nn.softmax(semantic.astype(jnp.float32), axis=-1)[..., -1]
    sure = jnp.where((y < valid_hw[0]) & (x < valid_hw[1]), sure, 0.0)
    at = jnp.argmax(sure)
    xy = jnp.stack([at % w, at // w]).astype(jnp.float32) * stride + 0.5
    for _ in range(SHIFTS):
        dx, dy = x - xy[0], y - xy[1]
        near = jnp.where(dx * dx + dy * dy <= RADIUS_PX**2, sure, 0.0)
        moved = jnp.stack([(near * dx).sum(), (near * dy).sum()])
        xy = xy + moved / jnp.maximum(near.sum(), 1e-12)
    return xy, sure.max()
