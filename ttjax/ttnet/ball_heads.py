"""Ball heads: maps in, column and row logits of k frames out.

A head of the config is a frozen dataclass whose `build` makes the flax module; the
module maps `(features, train)` to `BallLogits`. The last layers begin at the base rate
of the targets: the first answer is then "nowhere", as almost every bin's label says.
They compute in float32 whatever the rest does: neighbouring bins, rounded to eight
bits, would tie, and the peak between them would be lost.
"""

import dataclasses
import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.nn import blocks, convolution, pixel_shuffle, resize
from ttjax.nn.batch_norm import BatchNorm
from ttjax.ttnet.arrays import BallLogits
from ttjax.ttnet.encoders import STRIDE, Features, scaled

small_normal = nn.initializers.normal(0.01)


def logit(probability: float) -> float:
    """The logit of a probability."""
    return math.log(probability / (1 - probability))


@dataclasses.dataclass(frozen=True)
class Dense:
    """The paper's swallow-tail: FC1 shared, then one tail per axis (Table 3, Fig. 2).

    Its sizes follow from the picture's: 4 (w + h) units, then 2w and 2h, then w and h.
    """

    def build(
        self,
        *,
        frames: int,
        at: int,
        hw: tuple[int, int],
        base_rate: tuple[float, float],
        width: float,
        dropout: float,
        dtype: Any,
    ) -> nn.Module:
        """The flax module; `base_rate` is the mean label of columns and rows."""
        del at  # One last layer serves all frames.
        return DenseHead(frames, hw, base_rate, width, dropout, dtype)


@dataclasses.dataclass(frozen=True)
class Marginal:
    """Translation-equivariant marginals: where the ball goes, the answer goes.

    Maps at stride 4, with upsampled context of stride 32, pass a 3x3 convolution; their
    maximum over the other axis passes 1-D convolutions, which give 4 logits per cell.

    Where every frame of the stack is answered for, the frame that is scored has layers
    of its own, and the others share some. A stack's maps are best at one frame, and
    learn it twice as fast as all of them.

    channels: of the 3x3 convolution and of the 1-D ones.
    path_channels: the same in the layers of the other frames.
    """

    channels: int = 40
    path_channels: int = 32

    def build(
        self,
        *,
        frames: int,
        at: int,
        hw: tuple[int, int],
        base_rate: tuple[float, float],
        width: float,
        dropout: float,
        dtype: Any,
    ) -> nn.Module:
        """The flax module; `base_rate` is the mean label of columns and rows."""
        del hw, dropout  # Equivariant, and small enough to do without.
        channels = scaled(self.channels, width)
        if frames == 1:
            return MarginalHead(1, base_rate, channels, dtype)
        others = scaled(self.path_channels, width)
        return MarginalPathHead(frames, at, base_rate, channels, others, dtype)


class DenseHead(nn.Module):
    """See `Dense`; layers `fc1`, `fc2_x`, `fc3_x`, `fc2_y`, `fc3_y`."""

    frames: int
    hw: tuple[int, int]
    base_rate: tuple[float, float]
    width: float
    dropout: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Features, train: bool = False) -> BallLogits:
        """Logits in float32."""

        def hidden(name: str, units: int, x: Array) -> Array:
            units = scaled(units, self.width)
            dense = nn.Dense(
                units, dtype=self.dtype, kernel_init=blocks.he_normal, name=name
            )
            return nn.Dropout(self.dropout)(nn.relu(dense(x)), deterministic=not train)

        coarse = features[STRIDE]
        flat = coarse.reshape(coarse.shape[0], -1)
        h, w = self.hw
        shared = hidden("fc1", 4 * (w + h), flat)
        logits = {}
        for axis, size, rate in zip("xy", (w, h), self.base_rate, strict=True):
            x = hidden(f"fc2_{axis}", 2 * size, shared)
            x = nn.Dense(
                self.frames * size,
                dtype=jnp.float32,
                kernel_init=small_normal,
                bias_init=nn.initializers.constant(logit(rate)),
                name=f"fc3_{axis}",
            )(x)
            logits[axis] = x.reshape(x.shape[0], self.frames, size)
        return BallLogits(**logits)


class MarginalHead(nn.Module):
    """See `Marginal`; layers `fine`, `context`, `bn`, and per axis `conv1`, `conv2`."""

    frames: int
    base_rate: tuple[float, float]
    channels: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Features, train: bool = False) -> BallLogits:
        """Logits in float32."""
        fine, deep = features[4], features[32]
        conv = {
            "use_bias": False,  # BatchNorm follows.
            "kernel_init": blocks.he_normal,
            "dtype": self.dtype,
            "conv_general_dilated": convolution.general,
        }
        x = nn.Conv(self.channels, (3, 3), name="fine", **conv)(fine)
        context = nn.Conv(self.channels, (1, 1), name="context", **conv)(deep)
        x = x + resize.repeat(context, 8)
        x = BatchNorm(self.dtype, name="bn")(x, train)
        # The maximum before the ReLU: the two commute.
        columns, rows = nn.relu(x.max(axis=1)), nn.relu(x.max(axis=2))
        line: dict[str, Any] = {
            "channels": self.channels,
            "frames": self.frames,
            "dtype": self.dtype,
        }
        return BallLogits(
            x=line_logits(columns, "x", rate=self.base_rate[0], **line),
            y=line_logits(rows, "y", rate=self.base_rate[1], **line),
        )


class MarginalPathHead(nn.Module):
    """See `Marginal`; `scored` and `others`, both as `MarginalHead`."""

    frames: int
    at: int
    base_rate: tuple[float, float]
    channels: int
    path_channels: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Features, train: bool = False) -> BallLogits:
        """Logits in float32, in the order of the frames."""
        scored = MarginalHead(
            1, self.base_rate, self.channels, self.dtype, name="scored"
        )(features, train)
        others = MarginalHead(
            self.frames - 1,
            self.base_rate,
            self.path_channels,
            self.dtype,
            name="others",
        )(features, train)

        def joined(axis: str) -> Float[Array, "b t n"]:
            rest: Array = getattr(others, axis)
            parts = rest[:, : self.at], getattr(scored, axis), rest[:, self.at :]
            return jnp.concatenate(parts, axis=1)

        return BallLogits(x=joined("x"), y=joined("y"))


def line_logits(
    x: Float[Array, "b n c"],
    axis: str,
    *,
    channels: int,
    frames: int,
    rate: float,
    dtype: Any,
) -> Float[Array, "b {frames} 4*n"]:
    """Logits of one axis from its marginal: two 1-D convolutions, 4 logits per cell.

    Makes the layers `conv1_{axis}` and `conv2_{axis}` of the module that calls it.
    """
    conv = nn.Conv(
        channels,
        (5,),
        kernel_init=blocks.he_normal,
        dtype=dtype,
        name=f"conv1_{axis}",
    )
    x = nn.relu(conv(x))
    x = nn.Conv(
        4 * frames,
        (3,),
        kernel_init=small_normal,
        bias_init=nn.initializers.constant(logit(rate)),
        dtype=jnp.float32,
        name=f"conv2_{axis}",
    )(x)
    return pixel_shuffle.depth_to_line(x, 4).swapaxes(1, 2)
