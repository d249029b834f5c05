"""The unit in which families hand losses to the trainer."""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Float


@flax.struct.dataclass
class Term:
    """One loss per example, not reduced.

    value: the loss of each example; any finite number where `weight` is 0.
    weight: 0 where the label is unknown. The step reduces over the global batch:
        sum(value * weight) / max(sum(weight), 1).
    """

    value: Float[Array, " b"]
    weight: Float[Array, " b"]


def reduce(term: Term) -> Float[Array, ""]:
    """Weighted mean over the batch: sum(value * weight) / max(sum(weight), 1).

    Examples of weight 0 change neither it nor its gradient.
    """
    total = jnp.sum(term.value * term.weight)
    return total / jnp.maximum(jnp.sum(term.weight), 1.0)
