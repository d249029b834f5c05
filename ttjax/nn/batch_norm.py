"""BatchNorm whose gradient is written out, for speed on CPUs."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32

EPSILON = 1e-5
MOMENTUM = 0.9


class BatchNorm(nn.Module):
    """Ioffe and Szegedy (2015), with PyTorch's defaults: momentum 0.9, epsilon 1e-5.

    Variables as in `flax.linen.BatchNorm`: `scale`, `bias`; `mean`, `var` (biased).
    Statistics are taken in float32 over all axes but the last. Of a norm that
    `ttjax.nn.folding` has folded, at most a bias is left, and nothing but it is added.
    """

    dtype: Any = jnp.float32
    epsilon: float = EPSILON
    momentum: float = MOMENTUM

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "*axes c"],
        train: bool = False,
        shift: Float32[Array, " c"] | None = None,
    ) -> Float[Array, "*axes c"]:
        """Normalised by the batch's statistics in training, else by the running ones.

        shift: a constant per channel that belongs to `x` but has not been added: the
            bias of the convolution before. In training it cancels, so that its gradient
            is zero; the running mean contains it.
        """
        if self._is_folded():
            return self._left(x, shift)
        channels = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones_init(), channels)
        bias = self.param("bias", nn.initializers.zeros_init(), channels)
        mean = self.variable("batch_stats", "mean", jnp.zeros, channels)
        var = self.variable("batch_stats", "var", jnp.ones, channels)
        shift = jnp.zeros(channels) if shift is None else shift
        if not train:
            factor = scale * lax.rsqrt(var.value + self.epsilon)
            rest = bias + (shift - mean.value) * factor
            return affine(x, factor, rest).astype(self.dtype)
        out, batch_mean, batch_var = normalise(x, scale, bias, self.epsilon)
        if not self.is_initializing():
            batch_mean = batch_mean + lax.stop_gradient(shift)
            keep = self.momentum
            mean.value = keep * mean.value + (1 - keep) * batch_mean
            var.value = keep * var.value + (1 - keep) * batch_var
        return out.astype(self.dtype)

    def _is_folded(self) -> bool:
        has = self.has_variable("params", "scale")
        return not (has or self.is_initializing())

    def _left(self, x: Array, shift: Array | None) -> Array:
        if self.has_variable("params", "bias"):
            bias = self.get_variable("params", "bias")
            shift = bias if shift is None else bias + shift
        if shift is None:
            return x.astype(self.dtype)
        return (x + shift.reshape((1,) * (x.ndim - 1) + (-1,))).astype(self.dtype)


def affine(
    x: Float[Array, "*axes c"],
    factor: Float32[Array, " c"],
    shift: Float32[Array, " c"],
) -> Float32[Array, "*axes c"]:
    """Channel by channel, x * factor + shift in float32."""
    ones = (1,) * (x.ndim - 1)
    return x * factor.reshape(*ones, -1) + shift.reshape(*ones, -1)


def normalise(
    x: Float[Array, "*axes c"],
    scale: Float32[Array, " c"],
    bias: Float32[Array, " c"],
    epsilon: float = EPSILON,
) -> tuple[Float32[Array, "*axes c"], Float32[Array, " c"], Float32[Array, " c"]]:
    """(x - mean) / sqrt(var + epsilon) * scale + bias, the mean, the biased variance.

    No gradient flows through the returned statistics, which only feed running averages.
    The usual derivative, but in two passes over the batch: what automatic
    differentiation makes of the same formula takes twice as long on XLA's CPU backend.
    """
    return _normalise(x, scale, bias, epsilon)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _normalise(x: Array, scale: Array, bias: Array, epsilon: float) -> Any:
    return _forward(x, scale, bias, epsilon)[0]


def _forward(x: Array, scale: Array, bias: Array, epsilon: float) -> tuple[Any, Any]:
    axes = tuple(range(x.ndim - 1))
    full = x.astype(jnp.float32)
    mean = full.mean(axes)
    # A constant channel must not get a negative variance from rounding.
    var = jnp.maximum(jnp.square(full).mean(axes) - jnp.square(mean), 0.0)
    factor = scale * lax.rsqrt(var + epsilon)
    return (affine(x, factor, bias - mean * factor), mean, var), (x, mean, var, scale)


def _backward(
    epsilon: float, residuals: Any, gradients: Any
) -> tuple[Array, Array, Array]:
    x, mean, var, scale = residuals
    gradient = gradients[0]
    axes = tuple(range(x.ndim - 1))
    count = x.size // x.shape[-1]
    inverse = lax.rsqrt(var + epsilon)
    of_bias = gradient.sum(axes)
    of_scale = ((gradient * x).sum(axes) - mean * of_bias) * inverse
    slope = -scale * inverse**2 * of_scale / count
    ones = (1,) * (x.ndim - 1)
    of_x = gradient * (scale * inverse).reshape(*ones, -1) + affine(
        x, slope, -slope * mean - scale * inverse * of_bias / count
    )
    return of_x.astype(x.dtype), of_scale, of_bias


_normalise.defvjp(_forward, _backward)
