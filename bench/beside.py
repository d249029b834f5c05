"""Our program beside PyTorch's, timed in turns and checked against each other."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench import baselines, examples
from bench.models import Model
from ttjax import timing
from ttjax.typing import Variables

OURS = "ours"
"""Our name among those of the variants."""

Calls = dict[str, Callable[[], Any]]
"""What takes turns, by name."""


def calls(
    names: Sequence[str], model: Model, variables: Variables, example: Any
) -> tuple[Calls, dict[str, float]]:
    """A call of every variant, and how far each one's raw outputs are from ours.

    Both sides get the same weights and the same example; the distance is the greatest
    of any number, and ours are computed in float32. Variants that cannot be built are
    left out with a line that says why.
    """
    config = model.task().config
    seen = examples.with_own_frames(example)
    truth = _outputs(model, variables, example)
    found: Calls = {}
    distance: dict[str, float] = {}
    for name in names:
        try:
            made = baselines.build(name, model.family, config, variables, seen)
            theirs = made.outputs()
        # Whatever fails in a compiler of PyTorch's must not lose the other rows.
        except Exception as error:
            told = " ".join(str(error).split())[:200]
            print(f"note: {name} is left out: {told}", file=sys.stderr, flush=True)
            continue
        found[name] = made.call
        distance[name] = round(_apart(truth, theirs), 6)
    return found, distance


def timed(
    ours: Callable[[], Any], theirs: Calls, *, calls: int, seconds: float
) -> dict[str, timing.Timing]:
    """All in turns: blocks of some calls each, shorter ones where a call takes long.

    seconds: of each, about.
    """
    once_ms = timing.repeat(ours, calls=1, warmup=1).p50_ms
    block = int(np.clip(500 / once_ms, 1, 5))
    return timing.interleaved(
        {OURS: ours, **theirs},
        rounds=max(1, calls // block),
        block=block,
        warmup=2,
        seconds=seconds * (1 + len(theirs)),
    )


def row(took: dict[str, timing.Timing], distance: dict[str, float]) -> dict[str, Any]:
    """Ratios of medians, ours over theirs, with their times; empty without any."""
    theirs = {name: of for name, of in took.items() if name != OURS}
    if not theirs:
        return {}
    return {
        "ratio": {
            name: round(took[OURS].p50_ms / of.p50_ms, 4) for name, of in theirs.items()
        },
        "baseline_ms": {name: round(of.p50_ms, 4) for name, of in theirs.items()},
        "baseline_difference": distance,
    }


def _outputs(model: Model, variables: Variables, example: Any) -> dict[str, np.ndarray]:
    task = model.task()

    def raw(variables: Variables, example: Any) -> Any:
        inputs = task.inputs(example, None, jnp.float32(1.0))
        return task.config.model.apply(variables, inputs)

    told = jax.jit(raw)(variables, example)
    leaves = jax.tree_util.tree_flatten_with_path(told)[0]
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf)
        for path, leaf in leaves
    }


def _apart(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """The greatest difference of what both have."""
    return max(
        float(np.abs(ours[name].astype(np.float64) - value).max())
        for name, value in theirs.items()
        if name in ours
    )
