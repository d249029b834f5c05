"""Losses of one-of-many outputs, given as logits, pixel by pixel."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ttjax.losses import binary


def cross_entropy(
    logits: Float[Array, "*shape c"], classes: Int[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """-log of the softmax at the class; -log of class 0 where it is none of them.

    Class by class: a sum over an innermost axis of three is not vectorised on a CPU.
    """
    each = _by_class(logits)
    right = each[0]
    for index, logit in enumerate(each[1:], 1):
        right = jnp.where(classes == index, logit, right)
    return _log_sum_exp(each) - right


def one_against_rest(
    logits: Float[Array, "*shape c"], classes: Int[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """The binary cross-entropies of all classes but the first, summed.

    Of each class against all others, with the probability that the softmax gives it.
    """
    each = _by_class(logits)
    total = jnp.zeros_like(each[0])
    for index in range(1, len(each)):
        rest = _log_sum_exp(each[:index] + each[index + 1 :])
        here = (classes == index).astype(jnp.float32)
        total = total + binary.cross_entropy(each[index] - rest, here)
    return total


def hardest(
    values: Float[Array, " n"], known: Bool[Array, " n"], *, share: float
) -> Float[Array, ""]:
    """The mean of the largest `share` of the known values, at least of one; 0 of none.

    Values are not negative. Where several are equal to the smallest one that still
    counts, they share its place and its gradient.

    Instead of a sort, the smallest value that counts is found by bisection: the bits of
    floats that are not negative are ordered as the floats are.
    """
    count = jnp.sum(known, dtype=jnp.int32)
    wanted = jnp.floor(share * count.astype(jnp.float32)).astype(jnp.int32)
    wanted = jnp.clip(wanted, 1, jnp.maximum(count, 1))
    kept = jnp.where(known, values, 0.0)
    bits = jax.lax.bitcast_convert_type(
        jax.lax.stop_gradient(kept).astype(jnp.float32), jnp.int32
    )
    bits = jnp.where(known, bits, -1)

    def halve(step: Array, least: Array) -> Array:
        higher = least | (jnp.int32(1) << (30 - step))
        enough = jnp.sum(bits >= higher, dtype=jnp.int32) >= wanted
        return jnp.where(enough, higher, least)

    least = jax.lax.fori_loop(0, 31, halve, jnp.int32(0))
    above, level = bits > least, bits == least
    left = wanted - jnp.sum(above, dtype=jnp.int32)
    equal = jnp.maximum(jnp.sum(level, dtype=jnp.int32), 1)
    part = left.astype(jnp.float32) / equal.astype(jnp.float32)
    weight = jnp.where(above, 1.0, jnp.where(level, part, 0.0))
    total = jnp.sum(kept * weight) / wanted.astype(jnp.float32)
    return jnp.where(count > 0, total, 0.0)


def _by_class(logits: Float[Array, "*shape c"]) -> list[Float[Array, "*shape"]]:
    logits = logits.astype(jnp.float32)
    return [logits[..., index] for index in range(logits.shape[-1])]


def _log_sum_exp(each: list[Float[Array, "*shape"]]) -> Float[Array, "*shape"]:
    highest = each[0]
    for logit in each[1:]:
        highest = jnp.maximum(highest, logit)
    highest = jax.lax.stop_gradient(highest)
    total = sum(jnp.exp(logit - highest) for logit in each)
    return highest + jnp.log(jnp.asarray(total))
