"""What the curves of a training run show, on the device."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from ttjax.metrics import Mean, Ratio, RootMean
from ttjax.samples import VISIBLE, Labels
from ttjax.ttnet import targets
from ttjax.ttnet.arrays import Ball, Predictions

CURVE_PCK_PX = 10.0
"""Source px within which a curve counts a ball as found."""


def ball_metrics(
    ball: Ball,
    labels: Labels,
    source_hw: Int32[Array, "b 2"],
    *,
    ball_at: int,
) -> dict[str, Any]:
    """RMSE over true positives, PCK over visible balls, presence, of one stage.

    The truth of presence is the frame's, whichever view the stage has.
    """
    state = jnp.asarray(labels.ball_state)[:, ball_at]
    truth_xy = jnp.asarray(labels.ball_xy_px)[:, ball_at]
    known = state >= 0
    visible = (state == VISIBLE) & targets.inside(truth_xy, source_hw)
    square = jnp.sum((ball.xy_px - truth_xy) ** 2, axis=-1)
    return {
        "rmse_px": RootMean.of(square, _weights(visible & ball.present)),
        f"pck@{CURVE_PCK_PX:g}": Mean.of(
            _weights(square <= CURVE_PCK_PX**2), _weights(visible)
        ),
        "presence": Mean.of(_weights(ball.present == visible), _weights(known)),
    }


def event_metrics(probabilities: Float[Array, "b e"], labels: Labels) -> dict[str, Any]:
    """PCE and SPCE: a window is right only if all its outputs are (section 6.2)."""
    truth = targets.event_targets(jnp.asarray(labels.event_offset))
    known = _weights(jnp.asarray(labels.event_known).all(axis=-1))
    same = ((probabilities >= 0.5) == (truth >= 0.5)).all(axis=-1)
    close = (jnp.abs(probabilities - truth) < 0.25).all(axis=-1)
    return {
        "pce": Mean.of(_weights(same), known),
        "spce": Mean.of(_weights(close), known),
    }


def mask_metrics(
    probabilities: Float[Array, "b h w m"], labels: Labels, names: Sequence[str]
) -> dict[str, Any]:
    """IoU per class: sum of intersections / sum of unions."""
    truth = jnp.asarray(labels.masks) > 0
    predicted = probabilities >= 0.5
    known = jnp.asarray(labels.masks_known)[:, None, None]
    both = jnp.sum(predicted & truth & known, axis=(1, 2)).astype(jnp.float32)
    either = jnp.sum((predicted | truth) & known, axis=(1, 2)).astype(jnp.float32)
    return {
        f"{name}/iou": Ratio.of(both[:, index], either[:, index])
        for index, name in enumerate(names)
    }


def accumulators(
    predictions: Predictions,
    labels: Labels,
    source_hw: Int32[Array, "b 2"],
    *,
    ball_at: int,
    mask_names: Sequence[str],
) -> Mapping[str, Any]:
    """One accumulator per curve, named `head/metric`, for the heads that are on."""
    groups: dict[str, dict[str, Any]] = {}
    for name in ("ball_global", "ball_local"):
        ball = getattr(predictions, name)
        if ball is not None:
            groups[name] = ball_metrics(ball, labels, source_hw, ball_at=ball_at)
    if predictions.events is not None:
        groups["events"] = event_metrics(jnp.asarray(predictions.events), labels)
    if predictions.masks is not None:
        groups["masks"] = mask_metrics(
            jnp.asarray(predictions.masks), labels, mask_names
        )
    return {
        f"{head}/{name}": accumulator
        for head, group in groups.items()
        for name, accumulator in group.items()
    }


def _weights(flags: Array) -> Float[Array, " b"]:
    """Booleans as weights."""
    return flags.astype(jnp.float32)
