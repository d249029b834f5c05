"""Logits become answers in source pixels."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from ttjax.fields import peaks
from ttjax.samples import Window
from ttjax.ttnet.arrays import Ball, BallLogits, Outputs, Predictions, logits_of_frame


def ball(
    logits: BallLogits,
    *,
    origin_xy: Float[Array, "b 2"],
    scale_xy: Float[Array, "b 2"],
    threshold: float = 0.5,
) -> Ball:
    """The ball in one frame, from `[b, 1, ...]` logits of one view.

    x = origin + bin * scale, where `bin` is the sub-pixel peak, i + 0.5 at the centre
    of bin i. Eq. 1 is the case of a crop that was not moved at a border of the picture;
    with the true origin this is exact everywhere. Present where both vectors reach
    `threshold` (section 6.2); the position is given even where it is not.
    """
    position = jnp.stack(
        [
            jax.vmap(peaks.subpixel_peak)(logits.x[:, 0]),
            jax.vmap(peaks.subpixel_peak)(logits.y[:, 0]),
        ],
        axis=-1,
    )
    highest = jnp.minimum(logits.x[:, 0].max(axis=-1), logits.y[:, 0].max(axis=-1))
    probability = jax.nn.sigmoid(highest.astype(jnp.float32))
    return Ball(
        xy_px=origin_xy + position * scale_xy,
        probability=probability,
        present=probability >= threshold,
    )


def global_ball(
    logits: BallLogits, source_hw: Int32[Array, "b 2"], *, threshold: float = 0.5
) -> Ball:
    """The global stage's answer: its view is the whole frame."""
    source_wh = source_hw[:, ::-1].astype(jnp.float32)
    size = jnp.array([logits.x.shape[-1], logits.y.shape[-1]], jnp.float32)
    return ball(
        logits,
        origin_xy=jnp.zeros_like(source_wh),
        scale_xy=source_wh / size[None],
        threshold=threshold,
    )


def local_ball(
    logits: BallLogits, crop_xy: Int32[Array, "b 2"], *, threshold: float = 0.5
) -> Ball:
    """The local stage's answer: its view is a crop at source resolution."""
    origin = crop_xy.astype(jnp.float32)
    return ball(
        logits,
        origin_xy=origin,
        scale_xy=jnp.ones_like(origin),
        threshold=threshold,
    )


def predictions(
    outputs: Outputs,
    source_hw: Int32[Array, "b 2"],
    *,
    window: Window,
    threshold: float = 0.5,
) -> Predictions:
    """Every head's answer; None where a head is switched off."""

    def chosen(logits: BallLogits) -> BallLogits:
        return logits_of_frame(logits, window.ball_at, window.frames)

    def probabilities(logits: Array | None) -> Array | None:
        return None if logits is None else jax.nn.sigmoid(logits.astype(jnp.float32))

    coarse, fine = outputs.ball_global, outputs.ball_local
    crop_xy: Any = outputs.crop_xy  # there whenever the local stage is
    return Predictions(
        ball_global=None
        if coarse is None
        else global_ball(chosen(coarse), source_hw, threshold=threshold),
        ball_local=None
        if fine is None
        else local_ball(chosen(fine), crop_xy, threshold=threshold),
        events=probabilities(outputs.events),
        masks=probabilities(outputs.masks),
        source_hw=source_hw,
        crop_xy=outputs.crop_xy,
    )
