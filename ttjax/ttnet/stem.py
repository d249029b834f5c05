"""The first convolution, straight from bytes."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Float32, UInt8

from ttjax.nn import blocks, pixel_shuffle
from ttjax.nn.batch_norm import BatchNorm
from ttjax.ttnet.preprocessing import stack_bytes
from ttjax.typing import Variables

BYTE_KERNEL = "byte_kernel"
"""Name of the kernel that is for bytes, in the variables for inference."""


def from_bytes(
    patches: UInt8[Array, "b h w c"], kernel: Float[Array, "c o"]
) -> Float32[Array, "b h w o"]:
    """Matrix product of bytes and a kernel, in the kernel's dtype, summed in float32.

    On CPUs one example at a time: the patches of a whole batch as floats fill fresh
    memory at every step, which takes longer than the product (2.5 times in all).
    """

    def each(patches: Array, kernel: Array) -> Array:
        one = jax.checkpoint(lambda example: _matmul(example, kernel))
        return lax.map(one, patches)

    return lax.platform_dependent(patches, kernel, cpu=each, default=_matmul)


def _matmul(x: Array, kernel: Array) -> Array:
    return jnp.einsum(
        "...i,io->...o",
        x.astype(kernel.dtype),
        kernel,
        preferred_element_type=jnp.float32,
    )


def folded(
    preprocessing: Any,
    kernel: Float[Array | np.ndarray, "p p c o"],
    bias: Float[Array | np.ndarray, " o"],
) -> tuple[Any, Any]:
    """The kernel and bias for bytes that equal these for preprocessed frames.

    Arrays of the same kind and shapes: numpy's stay on the host.
    """
    frames = kernel.shape[2] // 3
    einsum: Any = functools.partial(jnp.einsum, precision="highest")
    if isinstance(kernel, np.ndarray):
        einsum = np.einsum  # On the host nothing is compiled.
    offset = einsum("i,yxio->o", preprocessing.offset(frames), kernel)
    kernel = einsum("ji,yxio->yxjo", preprocessing.matrix(frames), kernel)
    return kernel, bias + offset


def for_bytes(encoder: Variables, preprocessing: Any) -> Variables:
    """Parameters of an encoder whose stem, if it is a `Stem`, is for bytes alone.

    The preprocessing is folded in once and for all.
    """
    if "stem" not in encoder:
        return encoder
    conv = encoder["stem"]["conv"]
    kernel, bias = folded(preprocessing, conv["kernel"], conv["bias"])
    stem = {**encoder["stem"], "conv": {BYTE_KERNEL: kernel, "bias": bias}}
    return {**encoder, "stem": stem}


class FoldedConv(nn.Module):
    """A convolution with stride = kernel = `patch` on preprocessed frames.

    Bytes meet a kernel into which the preprocessing is folded: float stacks are never
    written, and bytes are exact in bfloat16. Float stacks meet the kernel as it is.
    With variables for inference (`for_bytes`) it was folded once, and only bytes fit.
    """

    features: int
    patch: int
    preprocessing: Any
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: UInt8[Array, "b t h w 3"] | Float[Array, "b h w c"]
    ) -> tuple[
        Float[Array, "b _ _ {self.features}"], Float32[Array, " {self.features}"]
    ]:
        """The map at `1 / patch` of the resolution, and the bias that it lacks."""
        if self.has_variable("params", BYTE_KERNEL):
            kernel, bias = (
                self.get_variable("params", name) for name in (BYTE_KERNEL, "bias")
            )
            patches = pixel_shuffle.space_to_depth(stack_bytes(x), self.patch)
            kernel = kernel.reshape(-1, self.features).astype(self.dtype)
            return from_bytes(patches, kernel).astype(self.dtype), bias
        is_bytes = x.dtype == jnp.uint8
        frames = x.shape[1] if is_bytes else x.shape[-1] // 3
        kernel = self.param(
            "kernel",
            blocks.he_normal,
            (self.patch, self.patch, 3 * frames, self.features),
        )
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        stack = stack_bytes(x) if is_bytes else x
        if is_bytes:
            kernel, bias = folded(self.preprocessing, kernel, bias)
        patches = pixel_shuffle.space_to_depth(stack, self.patch)
        kernel = kernel.reshape(-1, self.features)
        multiply = from_bytes if is_bytes else _matmul
        out = multiply(patches, kernel.astype(self.dtype))
        return out.astype(self.dtype), bias


class Stem(nn.Module):
    """`FoldedConv`, BatchNorm, ReLU: the first line of Table 3 where `patch` is 1."""

    features: int
    patch: int
    preprocessing: Any
    dtype: Any = jnp.float32

    def setup(self):
        """Makes the layers `conv` and `bn`."""
        self.conv = FoldedConv(
            self.features, self.patch, self.preprocessing, self.dtype
        )
        self.bn = BatchNorm(self.dtype)

    def __call__(
        self,
        x: UInt8[Array, "b t h w 3"] | Float[Array, "b h w c"],
        train: bool = False,
    ) -> Float[Array, "b _ _ {self.features}"]:
        """The map at `1 / patch` of the resolution."""
        x, bias = self.conv(x)
        return nn.relu(self.bn(x, train, bias))
