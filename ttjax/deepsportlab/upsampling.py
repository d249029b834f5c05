"""From the pyramid's map to the finest resolution of the trunk, along its maps."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.nn import resize, resnet
from ttjax.nn.batch_norm import BatchNorm
from ttjax.nn.depthwise import SeparableConv


class Upsampling(nn.Module):
    """Enlarges, joins a projected map of the trunk, fuses; once for every such map.

    channels: after every fusion.
    skips: channels to which the trunk's maps are projected, coarsest first.
    kernel: side of the depthwise convolutions.
    """

    channels: int
    skips: tuple[int, ...]
    epsilon: float
    momentum: float
    kernel: int = 5
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "b _ _ _"],
        maps: tuple[Float[Array, "b _ _ _"], ...],
        train: bool = False,
    ) -> Float[Array, "b _ _ {self.channels}"]:
        """The map at the size of the last of `maps`, which begin with the coarsest."""
        norm: dict[str, Any] = {"epsilon": self.epsilon, "momentum": self.momentum}
        for number, (skip, features) in enumerate(
            zip(maps, self.skips, strict=True), start=1
        ):
            skip = resnet.conv(features, 1, dtype=self.dtype, name=f"project{number}")(
                skip
            )
            skip = BatchNorm(self.dtype, **norm, name=f"bn{number}")(skip, train)
            x = resize.align_corners(x, (skip.shape[1], skip.shape[2]))
            x = SeparableConv(
                self.channels,
                self.kernel,
                **norm,
                dtype=self.dtype,
                name=f"fuse{number}",
            )(jnp.concatenate([x, nn.relu(skip)], -1), train)
        return x
