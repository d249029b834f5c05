"""Losses of independent yes-or-no outputs, given as logits, element by element."""

import jax.numpy as jnp
import optax
from jax.scipy.special import xlogy
from jaxtyping import Array, Float


def cross_entropy(
    logits: Float[Array, "*shape"], targets: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """-t log p - (1 - t) log(1 - p), with p = sigmoid(logits) and t in [0, 1].

    Exact and with a useful gradient, p - t, for logits of any size.
    """
    logits = logits.astype(jnp.float32)
    return optax.sigmoid_binary_cross_entropy(logits, targets)


def divergence(
    logits: Float[Array, "*shape"], targets: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """The cross-entropy above its own minimum: minus the entropy of the target.

    This Kullback-Leibler divergence is 0 where p = t, also for soft targets; its
    gradient is the cross-entropy's.
    """
    entropy = -xlogy(targets, targets) - xlogy(1.0 - targets, 1.0 - targets)
    return cross_entropy(logits, targets) - entropy
