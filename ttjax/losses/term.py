"""The unit in which families hand losses to the trainer."""

import flax.struct
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
