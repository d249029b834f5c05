"""Time and memory of a training step whose batch lies on the device.

    python bench/training.py [--family NAME ...] [--preset NAME] [--batch N ...]
        [--dtype NAME ...] [--device cpu|cuda] [--json PATH] [--quick]

The trainer's own step: augmentation, targets, losses, gradients and Adam of every head.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import jax.numpy as jnp

from bench import devices, examples, models, peaks, programs, rows
from bench.models import Model
from ttjax import timing
from ttjax.recipe import Constant, Phase, Recipe
from ttjax.sim.data import Simulation
from ttjax.train import state, step

COLUMNS = (
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "samples_per_s",
    "gflops",
    "of_matmul_peak",
    "of_copy_peak",
    "times_floor",
    "memory_mb",
    "device_peak_mb",
)
"""What is shown of a row."""

DTYPES = ("float32", "bfloat16")
"""In which networks are trained unless told: float16 would need its losses scaled."""

BATCHES = {"ttnet": 8, "deepsportlab": 4}
"""Examples in a batch unless told: the papers'."""


def row(
    model: Model,
    batch: int,
    dtype: str,
    *,
    limits: peaks.Peaks,
    calls: int,
    seconds: float,
) -> dict[str, Any]:
    """Times the steps of one network; each waits for the one before.

    seconds: no further step begins after so long.
    """
    task = model.task(dtype)
    phase = Phase(schedule=Constant())
    # The data is never opened: the batch is there.
    recipe = Recipe(task=task, data=Simulation(), phases=(phase,), batch_size=batch)
    collections = dict(models.variables(task))
    params = {
        "model": collections.pop("params"),
        "log_sigmas": recipe.weighting.init(task.loss_terms),
    }
    train = state.begin_phase(recipe, phase, params, collections, step=0, ema=None)
    # What is donated stands in one place only, in memory of its own.
    train = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), train)
    given = jax.device_put(examples.labelled(task, batch_size=batch))
    function = step.make_train_step(recipe, phase, train.params)
    half = jnp.float32(0.5)
    program = programs.build(jax.jit(function, donate_argnums=0), train, given, half)
    held = [train]
    del train

    def one() -> Any:
        held[0], metrics = program(held[0], given, half)
        return metrics

    took = timing.repeat(one, calls=calls, warmup=min(3, calls), seconds=seconds)
    about = rows.about(
        "training", f"{model.label}.train.b{batch}.{dtype}", quick=model.quick
    )
    return {
        **about,
        "batch": batch,
        "dtype": dtype,
        **took.row(),
        "samples_per_s": round(1e3 * batch / took.p50_ms, 2),
        **program.row(took.p50_ms, limits, dtype),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per network, batch and dtype, and merges them into a file."""
    parser = argparse.ArgumentParser(description="Time of a training step.")
    families = tuple(models.PRESETS)
    parser.add_argument("--family", nargs="+", choices=families, default=families)
    parser.add_argument("--preset", default="", help="a network of that family")
    parser.add_argument("--batch", nargs="+", type=int, help="8, and 4 pictures")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES)
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30.0, help="of a row, at most")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    options = parser.parse_args(argv)
    devices.use(options.device)
    quick = options.quick
    limits = peaks.measure(quick=quick)
    found = []
    for family in options.family:
        model = Model(family, options.preset, quick=quick)
        for dtype in options.dtype or DTYPES:
            for batch in options.batch or (2 if quick else BATCHES[family],):
                found.append(
                    row(
                        model,
                        batch,
                        dtype,
                        limits=limits,
                        calls=2 if quick else options.calls,
                        seconds=options.seconds,
                    )
                )
                print(rows.line(found[-1]), flush=True)
                rows.keep(options.json, found)
    rows.table("Training, batches on the device", found, COLUMNS)


if __name__ == "__main__":
    main()
