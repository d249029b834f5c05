"""How the losses of several tasks become one number.

Three objects with one face: `init(names)` gives the trainable parameters, and
`total(values, valid, log_sigmas)` the weighted sum. `values` are the reduced losses,
`valid` is False (or 0) for a term whose total weight is 0: such a term drops out
altogether.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Shaped

LogSigmas = Mapping[str, Any]
"""Term name -> log sigma, a float32 scalar; empty for weightings that learn nothing."""


def _kept(
    value: Float[Array, ""], valid: Shaped[Array, ""]
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """The value, 0 where it drops out, and whether it stays."""
    stays = jnp.asarray(valid) != 0
    return jnp.where(stays, value, 0.0), stays


@dataclasses.dataclass(frozen=True)
class LearntSigmas:
    """Homoscedastic uncertainty: sum of L / sigma^2 + log sigma (TTNet, Eq. 6).

    Each sigma settles where sigma^2 = 2 L, so that every term weighs alike. `floor`
    bounds sigma from below and with it the weight 1 / sigma^2 of a loss that goes to 0:
    below it a sigma counts as `floor`, and only a loss that asks for a larger sigma
    moves it.
    """

    floor: float = 0.05

    def __post_init__(self):
        """Checks the floor."""
        if not self.floor > 0:
            raise ValueError(
                f"The floor of a sigma is positive, got {self.floor}: try `floor=0.05`."
            )

    def init(self, names: Sequence[str]) -> dict[str, Float[Array, ""]]:
        """Every sigma at 1."""
        return {name: jnp.zeros((), jnp.float32) for name in names}

    def total(
        self, values: Mapping[str, Any], valid: Mapping[str, Any], log_sigmas: LogSigmas
    ) -> Float[Array, ""]:
        """Eq. 6 over the terms in `values`; one that is not valid adds nothing."""
        total = jnp.zeros((), jnp.float32)
        for name, value in values.items():
            if name not in log_sigmas:
                raise ValueError(
                    f"Every loss term needs a learnt sigma; {name!r} has none among "
                    f"{sorted(log_sigmas)}: pass it to `init`."
                )
            loss, stays = _kept(value, valid[name])
            log_sigma = self._bounded(log_sigmas[name], loss)
            term = loss * jnp.exp(-2.0 * log_sigma) + log_sigma
            total = total + jnp.where(stays, term, 0.0)
        return total

    def _bounded(
        self, log_sigma: Float[Array, ""], loss: Float[Array, ""]
    ) -> Float[Array, ""]:
        """Log sigma from the floor upwards, with the gradient of a projection."""
        floor = math.log(self.floor)
        bounded = jnp.maximum(jax.lax.stop_gradient(log_sigma), floor)
        # Straight through, so that a sigma that slipped below the floor can come back,
        # except where the gradient points further down: there it would drift away
        # unseen.
        pushes_down = (log_sigma <= floor) & (2.0 * loss <= self.floor**2)
        slope = log_sigma - jax.lax.stop_gradient(log_sigma)
        return bounded + jnp.where(pushes_down, 0.0, slope)


@dataclasses.dataclass(frozen=True)
class Fixed:
    """Weights chosen by hand (TTNet, Table 9): sum of weight * L."""

    weights: Mapping[str, float]

    def init(self, names: Sequence[str]) -> dict[str, Float[Array, ""]]:
        """Nothing to learn; checks that every term has a weight."""
        missing = [name for name in names if name not in self.weights]
        if missing:
            raise ValueError(
                f"Every loss term needs a weight; {missing} have none among "
                f"{sorted(self.weights)}: add them to `Fixed`."
            )
        return {}

    def total(
        self, values: Mapping[str, Any], valid: Mapping[str, Any], log_sigmas: LogSigmas
    ) -> Float[Array, ""]:
        """The weighted sum of the valid terms."""
        del log_sigmas
        self.init(list(values))
        total = jnp.zeros((), jnp.float32)
        for name, value in values.items():
            total = total + self.weights[name] * _kept(value, valid[name])[0]
        return total


@dataclasses.dataclass(frozen=True)
class Sum:
    """The plain sum of the losses."""

    def init(self, names: Sequence[str]) -> dict[str, Float[Array, ""]]:
        """Nothing to learn."""
        del names
        return {}

    def total(
        self, values: Mapping[str, Any], valid: Mapping[str, Any], log_sigmas: LogSigmas
    ) -> Float[Array, ""]:
        """The sum of the valid terms."""
        del log_sigmas
        total = jnp.zeros((), jnp.float32)
        for name, value in values.items():
            total = total + _kept(value, valid[name])[0]
        return total
