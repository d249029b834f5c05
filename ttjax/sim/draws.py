"""Many small random draws from one call of the generator: quick to compile."""

import math

import jax
from jaxtyping import Array, Float

from ttjax.typing import PRNGKey


class Uniforms:
    """`count` uniform numbers in [0, 1) that are handed out once each, in order."""

    def __init__(self, key: PRNGKey, count: int):
        """Consumes `key`."""
        self._values = jax.random.uniform(key, (count,))
        self._next = 0

    def take(
        self, *shape: int, low: float = 0.0, high: float = 1.0
    ) -> Float[Array, "..."]:
        """The next numbers, as an array of this shape, between `low` and `high`.

        Raises ValueError when none are left.
        """
        size = math.prod(shape)
        start, self._next = self._next, self._next + size
        if self._next > len(self._values):
            raise ValueError(
                f"{len(self._values)} numbers were drawn, {self._next} are asked for: "
                "raise `count`."
            )
        return low + (high - low) * self._values[start : self._next].reshape(shape)
