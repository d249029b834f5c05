"""Accumulators for curves: every leaf is a sum.

Accumulators of two batches merge by addition, those of several hosts or devices by
`jax.lax.psum`. Made on the device, read with `float(accumulator.compute())`.
"""

from typing import TypeVar

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

AccumulatorT = TypeVar("AccumulatorT", bound="Mergeable")


class Mergeable:
    """What all accumulators share."""

    def merge(self: AccumulatorT, other: AccumulatorT) -> AccumulatorT:
        """The accumulator of both parts."""
        return jax.tree.map(jnp.add, self, other)


def _share(numerator: Array, denominator: Array) -> Float[Array, ""]:
    """The quotient, NaN where nothing was counted."""
    safe = jnp.where(denominator > 0, denominator, 1.0)
    return jnp.where(denominator > 0, numerator / safe, jnp.nan)


@flax.struct.dataclass
class Mean(Mergeable):
    """A weighted mean: sum(value * weight) / sum(weight)."""

    total: Float[Array, ""]
    weight: Float[Array, ""]

    @classmethod
    def of(cls, values: Float[Array, " n"], weights: Float[Array, " n"]) -> "Mean":
        """The mean of one batch; a value of weight 0 may be anything finite."""
        return cls(total=jnp.sum(values * weights), weight=jnp.sum(weights))

    def compute(self) -> Float[Array, ""]:
        """The mean, NaN where nothing was counted."""
        return _share(self.total, self.weight)


@flax.struct.dataclass
class RootMean(Mergeable):
    """A weighted root mean: sqrt(sum(square * weight) / sum(weight))."""

    total: Float[Array, ""]
    weight: Float[Array, ""]

    @classmethod
    def of(cls, squares: Float[Array, " n"], weights: Float[Array, " n"]) -> "RootMean":
        """Of the squared errors of one batch."""
        return cls(total=jnp.sum(squares * weights), weight=jnp.sum(weights))

    def compute(self) -> Float[Array, ""]:
        """The root of the mean, NaN where nothing was counted."""
        return jnp.sqrt(_share(self.total, self.weight))


@flax.struct.dataclass
class Ratio(Mergeable):
    """Sum of numerators / sum of denominators, such as intersections over unions."""

    numerator: Float[Array, ""]
    denominator: Float[Array, ""]

    @classmethod
    def of(
        cls, numerators: Float[Array, " n"], denominators: Float[Array, " n"]
    ) -> "Ratio":
        """The ratio of one batch, of the sums over its examples."""
        return cls(numerator=jnp.sum(numerators), denominator=jnp.sum(denominators))

    def compute(self) -> Float[Array, ""]:
        """The ratio of the sums, NaN where the denominator is 0."""
        return _share(self.numerator, self.denominator)
