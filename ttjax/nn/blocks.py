"""The convolutional blocks of TTNet's tables, on NHWC maps.

A block trains (batch statistics, dropout) where its call says `train`, only there.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32, Shaped

from ttjax.nn import batch_norm, convolution
from ttjax.nn.batch_norm import BatchNorm

he_normal = nn.initializers.he_normal()


def max_pool(
    x: Shaped[Array, "b h w c"], factor: int = 2
) -> Shaped[Array, "b h//{factor} w//{factor} c"]:
    """Maximum over disjoint `factor` x `factor` windows; a remainder is cut off.

    Pairs of slices instead of a window reduction, whose gradient (select and scatter)
    takes fifteen times as long on XLA's CPU backend. A tie shares the gradient.
    """
    b, h, w, c = x.shape
    h, w = h // factor, w // factor
    rows = x[:, : h * factor, : w * factor].reshape(b, h, factor, w, factor * c)
    columns = _maximum([rows[:, :, i] for i in range(factor)])
    return _maximum([columns[..., i * c : (i + 1) * c] for i in range(factor)])


def _maximum(parts: list[Array]) -> Array:
    total = parts[0]
    for part in parts[1:]:
        total = jnp.maximum(total, part)
    return total


def max_pool_overlapping(
    x: Float[Array, "b h w c"],
) -> Float[Array, "b (h+1)//2 (w+1)//2 c"]:
    """Maximum over 3x3 windows at stride 2, padded by one (the pool of a ResNet)."""
    for axis in (1, 2):
        out = (x.shape[axis] + 1) // 2
        padding = [(0, 0, 0)] * x.ndim
        padding[axis] = (1, 1, 0)
        padded = lax.pad(x, jnp.array(-jnp.inf, x.dtype), padding)
        shifted = [
            lax.slice_in_dim(padded, i, i + 2 * out - 1, 2, axis) for i in range(3)
        ]
        x = _maximum(shifted)
    return x


def channel_dropout(rate: float) -> nn.Dropout:
    """Dropout of whole channels of an NHWC map."""
    return nn.Dropout(rate, broadcast_dims=(1, 2))


class SplitConv(nn.Module):
    """A convolution that hands out its bias apart: the BatchNorm after it absorbs it.

    Adding it to the map first costs half as much again in a training step on CPUs, and
    changes nothing: the batch's mean takes it off again.
    """

    features: int
    kernel: int = 3
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[
        Float[Array, "b h w {self.features}"], Float32[Array, " {self.features}"]
    ]:
        """The map, padded to the size of the input, and the bias that it lacks."""
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", he_normal, shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        out = convolution.same(x.astype(self.dtype), kernel.astype(self.dtype))
        return out, bias


class ConvBlock(nn.Module):
    """Convolution, BatchNorm, ReLU and, where asked for, a 2x2 max-pool (Table 1)."""

    features: int
    kernel: int = 3
    pool: bool = True
    dtype: Any = jnp.float32
    epsilon: float = batch_norm.EPSILON
    momentum: float = batch_norm.MOMENTUM

    def setup(self):
        """Makes the layers `conv` and `bn`."""
        self.conv = SplitConv(self.features, self.kernel, self.dtype)
        self.bn = BatchNorm(self.dtype, self.epsilon, self.momentum)

    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b _ _ {self.features}"]:
        """The block's map, at half the resolution where it pools."""
        x, bias = self.conv(x)
        x = nn.relu(self.bn(x, train, bias))
        return max_pool(x) if self.pool else x


class DeconvBlock(nn.Module):
    """1x1 to a quarter of the channels, 3x3 transposed at stride 2, 1x1 (Table 2)."""

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"], train: bool = False
    ) -> Float[Array, "b 2*h 2*w {self.features}"]:
        """The map at twice the resolution."""

        def norm(name: str, x: Array) -> Array:
            return nn.relu(BatchNorm(self.dtype, name=name)(x, train))

        middle = max(1, x.shape[-1] // 4)
        point: dict[str, Any] = {
            "kernel_size": (1, 1),
            "kernel_init": he_normal,
            "dtype": self.dtype,
            "conv_general_dilated": convolution.pointwise,
        }
        x = norm("bn1", nn.Conv(middle, name="conv1", **point)(x))
        x = TransposedConv(middle, dtype=self.dtype, name="tconv")(x)
        x = norm("bn_t", x)
        return norm("bn2", nn.Conv(self.features, name="conv2", **point)(x))


class TransposedConv(nn.Module):
    """3x3 transposed convolution at stride 2; the kernel is that of the forward map.

    padding: rows and columns added to the dilated input before the sliding window.
        ((1, 2), (1, 2)) doubles the size (PyTorch: padding 1, output padding 1);
        ((2, 2), (2, 2)) gives 2n + 1 (PyTorch: padding 0).
    """

    features: int
    padding: Sequence[tuple[int, int]] = ((1, 2), (1, 2))
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w _"]) -> Float[Array, "b _ _ _"]:
        """The upsampled map, with a bias."""
        # The kernel is stored as (3, 3, out, in); fan-in of the map is 9 * in, of which
        # a quarter meets a non-zero input at stride 2.
        kernel = self.param(
            "kernel",
            nn.initializers.variance_scaling(
                8.0, "fan_in", "truncated_normal", in_axis=-1, out_axis=-2
            ),
            (3, 3, self.features, x.shape[-1]),
        )
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        x, kernel, bias = (jnp.asarray(a, self.dtype) for a in (x, kernel, bias))
        out = lax.conv_transpose(
            x,
            kernel,
            (2, 2),
            [(low, high) for low, high in self.padding],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            transpose_kernel=True,
        )
        return out + bias[None, None, None]


class NarrowConv(nn.Module):
    """Convolution to a few channels, padded by one less than its kernel on all sides.

    One matrix product gives what every pixel adds to its neighbours, and these are then
    laid on one another: for 32 channels to 3 on 127x319 a third of the time of a
    convolution whose output is too narrow for vectors (XLA's CPU backend).
    """

    features: int
    kernel: int = 2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"]
    ) -> Float[Array, "b h+{self.kernel}-1 w+{self.kernel}-1 {self.features}"]:
        """The map, one less than the kernel larger on both axes, with a bias."""
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        x, kernel, bias = (jnp.asarray(a, self.dtype) for a in (x, kernel, bias))
        shares = jnp.einsum("bhwc,ijco->bhwijo", x, kernel)
        more = self.kernel - 1
        shares = jnp.pad(shares, ((0, 0), *[(more, more)] * 2, *[(0, 0)] * 3))
        h, w = (size + more for size in x.shape[1:3])
        parts = [
            shares[:, i : i + h, j : j + w, i, j]
            for i in range(self.kernel)
            for j in range(self.kernel)
        ]
        return sum(parts[1:], parts[0]) + bias[None, None, None]


class InnerConv(nn.Module):
    """3x3 convolution without padding: the map loses one row and column on each side.

    Computed with padding and then cropped: the same numbers, nine times faster on XLA's
    CPU backend.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w _"]
    ) -> Float[Array, "b h-2 w-2 {self.features}"]:
        """The convolved inner part of the map, with a bias."""
        kernel = self.param("kernel", he_normal, (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        x, kernel, bias = (jnp.asarray(a, self.dtype) for a in (x, kernel, bias))
        out = lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return out[:, 1:-1, 1:-1] + bias[None, None, None]
