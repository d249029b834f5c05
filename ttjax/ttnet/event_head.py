"""Event heads: both stages' maps and the ball's path in, one logit per event kind out.

A head of the config is a frozen dataclass whose `build` makes the flax module; the
module maps `(stages, source_wh, train)` to float32 logits. `use_path` says whether the
soft positions of the ball in every frame of the stack are used.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32

from ttjax.nn import blocks
from ttjax.samples import Window
from ttjax.ttnet.arrays import logits_of_frame
from ttjax.ttnet.ball_heads import logit, small_normal
from ttjax.ttnet.ball_path import BallPath, Stage
from ttjax.ttnet.encoders import STRIDE, scaled


@dataclasses.dataclass(frozen=True)
class EventConvs:
    """The paper's head (Table 4): convolutions on the coarsest maps, then two layers.

    channels: of the convolutions.
    units: of the hidden layer.
    """

    channels: int = 64
    units: int = 512

    def build(self, *, width: float, **fields: Any) -> nn.Module:
        """The flax module; `fields` are those of `_EventHead`."""
        return ConvEventHead(
            **fields,
            channels=scaled(self.channels, width),
            units=scaled(self.units, width),
        )


@dataclasses.dataclass(frozen=True)
class EventPool:
    """Maps pooled where the ball is, and the ball's path, through one hidden layer.

    stride: of the pooled maps.
    units: of the hidden layer.
    landmarks: places that the path is measured from (`ball_path.BallPath`).
    """

    stride: int = 8
    units: int = 64
    landmarks: int = 4

    def build(self, *, width: float, **fields: Any) -> nn.Module:
        """The flax module; `fields` are those of `_EventHead`."""
        return PoolEventHead(
            **fields,
            stride=self.stride,
            units=scaled(self.units, width),
            landmarks=self.landmarks,
        )


class _EventHead(nn.Module):
    """The fields of every event head.

    events: how many kinds.
    use_path: True where the ball heads answer for every frame and the head uses it.
    base_rate: the mean label, from which the last layer starts.
    """

    events: int
    use_path: bool
    window: Window
    base_rate: float
    dropout: float
    dtype: Any

    def answer(
        self,
        x: Float[Array, "b _"],
        stages: tuple[Stage, ...],
        source_wh: Float[Array, "b 2"],
        name: str,
        **of_path: Any,
    ) -> Float32[Array, "b {self.events}"]:
        """The last layer, on hidden units and, where it is used, the path.

        of_path: fields of `BallPath`.
        """
        if self.use_path:
            path = BallPath(
                self.window.event_at, dtype=self.dtype, name="ball_path", **of_path
            )
            x = jnp.concatenate([x, path(stages, source_wh)], axis=-1)
        dense = nn.Dense(
            self.events,
            dtype=jnp.float32,
            kernel_init=small_normal,
            bias_init=nn.initializers.constant(logit(self.base_rate)),
            name=name,
        )
        return dense(x)


class ConvEventHead(_EventHead):
    """See `EventConvs`; layers `stem`, `block1`, `block2`, `fc1`, `fc2`."""

    channels: int
    units: int

    @nn.compact
    def __call__(
        self,
        stages: tuple[Stage, ...],
        source_wh: Float[Array, "b 2"],
        train: bool = False,
    ) -> Float32[Array, "b {self.events}"]:
        """One logit per kind of event."""
        x = jnp.concatenate([stage.features[STRIDE] for stage in stages], axis=-1)
        for name, kernel in (("stem", 1), ("block1", 3), ("block2", 3)):
            block = blocks.ConvBlock(
                self.channels, kernel, pool=False, dtype=self.dtype, name=name
            )
            x = blocks.channel_dropout(self.dropout)(
                block(x, train), deterministic=not train
            )
        x = nn.Dense(
            self.units, dtype=self.dtype, kernel_init=blocks.he_normal, name="fc1"
        )(x.reshape(x.shape[0], -1))
        return self.answer(nn.relu(x), stages, source_wh, "fc2")


class PoolEventHead(_EventHead):
    """See `EventPool`; layers `fc1`, `fc2`."""

    stride: int
    units: int
    landmarks: int

    @nn.compact
    def __call__(
        self,
        stages: tuple[Stage, ...],
        source_wh: Float[Array, "b 2"],
        train: bool = False,
    ) -> Float32[Array, "b {self.events}"]:
        """One logit per kind of event."""
        pooled = [self._at_ball(stage) for stage in stages]
        x = nn.Dense(
            self.units, dtype=self.dtype, kernel_init=blocks.he_normal, name="fc1"
        )(jnp.concatenate(pooled, axis=-1))
        x = nn.Dropout(self.dropout)(nn.relu(x), deterministic=not train)
        of_path = {"landmarks": self.landmarks, "stride": self.stride}
        return self.answer(x, stages, source_wh, "fc2", **of_path)

    def _at_ball(self, stage: Stage) -> Float[Array, "b c"]:
        maps = stage.features[self.stride]
        if stage.ball is None:
            return maps.mean(axis=(1, 2))
        frame = self.window.event_at if self.use_path else self.window.ball_at
        ball = logits_of_frame(stage.ball, frame, self.window.frames)
        x, y = (
            lax.stop_gradient(jax.nn.softmax(axis[:, 0]))
            .reshape(axis.shape[0], -1, self.stride)
            .sum(axis=-1)
            .astype(maps.dtype)
            for axis in (ball.x, ball.y)
        )
        return jnp.einsum("bhwc,bh,bw->bc", maps, y, x)
