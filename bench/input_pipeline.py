"""How fast records become batches, and whether training waits for them.

    python -m bench.input_pipeline [PART ...] [--data DIR] [--threads N] [--quick]

Without `--data` it makes a data set up (`bench.stack_files`). Parts are `records`,
`augment` and `train_step`, by default all. Rows:

    records.jpeg.threadsN     records decoded, cut and batched, both scales
    records.cached.threadsN   the same from decoded records, memory-mapped
    augment.PRESET            the device's augmentation of a batch
    train_step.real_over_cached[.decoded]
                              time of a step fed by records (or decoded records) over
                              that of a step which gets one batch again and again
"""

import argparse
import dataclasses
import os
import pathlib
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from bench import rows, stack_files
from bench.memory import anonymous_mb
from ttjax import timing
from ttjax.pipeline.kinds import Kinds
from ttjax.pipeline.loader import Loader
from ttjax.pipeline.stack_records import StackRecords
from ttjax.recipe import Constant, Phase, Recipe
from ttjax.samples import Source
from ttjax.train import devices, state, step
from ttjax.train.prefetch import Prefetch
from ttjax.ttnet.config import PRESETS
from ttjax.ttnet.task import Task

WARMUP = 3
"""Batches, or steps, that are not timed."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is measured.

    windows: of an epoch; fewer records are taken again and again.
    seconds: no row goes on for longer.
    steps: of each training row.
    """

    data: pathlib.Path
    preset: str = "nano"
    threads: int = 2
    batch_size: int = 8
    windows: int = 4096
    seconds: float = 120.0
    steps: int = 50

    @property
    def task(self) -> Task:
        """The network that is fed."""
        return Task(config=PRESETS[self.preset]())

    def source(self, *, decoded: bool) -> Source:
        """Shuffled batches of an epoch, from decoded records or from the records."""
        data = StackRecords(self.data, cache=decoded)
        found = data.windows("train", self.task.sample, jitter=0.7, away=0.1)
        chosen = np.arange(self.windows) % len(found)
        return Loader(
            dataclasses.replace(found, chosen=chosen),
            batch_size=self.batch_size,
            seed=0,
            strata=Kinds().strata(data.index("train").kinds[chosen]),
            threads=self.threads,
        )


def loading(setting: Setting, *, decoded: bool) -> dict[str, Any]:
    """One epoch of batches, taken as fast as they come."""
    source = setting.source(decoded=decoded)
    batches = max(1, setting.windows // setting.batch_size)
    for _ in range(WARMUP):
        source.next_batch()
    memory = [anonymous_mb()]

    def take() -> None:
        source.next_batch()
        memory.append(anonymous_mb())

    took = timing.repeat(take, calls=batches, warmup=0, seconds=setting.seconds)
    quarter = memory[len(memory) // 4 :]
    kind = "cached" if decoded else "jpeg"
    return {
        **_about(f"records.{kind}.threads{setting.threads}"),
        **took.row(),
        "samples_per_s": _rate(setting, took),
        "batch_size": setting.batch_size,
        "memory_mb": round(quarter[0], 1),
        "memory_growth_mb": round(quarter[-1] - quarter[0], 1),
    }


def augmenting(setting: Setting) -> dict[str, Any]:
    """The task's augmentation, jitted, of one batch on the device."""
    batch = jax.device_put(setting.source(decoded=False).next_batch())
    took = timing.measure(
        setting.task.augment,
        jax.random.key(0),
        batch,
        calls=setting.steps,
        seconds=setting.seconds,
    )
    return {
        **_about(f"augment.{setting.preset}.{jax.default_backend()}"),
        **took.row(),
        "samples_per_s": _rate(setting, took),
        "batch_size": setting.batch_size,
    }


def training(setting: Setting) -> list[dict[str, Any]]:
    """Steps of the trainer, fed by one batch, by records and by decoded records."""
    recipe = Recipe(
        task=setting.task,
        data=StackRecords(setting.data),
        phases=(Phase(schedule=Constant()),),
        batch_size=setting.batch_size,
    )
    run = _Run(recipe)
    first = setting.source(decoded=False).next_batch()
    placed = run.placement.scatter(first)
    alone = _steps(setting, run, lambda: placed)
    found = []
    for decoded in (False, True):
        with Prefetch(
            setting.source(decoded=decoded), run.placement.scatter
        ) as batches:
            fed = _steps(setting, run, lambda batches=batches: batches.next()[0])
        name = "train_step.real_over_cached" + (".decoded" if decoded else "")
        found.append(
            {
                **_about(name),
                **fed.row(),
                "samples_per_s": _rate(setting, fed),
                "batch_size": setting.batch_size,
                "preset": setting.preset,
                "cached_p50_ms": round(alone.p50_ms, 4),
                "ratio": round(_mean_ms(fed) / _mean_ms(alone), 4),
            }
        )
    return found


class _Run:
    """The trainer's step, compiled, and the state that goes through it."""

    def __init__(self, recipe: Recipe):
        (phase,) = recipe.phases
        self.placement = devices.placement(recipe.batch_size)
        params, others = state.initial(recipe, jax.random.key(0))
        begun = state.begin_phase(recipe, phase, params, others, step=0, ema=None)
        self.state = self.placement.replicate(begun)
        everywhere, split = self.placement.everywhere, self.placement.split
        self._step, _ = devices.compile_ahead(
            step.make_train_step(recipe, phase, self.state.params),
            self.state,
            recipe.task.spec(recipe.batch_size),
            np.float32(0),
            deterministic=False,
            in_shardings=(everywhere, split, everywhere),
            out_shardings=everywhere,
            donate_argnums=0,
        )

    def step(self, batch: Any) -> Any:
        """One step; its metrics."""
        self.state, metrics = self._step(self.state, batch, np.float32(0.5))
        return metrics


def _steps(setting: Setting, run: _Run, batch: Callable[[], Any]) -> timing.Timing:
    """Each step is waited for, as is the batch before it."""
    return timing.repeat(
        lambda: run.step(batch()),
        calls=setting.steps,
        warmup=WARMUP,
        seconds=setting.seconds,
    )


def _mean_ms(took: timing.Timing) -> float:
    # A mean on purpose: where batches come late, some steps wait and others do not.
    return float(took.calls_ms.mean())


def _rate(setting: Setting, took: timing.Timing) -> float:
    return round(1e3 * setting.batch_size / _mean_ms(took), 2)


def _about(name: str) -> dict[str, Any]:
    return {
        "name": name,
        **timing.stamp(),
        "backend": jax.default_backend(),
        "load": round(os.getloadavg()[0], 2),
        "command": shlex.join(["python", "-m", "bench.input_pipeline", *sys.argv[1:]]),
    }


PARTS: dict[str, Callable[[Setting], list[dict[str, Any]]]] = {
    "records": lambda setting: [
        loading(setting, decoded=False),
        loading(setting, decoded=True),
    ],
    "augment": lambda setting: [augmenting(setting)],
    "train_step": training,
}
"""What can be measured, by name."""


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the rows of the parts that are asked for; merges them into a file."""
    parser = argparse.ArgumentParser(description="From records to training steps.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--data", type=pathlib.Path, help="prepared records")
    parser.add_argument("--records", type=int, default=256, help="to make up without")
    parser.add_argument("--windows", type=int, default=4096, help="of an epoch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="nano")
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="few records and steps")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"parts are {', '.join(PARTS)}; got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="ttjax-bench-") as folder:
        data = options.data
        if data is None:
            count = 16 if options.quick else options.records
            made = stack_files.MadeStacks()
            data = stack_files.write(pathlib.Path(folder), made, {"train": count})
        setting = Setting(
            data=data,
            preset=options.preset,
            threads=options.threads,
            batch_size=2 if options.quick else options.batch_size,
            windows=16 if options.quick else options.windows,
            steps=2 if options.quick else 50,
        )
        start = time.perf_counter()
        StackRecords(setting.data).decode("train")
        print(f"decoded in {time.perf_counter() - start:.1f} s", flush=True)
        measured = []
        for part in options.parts:
            for row in PARTS[part](setting):
                measured.append(row)
                print(rows.line(row), _more(row), flush=True)
    if options.json:
        rows.merge(options.json, measured)


def _more(row: dict[str, Any]) -> str:
    if "ratio" in row:
        return f"ratio {row['ratio']:.3f}"
    if "memory_mb" in row:
        return f"memory {row['memory_mb']:.0f} MB {row['memory_growth_mb']:+.0f}"
    return ""


if __name__ == "__main__":
    main()
