"""The ball's path through the stack, as numbers that make a bounce easy to see."""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ttjax.nn import blocks
from ttjax.ttnet.arrays import BallLogits
from ttjax.ttnet.encoders import Features

_REACH_PX = 15.0
"""Source px around a peak that belong to it: twice the ball's radius in full HD."""


@flax.struct.dataclass
class Stage:
    """What one ball stage hands to the event head.

    ball: logits of all frames of the stack or of one; None where the stage has no head.
    origin_px: source px of the left upper corner of the stage's view, xy.
    cell_px: source px per bin, xy.
    """

    features: Features
    ball: BallLogits | None
    origin_px: Float[Array, "b 2"]
    cell_px: Float[Array, "b 2"]

    def required_ball(self) -> BallLogits:
        """The ball logits.

        Raises:
            ValueError: the stage has no ball head.
        """
        if self.ball is None:
            raise ValueError(
                "Soft positions need ball logits, this stage has none: add its head."
            )
        return self.ball


def soft_bin(
    logits: Float[Array, "b k n"], reach: Float[Array, " b"]
) -> Float[Array, "b k"]:
    """Position of the highest peak in bins (bin i's centre is i + 0.5), sub-bin.

    The mean position of the bins within `reach` of the peak, weighted by the square of
    their probability: a second ball elsewhere does not drag it, the mean of a Gaussian
    is its centre, and squared it is narrow enough to lie within reach as a whole.
    """
    peak = logits.argmax(axis=-1, keepdims=True)
    bins = jnp.arange(logits.shape[-1])[None, None]
    # Relative to the peak: no underflow, however low all logits are.
    log_p = jax.nn.log_sigmoid(logits)
    weight = jnp.exp(2 * (log_p - log_p.max(axis=-1, keepdims=True)))
    near = jnp.abs(bins - peak) <= jnp.maximum(reach, 2.0)[:, None, None]
    weight = jnp.where(near, weight, 0.0)
    return (weight * (bins + 0.5)).sum(axis=-1) / weight.sum(axis=-1)


def confidence(ball: BallLogits) -> Float[Array, "b k"]:
    """The smaller of the two vectors' highest probabilities, per frame."""
    return jax.nn.sigmoid(jnp.minimum(ball.x.max(axis=-1), ball.y.max(axis=-1)))


def soft_xy_px(stage: Stage) -> Float[Array, "b k 2"]:
    """Soft positions in source px."""
    ball = stage.required_ball()
    reach = _REACH_PX / stage.cell_px
    bins = jnp.stack(
        [soft_bin(ball.x, reach[:, 0]), soft_bin(ball.y, reach[:, 1])], axis=-1
    )
    return stage.origin_px[:, None] + bins * stage.cell_px[:, None]


def merged_xy_px(stages: tuple[Stage, ...]) -> Float[Array, "b k 2"]:
    """One position per frame: stages weighted by (confidence / cell size) squared."""
    positions = jnp.stack([soft_xy_px(stage) for stage in stages])
    precision = jnp.stack(
        [
            confidence(stage.required_ball())[..., None] / stage.cell_px[:, None]
            for stage in stages
        ]
    )
    # However unsure both are, the weights stay numbers.
    weights = jnp.square(precision) + 1e-12
    return (weights * positions).sum(axis=0) / weights.sum(axis=0)


def describe_path(
    xy_px: Float[Array, "b t 2"],
    confidences: Float[Array, "b t s"],
    source_wh: Float[Array, "b 2"],
    event_at: int,
) -> Float[Array, "b _"]:
    """Positions as differences, each scaled so that rallies give values of order one.

    Position relative to the event frame in units of w / 30 (64 px in full HD), velocity
    per frame in w / 120 and acceleration in w / 480, all cut at +-4; where the ball is
    in the picture; how sure each stage is in every frame.
    """
    unit = source_wh[:, None, :1]
    velocity = jnp.diff(xy_px, axis=1)
    steps = (
        (xy_px - xy_px[:, event_at : event_at + 1]) / unit * 30,
        velocity / unit * 120,
        jnp.diff(velocity, axis=1) / unit * 480,
    )
    batch = xy_px.shape[0]
    return jnp.concatenate(
        [
            *(jnp.clip(step, -4, 4).reshape(batch, -1) for step in steps),
            2 * xy_px[:, event_at] / source_wh - 1,
            2 * confidences.reshape(batch, -1) - 1,
        ],
        axis=-1,
    )


def centres_px(
    logits: Float[Array, "b h w k"],
    origin_px: Float[Array, "b 2"],
    cell_px: Float[Array, "b 2"],
) -> Float[Array, "b k 2"]:
    """Where each of k maps has its mass, in source px: the mean of its softmax.

    cell_px: source px per pixel of the maps, xy.
    """
    b, h, w, k = logits.shape
    mass = jax.nn.softmax(logits.reshape(b, h * w, k), axis=1).reshape(b, h, w, k)
    x = jnp.einsum("bhwk,w->bk", mass, jnp.arange(w) + 0.5)
    y = jnp.einsum("bhwk,h->bk", mass, jnp.arange(h) + 0.5)
    return origin_px[:, None] + jnp.stack([x, y], axis=-1) * cell_px[:, None]


def from_landmarks(
    xy_px: Float[Array, "b 2"],
    marks_px: Float[Array, "b k 2"],
    source_wh: Float[Array, "b 2"],
) -> Float[Array, "b 2*k"]:
    """The ball seen from each landmark, in units of w / 30, cut at +-4."""
    away = (xy_px[:, None] - marks_px) / source_wh[:, None, :1] * 30
    return jnp.clip(away, -4, 4).reshape(xy_px.shape[0], -1)


class BallPath(nn.Module):
    """A small perceptron over the path; no gradient flows back into the ball heads.

    Their labels are exact; an event's gradient would only bend positions towards what
    makes an event likely.

    landmarks: places of the whole picture that the module finds by itself, and from
        which it measures how far the ball is: cameras differ, and a ball is at the net
        where the net is.
    stride: of the maps in which it finds them.
    """

    event_at: int
    units: int = 64
    dtype: Any = jnp.float32
    landmarks: int = 0
    stride: int = 8

    @nn.compact
    def __call__(
        self, stages: tuple[Stage, ...], source_wh: Float[Array, "b 2"]
    ) -> Float[Array, "b {self.units}"]:
        """Features of the path."""
        sure = jnp.stack(
            [confidence(stage.required_ball()) for stage in stages], axis=-1
        )
        xy_px = lax.stop_gradient(merged_xy_px(stages))
        x = lax.stop_gradient(describe_path(xy_px, sure, source_wh, self.event_at))
        if self.landmarks:
            whole = stages[0]
            maps = whole.features[self.stride]
            dense = nn.Dense(self.landmarks, dtype=self.dtype, name="landmarks")
            logits = dense(maps).astype(jnp.float32)
            cell_px = self.stride * whole.cell_px
            marks = centres_px(logits, whole.origin_px, cell_px)
            away = from_landmarks(xy_px[:, self.event_at], marks, source_wh)
            x = jnp.concatenate([x, away], axis=-1)
        for name in ("path1", "path2"):
            dense = nn.Dense(
                self.units, dtype=self.dtype, kernel_init=blocks.he_normal, name=name
            )
            x = nn.relu(dense(x))
        return x
