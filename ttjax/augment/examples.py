"""A batch, one example at a time: how unbatched augmentation meets a step."""

from collections.abc import Callable
from typing import Any

import jax
from jax import lax


def each(change: Callable[..., Any], *batched: Any) -> Any:
    """`change` of every example along the leading axes; what it gives is stacked.

    At once on accelerators. On CPUs in turn: else XLA fuses the changes into whatever
    transposes their pixels afterwards, and repeats them byte by byte there (241 ms
    instead of 36 for a batch of 8 at both scales).
    """

    def at_once(*batched: Any) -> Any:
        return jax.vmap(change)(*batched)

    def in_turn(*batched: Any) -> Any:
        return lax.map(lambda one: change(*one), batched)

    return lax.platform_dependent(*batched, cpu=in_turn, default=at_once)
