"""Programs as StableHLO: one file for CPUs and GPUs, with the weights inside."""

from collections.abc import Callable
from typing import Any

import jax
from jax import export

from ttjax.export.program import Program

PLATFORMS = ("cpu", "cuda")
"""That a file runs on, wherever it was made."""

BATCH = "b"
"""The symbol of the batch."""


def exported(program: Program) -> export.Exported:
    """The program for any batch and for `PLATFORMS`."""
    (batch,) = export.symbolic_shape(BATCH, constraints=[f"{BATCH} >= 1"])
    # Where examples share no frames, each is a program of its own: the family's code
    # then sees a batch of one, whose length is a number.
    shares = program.network.task.sample.keeps_frames
    whole = (lambda arrays: program(**arrays)) if shares else jax.vmap(_one(program))
    return export.export(jax.jit(whole), platforms=PLATFORMS)(program.inputs(batch))


def _one(program: Program) -> Callable[[Any], Any]:
    def one(arrays: Any) -> Any:
        found = program(**{name: array[None] for name, array in arrays.items()})
        return {name: array[0] for name, array in found.items()}

    return one


def serialised(program: Program) -> bytes:
    """What `jax.export.deserialize` reads; `call` takes a mapping of arrays by name."""
    return bytes(exported(program).serialize())
