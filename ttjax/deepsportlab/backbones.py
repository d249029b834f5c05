"""Trunks: a normalised picture in, maps of falling resolution out.

A backbone of the config is a frozen dataclass with the `strides` of its maps, finest
first, and a `build` that makes the flax module; the module maps `(picture, train)` to
those maps. Cell (i, j) of a map at stride s stands on the picture's pixel (i s, j s):
every layer keeps (0, 0) on (0, 0), and a side of n s + 1 pixels gives n + 1 cells.
"""

import dataclasses
from typing import Any, Literal

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.nn import blocks, pixel_shuffle, resnet
from ttjax.nn.batch_norm import BatchNorm

EPSILON = 1e-4
"""Of the paper's BatchNorms, as in OpenPifPaf."""

Maps = tuple[Float[Array, "b _ _ _"], ...]
"""Finest first."""


@dataclasses.dataclass(frozen=True)
class ResNet:
    """A residual network; the paper's is ResNet-50 without its max-pool.

    stem_pool: keep the max-pool, which doubles all strides at a quarter of the work.
    dilated: the last stage keeps the resolution of the one before; its 3x3 convolutions
        after the first have dilation 2.
    """

    depth: Literal[18, 34, 50, 101] = 50
    stem_pool: bool = False
    dilated: bool = False

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the picture per cell of each map, finest first."""
        first = 4 if self.stem_pool else 2
        last = 4 if self.dilated else 8
        return first, 2 * first, 4 * first, last * first

    def build(self, *, momentum: float, dtype: Any) -> nn.Module:
        """The flax module."""
        return resnet.ResNet(
            self.depth,
            stem_pool=self.stem_pool,
            dilated=int(self.dilated),
            epsilon=EPSILON,
            momentum=momentum,
            dtype=dtype,
        )


@dataclasses.dataclass(frozen=True)
class Nano:
    """Three stages of 3x3 convolutions for CPUs, from overlapping 8x8 patches on.

    The last map joins each cell's features with those of its pixels of both finer maps:
    a ball of ten pixels, smaller than a cell, is seen there.

    widths: of the stages at strides 4, 8 and 16.
    layers: convolutions of each stage.
    joined: channels of the last map.
    """

    widths: tuple[int, int, int] = (24, 48, 96)
    layers: tuple[int, int, int] = (1, 2, 4)
    joined: int = 128

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the picture per cell of each map, finest first."""
        return 4, 8, 16

    def build(self, *, momentum: float, dtype: Any) -> nn.Module:
        """The flax module."""
        return NanoTrunk(
            self.widths, self.layers, self.joined, EPSILON, momentum, dtype
        )


class NanoTrunk(nn.Module):
    """See `Nano`; a pool over 3x3 windows between the stages."""

    widths: tuple[int, ...]
    layers: tuple[int, ...]
    joined: int
    epsilon: float
    momentum: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], train: bool = False) -> Maps:
        """The stages' maps."""
        x = nn.Dense(
            self.widths[0],
            use_bias=False,
            kernel_init=blocks.he_normal,
            dtype=self.dtype,
            name="stem",
        )(patches(x))
        norm: dict[str, Any] = {"epsilon": self.epsilon, "momentum": self.momentum}
        x = nn.relu(BatchNorm(self.dtype, **norm, name="bn")(x, train))
        maps = []
        for stage, (features, layers) in enumerate(
            zip(self.widths, self.layers, strict=True), start=1
        ):
            if stage > 1:
                x = blocks.max_pool_overlapping(x)
            for layer in range(1, layers + 1):
                x = blocks.ConvBlock(
                    features,
                    pool=False,
                    dtype=self.dtype,
                    **norm,
                    name=f"stage{stage}_conv{layer}",
                )(x, train)
            maps.append(x)
        unfolded = [_unfolded(x, 2 ** (2 - stage)) for stage, x in enumerate(maps)]
        x = nn.Dense(
            self.joined,
            use_bias=False,
            kernel_init=blocks.he_normal,
            dtype=self.dtype,
            name="join",
        )(jnp.concatenate(unfolded, -1))
        maps[-1] = nn.relu(BatchNorm(self.dtype, **norm, name="bn_join")(x, train))
        return tuple(maps)


def _unfolded(x: Array, size: int) -> Array:
    """Every `size`-th cell with its right and lower neighbours, zeros beyond."""
    h, w = (-side % size for side in x.shape[1:3])
    x = jnp.pad(x, ((0, 0), (0, h), (0, w), (0, 0)))
    return pixel_shuffle.space_to_depth(x, size)


def patches(
    x: Float[Array, "b h w c"],
) -> Float[Array, "b (h+3)//4 (w+3)//4 64*c"]:
    """The 8x8 pixels around every fourth pixel, zeros beyond the picture.

    From four rows and columns before the pixel to three after it.
    """
    rest = [-size % 4 for size in x.shape[1:3]]
    x = jnp.pad(x, ((0, 0), *((4, after) for after in rest), (0, 0)))
    x = pixel_shuffle.space_to_depth(x, 4)
    return jnp.concatenate(
        [x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]], -1
    )
