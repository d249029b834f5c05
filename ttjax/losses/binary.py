"""Losses of independent yes-or-no outputs, given as logits, element by element."""

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy
from jaxtyping import Array, Bool, Float


def cross_entropy(
    logits: Float[Array, "*shape"], targets: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """-t log p - (1 - t) log(1 - p), with p = sigmoid(logits) and t in [0, 1].

    Exact and with a useful gradient, p - t, for logits of any size. One logarithm per
    element, where -log p and -log(1 - p) apart need two.
    """
    return _cross_entropy(logits.astype(jnp.float32), targets)


@jax.custom_jvp
def _cross_entropy(logits: Array, targets: Array) -> Array:
    # Of no negative terms: nothing cancels where logit and target agree.
    size = jnp.abs(logits)
    linear = size * jnp.where(logits > 0, 1.0 - targets, targets)
    return linear + jnp.log1p(jnp.exp(-size))


_cross_entropy.defjvps(
    lambda slope, _, logits, targets: slope * (jax.nn.sigmoid(logits) - targets),
    lambda slope, _, logits, targets: -slope * logits,
)


def divergence(
    logits: Float[Array, "*shape"], targets: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """The cross-entropy above its own minimum: minus the entropy of the target.

    This Kullback-Leibler divergence is 0 where p = t, also for soft targets; its
    gradient is the cross-entropy's.
    """
    entropy = -xlogy(targets, targets) - xlogy(1.0 - targets, 1.0 - targets)
    return cross_entropy(logits, targets) - entropy


def focal_cross_entropy(
    logits: Float[Array, "*shape"], targets: Bool[Array, "*shape"], *, gamma: float = 1
) -> Float[Array, "*shape"]:
    """The cross-entropy times the probability of the other answer to the power gamma.

    That is (1 - p) ** gamma where the target is yes, and p ** gamma where it is no. The
    gradient flows through the factor as well. Focal loss (Lin et al., 2017).
    """
    logits = logits.astype(jnp.float32)
    against = jnp.where(targets, -logits, logits)
    return jnp.exp(gamma * jax.nn.log_sigmoid(against)) * jax.nn.softplus(against)
