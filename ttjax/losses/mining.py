"""Which examples of a batch teach: the hardest, by their losses as they stand."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from ttjax.losses.term import Term


def check_share(share: float) -> None:
    """Checks a share of examples.

    Raises:
        ValueError: it is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(
            f"The share of examples that are kept is above 0 and at most 1, got "
            f"{share}: 1 keeps all."
        )


def hardest(term: Term, share: float) -> Term:
    """Online hard-example mining: weight 0 for all but the hardest labelled examples.

    Of n examples with a weight above 0 the ceil(share * n) with the largest values keep
    their weight, and those that tie with the last of them, so that the order of a batch
    plays no part. Gradients flow through the values of those kept alone; which these
    are has none. A value that is not a number is kept: what is wrong stays in sight.
    Shrivastava et al. (2016), who mine regions, with examples in their place.

    share: static, above 0 and at most 1; 1 gives the term as it is.

    Raises:
        ValueError: another share.
    """
    check_share(share)
    if share == 1:
        return term
    labelled = term.weight > 0
    values = jax.lax.stop_gradient(term.value)
    ranked = jnp.sort(jnp.where(labelled, values, -jnp.inf), descending=True)
    count = _counts(len(values), share)[jnp.sum(labelled)]
    # Not `>=`: beside a NaN both are false, and it is to be kept.
    easier = values < ranked[jnp.maximum(count - 1, 0)]
    return Term(value=term.value, weight=jnp.where(easier, 0.0, term.weight))


def _counts(most: int, share: float) -> Int32[Array, " {most}+1"]:
    """How many are kept of 0, 1, ... `most` examples."""
    # Rounded before: in binary a tenth of thirty is a little more than three.
    kept = [math.ceil(round(share * count, 9)) for count in range(most + 1)]
    return jnp.array(kept, jnp.int32)
