"""Losses of points and sizes, element by element; finite for logits of any size."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def length(vectors: Float[Array, "*shape d"]) -> Float[Array, "*shape"]:
    """The Euclidean norm, whose gradient is 0 at 0 and which overflows for nothing."""
    size = jnp.max(jnp.abs(vectors), axis=-1, keepdims=True)
    size = jax.lax.stop_gradient(jnp.where(size > 0, size, 1.0))
    square = jnp.sum((vectors / size) ** 2, axis=-1)
    some = square > 0
    root = jnp.sqrt(jnp.where(some, square, 1.0))
    return jnp.where(some, root, 0.0) * size[..., 0]


def soft_clip(
    values: Float[Array, "*shape"], limit: float = 3.0
) -> Float[Array, "*shape"]:
    """The value itself near 0, never beyond the limit: limit tanh(value / limit)."""
    return limit * jnp.tanh(values / limit)


def laplace(
    distance: Float[Array, "*shape"],
    log_spread: Float[Array, "*shape"],
    *,
    limit: float = 3.0,
) -> Float[Array, "*shape"]:
    """Laplace: log 2 + l + d exp(-l), with l = limit tanh(log_spread / limit).

    The negative log likelihood of a distance under a Laplace distribution of spread
    exp(l); least where the spread is the distance. PifPaf (Kreiss et al., 2019, Eq. 2),
    there without the limit, which keeps the weight of a distance within exp(+-3).
    """
    log_spread = soft_clip(log_spread, limit)
    return math.log(2.0) + log_spread + distance * jnp.exp(-log_spread)


def gaussian(
    distance: Float[Array, "*shape"],
    log_spread: Float[Array, "*shape"],
    *,
    limit: float = 3.0,
) -> Float[Array, "*shape"]:
    """d^2 exp(-2 l) + l, with l = limit tanh(log_spread / limit).

    L_loc of DeepSportLab's Eq. 2, there without the limit; but for constants the
    negative log likelihood under a Gaussian of variance exp(2 l) / 2.
    """
    log_spread = soft_clip(log_spread, limit)
    return distance**2 * jnp.exp(-2.0 * log_spread) + log_spread


def log_l1(
    log_values: Float[Array, "*shape"], targets: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """|log v - log t| of positive targets, from the logarithm of the values."""
    return jnp.abs(log_values - jnp.log(targets))


def bounded_exp(
    values: Float[Array, "*shape"], limit: float = 5.0
) -> Float[Array, "*shape"]:
    """exp, which goes on as a straight line of its slope beyond the limit."""
    below = jnp.minimum(values, limit)
    return jnp.exp(below) * (1.0 + jnp.maximum(values - limit, 0.0))


def l1_of_log(
    log_values: Float[Array, "*shape"], targets: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """|v - t|, from the logarithm of the values (`bounded_exp`)."""
    return jnp.abs(bounded_exp(log_values) - targets)


def squared(
    values: Float[Array, "*shape d"], targets: Float[Array, "*shape d"]
) -> Float[Array, "*shape"]:
    """The sum of squares over the last axis."""
    return jnp.sum((values - targets) ** 2, axis=-1)
