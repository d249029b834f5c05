"""The trunk of ResNet-18 (He et al., 2016), for any number of input channels."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.nn import blocks
from ttjax.nn.batch_norm import BatchNorm


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, projected where the shape changes."""

    features: int
    stride: int = 1
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b _ _ {self.features}"]:
        """The map at `1 / stride` of the resolution."""

        def conv(name: str, kernel: int, stride: int, x: Array) -> Array:
            pad = kernel // 2
            return nn.Conv(
                self.features,
                (kernel, kernel),
                (stride, stride),
                padding=((pad, pad), (pad, pad)),
                use_bias=False,
                kernel_init=blocks.he_normal,
                dtype=self.dtype,
                name=name,
            )(x)

        def norm(name: str, x: Array) -> Array:
            return BatchNorm(self.dtype, name=name)(x, train)

        y = nn.relu(norm("bn1", conv("conv1", 3, self.stride, x)))
        y = norm("bn2", conv("conv2", 3, 1, y))
        if self.stride != 1 or x.shape[-1] != self.features:
            x = norm("bn_shortcut", conv("shortcut", 1, self.stride, x))
        return nn.relu(x + y)


class ResNet18(nn.Module):
    """7x7 stem at stride 2, 3x3 max-pool, four stages of two blocks.

    widths: channels of the four stages.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> dict[int, Float[Array, "b _ _ _"]]:
        """The stages' maps by their strides 4, 8, 16, 32."""
        x = nn.Conv(
            self.widths[0],
            (7, 7),
            (2, 2),
            padding=((3, 3), (3, 3)),
            use_bias=False,
            kernel_init=blocks.he_normal,
            dtype=self.dtype,
            name="conv1",
        )(x)
        x = nn.relu(BatchNorm(self.dtype, name="bn1")(x, train))
        x = blocks.max_pool_overlapping(x)
        maps = {}
        for stage, features in enumerate(self.widths):
            for block in range(2):
                x = BasicBlock(
                    features,
                    stride=2 if stage and not block else 1,
                    dtype=self.dtype,
                    name=f"stage{stage + 1}_block{block + 1}",
                )(x, train)
            maps[4 << stage] = x
        return maps
