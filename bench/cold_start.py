"""Time from the start of a process to its first answer, with a warm cache.

    python bench/cold_start.py [--family NAME ...] [--preset NAME] [--dtype NAME]
        [--size HxW] [--device cpu|cuda] [--json PATH] [--quick]

Two processes, one after the other, load weights from a file and answer for one window
of frames from the host; the first fills a compilation cache, the second is measured.
What the interpreter, the imports and the device take counts.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import numpy as np

from bench import devices, examples, models, peaks, rows
from bench.latency import default_dtype, size_hw
from bench.models import Model
from ttjax import caches
from ttjax.predictor import Predictor
from ttjax.typing import Variables

ANSWERED = "answered"
"""The line that a process prints when the answer is there."""

ROOT = pathlib.Path(__file__).resolve().parents[1]


def save(path: pathlib.Path, variables: Variables) -> None:
    """Writes weights as one file of arrays, named by their "/"-joined paths."""
    leaves = jax.tree_util.tree_flatten_with_path(variables)[0]
    np.savez(path, **{_name(key): leaf for key, leaf in leaves})


def load(path: pathlib.Path) -> Variables:
    """The inverse of `save`."""
    found: dict[str, Any] = {}
    with np.load(path) as arrays:
        for name in arrays.files:
            *folders, leaf = name.split("/")
            place = found
            for folder in folders:
                place = place.setdefault(folder, {})
            place[leaf] = arrays[name]
    return found


def answer(
    model: Model, path: pathlib.Path, source_hw: tuple[int, int], dtype: str
) -> Any:
    """What a fresh process does: everything up to the answer for one window."""
    caches.keep_compilations()
    predictor = Predictor(model.task(), load(path), dtype=dtype)
    count = predictor.task.window.frames
    frames = examples.picture(np.random.default_rng(0), count, *source_hw, 3)
    return jax.device_get(predictor.predict(frames))


def seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """From the start of a process to the line `ANSWERED`.

    Raises:
        RuntimeError: it ends without.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == ANSWERED:
                took = time.perf_counter() - start
                process.communicate()
                return took
    raise RuntimeError(
        f"A process prints {ANSWERED!r} when it has answered, this one ended with "
        f"{process.returncode}: read what it wrote above."
    )


def row(model: Model, source_hw: tuple[int, int], dtype: str) -> dict[str, Any]:
    """Times the second of two processes."""
    with tempfile.TemporaryDirectory(prefix="ttjax-bench-") as folder:
        weights = pathlib.Path(folder) / "weights.npz"
        save(weights, models.variables(model.task()))
        platform = "cuda" if jax.default_backend() == "gpu" else jax.default_backend()
        environment = os.environ | {"XDG_CACHE_HOME": folder}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        command = [sys.executable, "-m", "bench.cold_start", "--answer", str(weights)]
        command += ["--family", model.family, "--preset", model.preset]
        command += ["--dtype", dtype, "--device", platform]
        command += ["--size", "x".join(map(str, source_hw))]
        command += ["--quick"] if model.quick else []
        first_s, second_s = (seconds(command, environment) for _ in range(2))
        cached_mb = caches.megabytes(pathlib.Path(folder) / "ttjax")
    name = f"{model.label}.cold_start.b1.{dtype}"
    return {
        **rows.about("cold_start", name, quick=model.quick),
        "dtype": dtype,
        "source_hw": list(source_hw),
        "cold_start_ms": round(1e3 * second_s, 1),
        "without_cache_ms": round(1e3 * first_s, 1),
        "cache_mb": round(cached_mb, 2),
    }


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per network, and merges them into a file if asked."""
    parser = argparse.ArgumentParser(description="From process start to an answer.")
    families = tuple(models.PRESETS)
    parser.add_argument("--family", nargs="+", choices=families, default=families)
    parser.add_argument("--preset", default="", help="a network of that family")
    parser.add_argument("--dtype", choices=peaks.DTYPES)
    parser.add_argument("--size", type=size_hw, help="of whole frames, as 1080x1920")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small, to try")
    parser.add_argument("--answer", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    source_hw = options.size or (models.QUICK_HW if options.quick else models.FULL_HD)
    if options.answer is not None:
        if options.device == "cpu":
            jax.config.update("jax_platforms", "cpu")
        model = Model(options.family[0], options.preset, quick=options.quick)
        answer(model, options.answer, source_hw, options.dtype)
        print(ANSWERED, flush=True)
        return
    devices.use(options.device)
    found = []
    for family in options.family:
        model = Model(family, options.preset, quick=options.quick)
        found.append(row(model, source_hw, options.dtype or default_dtype()))
        rows.keep(options.json, found)
    columns = ("cold_start_ms", "without_cache_ms", "cache_mb")
    rows.table("Start of a process to its first answer", found, columns)


if __name__ == "__main__":
    main()
