"""A ball head with one set of weights for every frame of the stack.

What a ball looks like does not depend on when it is seen: a detector that is shared
over the frames has as many examples per stack as there are frames.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from ttjax.nn import blocks, convolution, resize
from ttjax.nn.batch_norm import BatchNorm
from ttjax.ttnet.arrays import BallLogits
from ttjax.ttnet.ball_heads import line_logits
from ttjax.ttnet.encoders import FRAMES, Features, scaled


@dataclasses.dataclass(frozen=True)
class EveryFrame:
    """Marginals as `Marginal`, from maps of each frame alone and of the whole stack.

    channels: per frame, of the 3x3 convolutions.
    line_channels: of the 1-D convolutions.
    """

    channels: int = 8
    line_channels: int = 32

    def build(
        self,
        *,
        frames: int,
        hw: tuple[int, int],
        base_rate: tuple[float, float],
        width: float,
        dropout: float,
        dtype: Any,
    ) -> nn.Module:
        """The flax module; `base_rate` is the mean label of columns and rows."""
        del hw, dropout  # Equivariant, and small enough to do without.
        return EveryFrameHead(
            frames,
            base_rate,
            scaled(self.channels, width),
            scaled(self.line_channels, width),
            dtype,
        )


class EveryFrameHead(nn.Module):
    """See `EveryFrame`; layers `frame`, `fine`, `context`, `bn`, `conv{1,2}_{x,y}`."""

    frames: int
    base_rate: tuple[float, float]
    channels: int
    line_channels: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Features, train: bool = False) -> BallLogits:
        """Logits in float32."""
        fine, deep, alone = features[4], features[32], features[FRAMES]
        b, t, h, w, c = alone.shape
        conv = {
            "use_bias": False,  # BatchNorm follows.
            "kernel_init": blocks.he_normal,
            "dtype": self.dtype,
            "conv_general_dilated": convolution.general,
        }
        count = t * self.channels
        shared = nn.Conv(count, (3, 3), name="fine", **conv)(fine)
        context = nn.Conv(count, (1, 1), name="context", **conv)(deep)
        shared = shared + resize.repeat(context, 8)
        shared = shared.reshape(b, h, w, t, self.channels).transpose(0, 3, 1, 2, 4)
        each = nn.Conv(self.channels, (3, 3), name="frame", **conv)(
            alone.reshape(b * t, h, w, c)
        )
        x = each + shared.reshape(b * t, h, w, self.channels)
        x = BatchNorm(self.dtype, name="bn")(x, train)
        # The maximum before the ReLU: the two commute.
        columns, rows = nn.relu(x.max(axis=1)), nn.relu(x.max(axis=2))
        x_rate, y_rate = self.base_rate
        line: dict[str, Any] = {
            "channels": self.line_channels,
            "frames": 1,
            "dtype": self.dtype,
        }
        return BallLogits(
            x=line_logits(columns, "x", rate=x_rate, **line).reshape(b, t, -1),
            y=line_logits(rows, "y", rate=y_rate, **line).reshape(b, t, -1),
        )
