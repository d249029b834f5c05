"""Atrous spatial pyramid pooling (Chen et al., 2017): one map at several reaches."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.nn import batch_norm, resnet
from ttjax.nn.batch_norm import BatchNorm


class ASPP(nn.Module):
    """A 1x1, dilated 3x3 convolutions and the global mean, joined by a 1x1.

    features: channels of every branch and of the output.
    rates: dilations of the 3x3 convolutions.
    dropout: of single numbers of the output.
    """

    features: int
    rates: tuple[int, ...] = (3, 6, 9)
    dropout: float = 0.5
    epsilon: float = batch_norm.EPSILON
    momentum: float = batch_norm.MOMENTUM
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b h w {self.features}"]:
        """The pyramid of the map; the mean's branch has no BatchNorm."""

        def branch(name: str, kernel: int, rate: int, x: Array) -> Array:
            layer = resnet.conv(
                self.features, kernel, 1, rate, self.dtype, f"conv{name}"
            )
            norm = BatchNorm(self.dtype, self.epsilon, self.momentum, name=f"bn{name}")
            return nn.relu(norm(layer(x), train))

        mean = x.astype(jnp.float32).mean((1, 2), keepdims=True)
        pooled = resnet.conv(self.features, 1, dtype=self.dtype, name="conv_mean")(mean)
        parts = [
            branch("1", 1, 1, x),
            *(branch(f"{i}", 3, rate, x) for i, rate in enumerate(self.rates, start=2)),
            jnp.broadcast_to(nn.relu(pooled), (*x.shape[:3], self.features)),
        ]
        x = branch("_join", 1, 1, jnp.concatenate(parts, -1))
        return nn.Dropout(self.dropout)(x, deterministic=not train)
