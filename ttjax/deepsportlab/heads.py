"""The heads: intensity fields from the trunk, maps from the decoder."""

import math
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.deepsportlab.arrays import Pif
from ttjax.nn import convolution, pixel_shuffle
from ttjax.nn.depthwise import SeparableConv

COMPONENTS = 5
"""Of a field: confidence, x, y, log spread, scale."""

SHUFFLE = 2
"""A field has so many cells per cell of the trunk's map, on both axes."""

KERNEL_STD = 0.01
"""Of the last kernels at the start: the biases, set to base rates, rule (RetinaNet)."""


def logit(rate: float) -> float:
    """log(rate / (1 - rate))."""
    return math.log(rate) - math.log1p(-rate)


class PifHead(nn.Module):
    """A 1x1 convolution and a pixel shuffle to one cell less than twice the size.

    Channels before the shuffle, each of four positions (row, column): the confidences
    of all points, then x and y of one point after the other, then the log spreads, then
    the scales. The last row and column of the shuffled field lie beyond the picture and
    are cut off.

    points: kinds of points.
    base_rate: mean confidence at the start.
    scale_activation: of the last group. Its logarithm is handed out: for "exp" the
        channel itself.
    """

    points: int
    base_rate: float = 0.01
    scale_activation: Literal["exp", "softplus"] = "exp"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w _"], train: bool = False) -> Pif:
        """The fields; there is nothing that `train` could change."""
        del train
        k = self.points
        x = nn.Conv(
            k * COMPONENTS * SHUFFLE**2,
            (1, 1),
            kernel_init=nn.initializers.normal(KERNEL_STD),
            bias_init=_confidence_bias(k * SHUFFLE**2, logit(self.base_rate)),
            dtype=jnp.float32,
            conv_general_dilated=convolution.pointwise,
            name="conv",
        )(x)
        x = pixel_shuffle.depth_to_space_by_channel(x, SHUFFLE)[:, :-1, :-1]
        scale = x[..., 4 * k :]
        if self.scale_activation == "softplus":
            scale = log_softplus(scale)
        return Pif(
            confidence=x[..., :k],
            vector=x[..., k : 3 * k].reshape(*x.shape[:3], k, 2),
            log_spread=x[..., 3 * k : 4 * k],
            log_scale=scale,
        )


class MapHead(nn.Module):
    """A separable convolution and a 1x1, at the decoder's resolution.

    channels: between the two. kernel: side of the depthwise part.
    bias: of the outputs at the start, one each.
    """

    channels: int
    bias: tuple[float, ...]
    epsilon: float
    momentum: float
    kernel: int = 5
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b h w c"]:
        """The raw map in float32."""
        x = SeparableConv(
            self.channels,
            self.kernel,
            epsilon=self.epsilon,
            momentum=self.momentum,
            dtype=self.dtype,
            name="fuse",
        )(x, train)
        return nn.Conv(
            len(self.bias),
            (1, 1),
            kernel_init=nn.initializers.normal(KERNEL_STD),
            bias_init=lambda _, shape, dtype: jnp.array(self.bias, dtype).reshape(
                shape
            ),
            dtype=jnp.float32,
            conv_general_dilated=convolution.pointwise,
            name="out",
        )(x)


def log_softplus(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """log(log(1 + e^x)), which tends to x on the left and to log x on the right."""
    # Below -15 the two logarithms differ from x by less than a float can say.
    right = jnp.where(x < -15.0, -15.0, x)
    return jnp.where(x < -15.0, x, jnp.log(jax.nn.softplus(right)))


def _confidence_bias(count: int, value: float) -> Any:
    def init(_: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        return jnp.zeros(shape, dtype).at[:count].set(value)

    return init
