"""Mask decoders: the global stage's maps in, mask logits at the input's size out.

A decoder of the config is a frozen dataclass whose `build` makes the flax module; the
module maps `(features, train)` to float32 logits.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from ttjax.nn import blocks, convolution, pixel_shuffle, resize
from ttjax.ttnet.encoders import Features, scaled


@dataclasses.dataclass(frozen=True)
class Deconvolution:
    """The paper's decoder (Table 5), with LinkNet's additive skips (Fig. 2).

    The table prints stride 2 for its two plain convolutions; only stride 1 gives the
    sizes that it prints, so they have stride 1.

    channels: of the map at full resolution.
    """

    channels: int = 32

    def build(self, *, masks: int, width: float, dtype: Any) -> nn.Module:
        """The flax module."""
        return DeconvDecoder(masks, scaled(self.channels, width), dtype)


@dataclasses.dataclass(frozen=True)
class PixelShuffle:
    """A light decoder: 3x3 blocks up to stride 4, then 16 logits per cell and class.

    channels: of every block.
    """

    channels: int = 24

    def build(self, *, masks: int, width: float, dtype: Any) -> nn.Module:
        """The flax module."""
        return ShuffleDecoder(masks, scaled(self.channels, width), dtype)


class DeconvDecoder(nn.Module):
    """See `Deconvolution`; `deconv5` works on the fifth block's map, and so on."""

    masks: int
    channels: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, features: Features, train: bool = False
    ) -> Float32[Array, "b h w {self.masks}"]:
        """Logits of every class."""
        x = features[32]
        for number, stride in ((5, 16), (4, 8), (3, 4)):
            skip = features[stride]
            block = blocks.DeconvBlock(
                skip.shape[-1], dtype=self.dtype, name=f"deconv{number}"
            )
            x = block(x, train) + skip
        x = blocks.DeconvBlock(x.shape[-1], dtype=self.dtype, name="deconv2")(x, train)
        x = blocks.TransposedConv(
            self.channels, padding=((2, 2), (2, 2)), dtype=self.dtype, name="tconv"
        )(x)
        x = blocks.InnerConv(self.channels, dtype=self.dtype, name="conv1")(nn.relu(x))
        return blocks.NarrowConv(self.masks, dtype=jnp.float32, name="conv2")(
            nn.relu(x)
        )


class ShuffleDecoder(nn.Module):
    """See `PixelShuffle`."""

    masks: int
    channels: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, features: Features, train: bool = False
    ) -> Float32[Array, "b h w {self.masks}"]:
        """Logits of every class."""
        x = blocks.ConvBlock(
            self.channels, kernel=1, pool=False, dtype=self.dtype, name="deep"
        )(features[32], train)
        for stride in (16, 8, 4):
            skip = nn.Conv(
                self.channels,
                (1, 1),
                dtype=self.dtype,
                conv_general_dilated=convolution.pointwise,
                name=f"skip{stride}",
            )(features[stride])
            x = blocks.ConvBlock(
                self.channels, pool=False, dtype=self.dtype, name=f"up{stride}"
            )(resize.repeat(x, 2) + skip, train)
        x = nn.Conv(
            16 * self.masks,
            (1, 1),
            dtype=jnp.float32,
            conv_general_dilated=convolution.pointwise,
            name="logits",
        )(x)
        return pixel_shuffle.depth_to_space(x, 4)
