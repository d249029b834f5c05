"""Feature extractors: a stack of frames in, maps at strides 4 to 64 out.

An encoder of the config is a frozen dataclass whose `build` makes the flax module; the
module maps `(frames or float stack, train)` to `{stride: map}` for 4, 8, 16, 32 and 64.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from ttjax.nn import blocks, resnet
from ttjax.ttnet.stem import Stem

Features = dict[int, Float[Array, "..."]]
"""Maps by stride."""

STRIDE = 64
"""Input pixels per pixel of the coarsest map."""


def scaled(channels: int, width: float) -> int:
    """Channels times the config's width multiplier, at least one."""
    return max(1, round(channels * width))


@dataclasses.dataclass(frozen=True)
class VGG:
    """TTNet's own encoder (Table 3): a 1x1 stem and six ConvBlocks."""

    widths: tuple[int, int, int, int, int, int, int] = (64, 64, 64, 128, 128, 256, 256)

    def build(
        self, *, width: float, dropout: float, preprocessing: Any, dtype: Any
    ) -> nn.Module:
        """The flax module."""
        return ConvEncoder(
            tuple(scaled(c, width) for c in self.widths),
            patch=1,
            dropout=dropout,
            preprocessing=preprocessing,
            dtype=dtype,
        )


@dataclasses.dataclass(frozen=True)
class Nano:
    """The same at half the resolution from the first layer on, for CPUs.

    The stem takes 2x2 patches of bytes, so that its first block need not pool.
    """

    widths: tuple[int, int, int, int, int, int, int] = (16, 16, 16, 32, 32, 48, 48)

    def build(
        self, *, width: float, dropout: float, preprocessing: Any, dtype: Any
    ) -> nn.Module:
        """The flax module."""
        return ConvEncoder(
            tuple(scaled(c, width) for c in self.widths),
            patch=2,
            dropout=dropout,
            preprocessing=preprocessing,
            dtype=dtype,
        )


@dataclasses.dataclass(frozen=True)
class ResNet18:
    """Table 6's other encoder; a pool and 1x1 convolutions bring it to VGG's sizes.

    widths: of the four stages.
    out: channels of the maps at strides 4, 8, 16, 32 and 64.
    """

    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    out: tuple[int, int, int, int, int] = (64, 128, 128, 256, 256)

    def build(
        self, *, width: float, dropout: float, preprocessing: Any, dtype: Any
    ) -> nn.Module:
        """The flax module."""
        return ResNetEncoder(
            tuple(scaled(c, width) for c in self.widths),
            tuple(scaled(c, width) for c in self.out),
            dropout=dropout,
            preprocessing=preprocessing,
            dtype=dtype,
        )


class ConvEncoder(nn.Module):
    """Stem and six ConvBlocks, whole channels dropped after the blocks 2, 4 and 6.

    Maps are handed out before dropout, except the last, which Table 3 drops before its
    heads.
    """

    widths: tuple[int, ...]
    patch: int
    dropout: float
    preprocessing: Any
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: UInt8[Array, "b t h w 3"] | Float[Array, "b h w c"],
        train: bool = False,
    ) -> Features:
        """Maps at strides 4, 8, 16, 32 and 64."""
        features: Features = {}
        x = Stem(
            self.widths[0], self.patch, self.preprocessing, self.dtype, name="stem"
        )(x, train)
        stride = self.patch
        for number, width in enumerate(self.widths[1:], start=1):
            pool = stride < 2**number
            x = blocks.ConvBlock(
                width, pool=pool, dtype=self.dtype, name=f"block{number}"
            )(x, train)
            stride = 2**number
            features[stride] = x
            if number % 2 == 0:
                x = blocks.channel_dropout(self.dropout)(x, deterministic=not train)
        features[STRIDE] = x
        del features[2]
        return features


class ResNetEncoder(nn.Module):
    """ResNet-18's trunk and the 1x1 convolutions that fit it to TTNet's heads."""

    widths: tuple[int, ...]
    out: tuple[int, ...]
    dropout: float
    preprocessing: Any
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: UInt8[Array, "b t h w 3"] | Float[Array, "b h w c"],
        train: bool = False,
    ) -> Features:
        """Maps at strides 4, 8, 16, 32 and 64."""
        if x.dtype == jnp.uint8:
            # Not folded: the padding of the 7x7 stem is zero after preprocessing.
            x = self.preprocessing.apply(x)
        trunk = resnet.ResNet18(self.widths, dtype=self.dtype, name="trunk")
        maps = trunk(jnp.asarray(x, self.dtype), train)
        features: Features = {}
        for stride, width in zip((4, 8, 16, 32), self.out, strict=False):
            x = maps[stride]
            if x.shape[-1] != width:
                fit = nn.Conv(width, (1, 1), dtype=self.dtype, name=f"fit{stride}")
                x = nn.relu(fit(x))
            features[stride] = x
        x = blocks.max_pool(features[32])
        if x.shape[-1] != self.out[-1]:
            x = nn.Conv(self.out[-1], (1, 1), dtype=self.dtype, name="fit64")(x)
        x = blocks.channel_dropout(self.dropout)(x, deterministic=not train)
        return features | {STRIDE: x}
