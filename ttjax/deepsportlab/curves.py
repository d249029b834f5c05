"""What the curves of a training run show, on the device."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from ttjax.deepsportlab.arrays import Outputs, Predictions
from ttjax.metrics import Mean, Ratio
from ttjax.samples import VISIBLE
from ttjax.scenes import BACKGROUND, BALL_ID, IGNORED, SEEN, SceneLabels

NEAR_PX = 8.0
"""Pixels of the picture within which a curve counts a point as found."""


def accumulators(
    outputs: Outputs,
    predictions: Predictions,
    labels: SceneLabels,
    *,
    classes: Sequence[str],
    stride: int,
) -> Mapping[str, Any]:
    """One accumulator per curve, named `head/metric`, for the heads that are on.

    predictions: in pixels of the picture. stride: of the maps.
    """
    found: dict[str, Any] = {}
    if outputs.ball is not None:
        found[f"ball/within_{NEAR_PX:g}_px"] = _ball(predictions, labels)
    if outputs.semantic is not None and "player" in classes:
        found["masks/player_iou"] = _players_iou(
            jnp.asarray(outputs.semantic), labels, classes.index("player"), stride
        )
    if outputs.offset is not None:
        found["players/miscounted"] = _miscounted(predictions, labels)
    if outputs.parts is not None:
        found[f"parts/within_{NEAR_PX:g}_px"] = _joints(predictions, labels)
    return found


def _ball(predictions: Predictions, labels: SceneLabels) -> Mean:
    """Share of the visible balls to which the best candidate is near."""
    off = jnp.asarray(predictions.ball_px) - jnp.asarray(labels.ball_xy_px)
    near = jnp.sum(off**2, axis=-1) <= NEAR_PX**2
    visible = jnp.asarray(labels.ball_state) == VISIBLE
    return Mean.of(_weights(near), _weights(visible))


def _players_iou(
    semantic: Float[Array, "b h w c"], labels: SceneLabels, channel: int, stride: int
) -> Ratio:
    """Pixels that are and are called player, over those that are either."""
    ids = jnp.asarray(labels.ids)[:, ::stride, ::stride]
    known = (ids != IGNORED) & jnp.asarray(labels.masks_known)[:, None, None]
    truth = (ids != BACKGROUND) & (ids != BALL_ID)
    called = jnp.argmax(semantic, axis=-1) == channel
    both = jnp.sum(truth & called & known, axis=(1, 2))
    either = jnp.sum((truth | called) & known, axis=(1, 2))
    return Ratio.of(both.astype(jnp.float32), either.astype(jnp.float32))


def _miscounted(predictions: Predictions, labels: SceneLabels) -> Mean:
    """Mean difference of the number of players from the true one, per picture."""
    truth: Int32[Array, " b"] = jnp.sum(jnp.asarray(labels.players), axis=1)
    count = jnp.sum(jnp.asarray(predictions.present), axis=1)
    known = _weights(jnp.asarray(labels.masks_known))
    return Mean.of(jnp.abs(count - truth).astype(jnp.float32), known)


def _joints(predictions: Predictions, labels: SceneLabels) -> Mean:
    """Share of the seen joints to which a found one of the kind is near."""
    truth = jnp.asarray(labels.joints_px)[:, None]
    guess = jnp.asarray(predictions.joints_px)[:, :, None]
    shape = (*guess.shape[:2], *truth.shape[2:])
    off = jnp.broadcast_to(guess, shape) - jnp.broadcast_to(truth, shape)
    there = (jnp.asarray(predictions.joint_score) > 0)[:, :, None]
    near = (jnp.sum(off**2, axis=-1) <= NEAR_PX**2) & there
    hit = jnp.any(near, axis=1)
    known = jnp.asarray(labels.joints_known)[:, None, None]
    seen = (jnp.asarray(labels.joint_state) == SEEN) & known
    return Mean.of(_weights(hit).reshape(-1), _weights(seen).reshape(-1))


def _weights(flags: Bool[Array, "*n"]) -> Float[Array, "*n"]:
    return jnp.asarray(flags, jnp.float32)
