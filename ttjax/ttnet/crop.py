"""The local stage's view: full-resolution pixels around the global stage's ball."""

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int32, UInt8

from ttjax.samples import FramePool
from ttjax.ttnet.arrays import BallLogits

Canvas: TypeAlias = UInt8[Array, "b t hc wc 3"] | FramePool
"""Stacked frames, or whole frames that windows share."""


def ball_centre(
    logits: BallLogits, source_hw: Int32[Array, "b 2"]
) -> Float[Array, "b 2"]:
    """Centre of the bins with the highest logits, xy in source px; no gradient.

    `logits` of the one frame that matters, `[b, 1, ...]`, over the whole source frame.
    """
    bins = jnp.stack([logits.x.argmax(-1)[:, 0], logits.y.argmax(-1)[:, 0]], axis=-1)
    size = jnp.array([logits.x.shape[-1], logits.y.shape[-1]], jnp.float32)
    cell_px = source_hw[:, ::-1].astype(jnp.float32) / size[None]
    return lax.stop_gradient((bins.astype(jnp.float32) + 0.5) * cell_px)


def origin(
    centre_px: Float[Array, "b 2"],
    canvas_xy: Int32[Array, "b 2"],
    *,
    canvas_hw: tuple[int, int],
    crop_hw: tuple[int, int],
) -> Int32[Array, "b 2"]:
    """Left upper corner of the crop, source px: centred, but inside the canvas.

    Raises:
        ValueError: the canvas is smaller than the crop.
    """
    if canvas_hw[0] < crop_hw[0] or canvas_hw[1] < crop_hw[1]:
        raise ValueError(
            f"A crop of {crop_hw[0]}x{crop_hw[1]} pixels is cut from the canvas, which "
            f"is only {canvas_hw[0]}x{canvas_hw[1]}: give larger frames, or set a "
            "smaller `crop_hw` in the config."
        )
    half = jnp.array([crop_hw[1] // 2, crop_hw[0] // 2], jnp.float32)
    room = jnp.array([canvas_hw[1] - crop_hw[1], canvas_hw[0] - crop_hw[0]], jnp.int32)
    corner = jnp.floor(centre_px + 0.5) - half[None]
    # Clamped before the cast: any label, however far away, stays a defined integer.
    low = canvas_xy.astype(jnp.float32)
    high = (canvas_xy + room[None]).astype(jnp.float32)
    return jnp.clip(corner, low, high).astype(jnp.int32)


def cut(
    canvas: Canvas, corner_xy: Int32[Array, "b 2"], crop_hw: tuple[int, int]
) -> UInt8[Array, "b t {crop_hw[0]} {crop_hw[1]} 3"]:
    """The same rectangle of every frame, its corner relative to the canvas."""
    if isinstance(canvas, FramePool):
        # A gather, not a loop: a loop would carry the frames, and copy what is written
        # to elsewhere.
        pixels = jnp.asarray(canvas.pixels)

        def of_pool(at: Array, corner: Array) -> Array:
            start = (at, corner[1], corner[0], 0)
            return lax.dynamic_slice(pixels, start, (1, *crop_hw, 3))[0]

        return jax.vmap(jax.vmap(of_pool, (0, None)))(jnp.asarray(canvas.at), corner_xy)

    def one(frames: Array, corner: Array) -> Array:
        start = (0, corner[1], corner[0], 0)
        return lax.dynamic_slice(frames, start, (frames.shape[0], *crop_hw, 3))

    return jax.vmap(one)(canvas, corner_xy)


def canvas_size(canvas: Canvas) -> tuple[int, int]:
    """Height and width of the canvas."""
    pixels = canvas.pixels if isinstance(canvas, FramePool) else canvas
    return pixels.shape[-3], pixels.shape[-2]
