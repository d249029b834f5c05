"""The trunks of ResNets (He et al., 2016), for any number of input channels.

Convolutions are padded by half their reach on both sides, as in PyTorch: cell (0, 0) of
every map stands on pixel (0, 0), which SAME padding only gives on odd sizes.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.nn import batch_norm, blocks, convolution
from ttjax.nn.batch_norm import BatchNorm

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks of each stage, by depth."""

EXPANSION = 4
"""Channels of a bottleneck's output per channel of its 3x3 convolution."""


def conv(
    features: int,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    dtype: Any = jnp.float32,
    name: str | None = None,
) -> nn.Conv:
    """A convolution without bias, padded by half its reach on both sides."""
    pad = dilation * (kernel // 2)
    how: Any = {"conv_general_dilated": convolution.pointwise} if kernel == 1 else {}
    return nn.Conv(
        features,
        (kernel, kernel),
        (stride, stride),
        padding=((pad, pad), (pad, pad)),
        kernel_dilation=(dilation, dilation),
        use_bias=False,
        kernel_init=blocks.he_normal,
        dtype=dtype,
        name=name,
        **how,
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, projected where the shape changes.

    dilations: of the first, which strides, and of the second.
    """

    features: int
    stride: int = 1
    dtype: Any = jnp.float32
    dilations: tuple[int, int] = (1, 1)
    epsilon: float = batch_norm.EPSILON
    momentum: float = batch_norm.MOMENTUM

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b _ _ {self.features}"]:
        """The map at `1 / stride` of the resolution."""
        step = _Step(self, train)
        first, second = self.dilations
        y = nn.relu(step("1", x, self.features, 3, self.stride, first))
        y = step("2", y, self.features, 3, 1, second)
        return nn.relu(y + step.shortcut(x, self.features, self.stride))


class Bottleneck(nn.Module):
    """1x1, 3x3 (which strides), 1x1 to four times the channels, and a shortcut.

    dilations: the first is of the 3x3 convolution; there is no second.
    """

    features: int
    stride: int = 1
    dtype: Any = jnp.float32
    dilations: tuple[int, int] = (1, 1)
    epsilon: float = batch_norm.EPSILON
    momentum: float = batch_norm.MOMENTUM

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b _ _ 4*{self.features}"]:
        """The map at `1 / stride` of the resolution."""
        step = _Step(self, train)
        out = EXPANSION * self.features
        y = nn.relu(step("1", x, self.features, 1))
        y = nn.relu(step("2", y, self.features, 3, self.stride, self.dilations[0]))
        y = step("3", y, out, 1)
        return nn.relu(y + step.shortcut(x, out, self.stride))


class _Step:
    """Convolution and BatchNorm, named within the block that is being called."""

    def __init__(self, block: Any, train: bool):
        self.block, self.train = block, train

    def __call__(
        self,
        number: str,
        x: Array,
        features: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        names: tuple[str, str] = ("conv", "bn"),
    ) -> Array:
        block = self.block
        layer, norm = (name + number for name in names)
        x = conv(features, kernel, stride, dilation, block.dtype, layer)(x)
        return BatchNorm(block.dtype, block.epsilon, block.momentum, name=norm)(
            x, self.train
        )

    def shortcut(self, x: Array, features: int, stride: int) -> Array:
        if stride == 1 and x.shape[-1] == features:
            return x
        return self("", x, features, 1, stride, names=("shortcut", "bn_shortcut"))


class ResNet(nn.Module):
    """7x7 stem at stride 2, perhaps a 3x3 max-pool, and four stages of blocks.

    depth: a key of `BLOCKS`; from 50 on the blocks are bottlenecks.
    widths: channels of the four stages' 3x3 convolutions.
    stem_pool: without the pool all strides are halved.
    dilated: so many of the last stages keep the resolution: in place of their stride
        the convolutions after it are dilated.
    """

    depth: int = 50
    widths: tuple[int, ...] = (64, 128, 256, 512)
    stem_pool: bool = True
    dilated: int = 0
    epsilon: float = batch_norm.EPSILON
    momentum: float = batch_norm.MOMENTUM
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> tuple[Float[Array, "b _ _ _"], ...]:
        """The stages' maps, finest first.

        Raises:
            ValueError: another depth than those of `BLOCKS`.
        """
        return _maps(self, x, train)


class ResNet18(nn.Module):
    """7x7 stem at stride 2, 3x3 max-pool, four stages of two blocks.

    widths: channels of the four stages.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    dtype: Any = jnp.float32

    depth = 18
    stem_pool = True
    dilated = 0
    epsilon = batch_norm.EPSILON
    momentum = batch_norm.MOMENTUM

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> dict[int, Float[Array, "b _ _ _"]]:
        """The stages' maps by their strides 4, 8, 16, 32."""
        return {4 << stage: x for stage, x in enumerate(_maps(self, x, train))}


def _maps(trunk: Any, x: Array, train: bool) -> tuple[Array, ...]:
    """Called within a module's compact call, so that the layers are that module's."""
    if trunk.depth not in BLOCKS:
        raise ValueError(
            f"A ResNet has one of the depths {tuple(BLOCKS)}, got {trunk.depth}: "
            "choose one of them."
        )
    norm: dict[str, Any] = {"epsilon": trunk.epsilon, "momentum": trunk.momentum}
    kind = Bottleneck if trunk.depth >= 50 else BasicBlock
    x = conv(trunk.widths[0], 7, 2, dtype=trunk.dtype, name="conv1")(x)
    x = nn.relu(BatchNorm(trunk.dtype, **norm, name="bn1")(x, train))
    if trunk.stem_pool:
        x = blocks.max_pool_overlapping(x)
    maps, dilation = [], 1
    for stage, (features, count) in enumerate(
        zip(trunk.widths, BLOCKS[trunk.depth], strict=True)
    ):
        strides = stage > 0 and stage < len(trunk.widths) - trunk.dilated
        # What would stride sees the cells of the stage before, so far apart as there.
        before = dilation
        if stage and not strides:
            dilation *= 2
        for block in range(count):
            x = kind(
                features,
                stride=1 if block or not strides else 2,
                dilations=(dilation if block else before, dilation),
                dtype=trunk.dtype,
                **norm,
                name=f"stage{stage + 1}_block{block + 1}",
            )(x, train)
        maps.append(x)
    return tuple(maps)
