"""Samples, frames and rallies per second of the simulator.

    python bench/simulator.py [--what NAME ...] [--batch N ...] [--variety V]
        [--stacks N] [--seconds S] [--device cpu|cuda] [--json PATH] [--quick]

`stack`: batches of nine frames at 320 x 128 with nine of a 320 x 128 crop in full
resolution and all labels, as training takes them; on a CPU as many threads as cores.
`rally`: play alone, many rallies at once.
"""

import argparse
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import jax.numpy as jnp

from bench import devices, rows
from ttjax import timing
from ttjax.samples import ClipSpec, Window
from ttjax.sim import camera as rigs
from ttjax.sim import data, rally
from ttjax.sim.sample import Hall

COLUMNS = (
    "p50_ms",
    "p90_ms",
    "samples_per_s",
    "rally_seconds_per_s",
    "compile_ms",
)
"""What is shown of a row."""
WHAT = ("stack", "rally")
RALLY_S = 10
"""Length of a rally."""


def _spec(*, quick: bool) -> ClipSpec:
    size = (32, 64) if quick else (128, 320)
    return ClipSpec(
        window=Window(2 if quick else 9),
        frame_hw=size,
        canvas_hw=size,
        events=("bounce", "net"),
        masks=("table", "humans", "scoreboard"),
    )


def hall(variety: float, stacks: int) -> Hall:
    """All rigs, sizes and rates where there is variety, else the one of OpenTTGames."""
    tiled = jax.default_backend() == "cpu"
    if variety == 0.0:
        return Hall(tiled=tiled, stacks_per_hall=stacks)
    return Hall(
        sizes=((1080, 1920), (720, 1280), (360, 640)),
        rigs=rigs.RIGS,
        fps=(25.0, 240.0),
        variety=variety,
        tiled=tiled,
        stacks_per_hall=stacks,
    )


def stack(
    batch: int,
    variety: float,
    stacks: int,
    *,
    threads: int,
    calls: int,
    seconds: float,
    quick: bool,
) -> dict[str, Any]:
    """Times batches of training samples, each of new halls."""
    halls, spec = hall(variety, stacks), _spec(quick=quick)
    run = data.renderer(spec, halls)
    threads = threads if halls.tiled and (batch // stacks) % threads == 0 else 1
    keys = jax.random.split(jax.random.key(0), batch // stacks // threads)
    start = time.perf_counter()
    run.compile(keys)
    compile_ms = 1e3 * (time.perf_counter() - start)
    source = data.Generator(
        run,
        prepare=run.compile,
        batch_size=batch,
        stream=0,
        seed=0,
        threads=threads,
        per_key=stacks,
    )
    took = timing.repeat(source.next_batch, calls=calls, warmup=1, seconds=seconds)
    name = f"simulator.stack.b{batch}" + (".varied" if variety else "")
    return {
        **rows.about("simulator", name, quick=quick),
        "batch": batch,
        "variety": variety,
        "stacks_per_hall": stacks,
        "threads": threads,
        **took.row(),
        "compile_ms": round(compile_ms, 1),
        "samples_per_s": round(1e3 * batch / took.p50_ms, 2),
    }


def rallies(
    batch: int, variety: float, *, calls: int, seconds: float, quick: bool
) -> dict[str, Any]:
    """Times rallies without a picture."""
    steps = round(rally.CONTROL_HZ * (1 if quick else RALLY_S))
    keys = jax.random.split(jax.random.key(0), batch)

    def play(keys, variety):
        return jax.vmap(lambda key: rally.simulate(key, steps, variety=variety))(keys)

    given = (keys, jnp.float32(variety))
    start = time.perf_counter()
    program = jax.jit(play).lower(*given).compile()
    compile_ms = 1e3 * (time.perf_counter() - start)
    took = timing.repeat(
        lambda: program(*given), calls=calls, warmup=1, seconds=seconds
    )
    length = steps / rally.CONTROL_HZ
    return {
        **rows.about("simulator", f"simulator.rally.b{batch}", quick=quick),
        "batch": batch,
        "variety": variety,
        **took.row(),
        "compile_ms": round(compile_ms, 1),
        "samples_per_s": round(1e3 * batch / took.p50_ms, 2),
        "rally_seconds_per_s": round(1e3 * batch * length / took.p50_ms, 1),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per batch, and merges them into a file."""
    parser = argparse.ArgumentParser(description="Speed of the simulator.")
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT)
    parser.add_argument("--batch", nargs="+", type=int, help="16 samples, 256 rallies")
    parser.add_argument("--variety", type=float, default=1.0, help="0 to 1")
    parser.add_argument("--stacks", type=int, default=4, help="of each rally")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0, help="of a row, at most")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    options = parser.parse_args(argv)
    devices.use(options.device)
    quick, stacks = options.quick, options.stacks
    calls = 2 if quick else options.calls
    limits = {"calls": calls, "seconds": options.seconds, "quick": quick}
    found = []
    for what in options.what:
        usual = {"stack": stacks if quick else 16, "rally": 2 if quick else 256}
        for batch in options.batch or (usual[what],):
            if what == "stack" and batch % stacks:
                parser.error(f"--batch {batch} is not a multiple of --stacks {stacks}")
            row = (
                stack(batch, options.variety, stacks, threads=options.threads, **limits)
                if what == "stack"
                else rallies(batch, options.variety, **limits)
            )
            found.append(row)
            print(rows.line(row), flush=True)
            rows.keep(options.json, found)
    rows.table("Simulator", found, COLUMNS)


if __name__ == "__main__":
    main()
