"""Latency of whole programs: from bytes on the device to answers in source pixels.

    python bench/latency.py [--family NAME ...] [--preset NAME] [--batch N ...]
        [--dtype NAME ...] [--mode stack|stream|none ...] [--stages]
        [--baselines [NAME ...]] [--size HxW] [--device cpu|cuda] [--json PATH]
        [--quick]

Rows are named `family.mode.bBATCH.dtype/backend`; a mode of DeepSportLab is what is
asked of it. `stack` answers for windows that lie on the device, `stream` for every
frame that comes from the host, `--stages` for the parts of a window's program.
"""

import argparse
import dataclasses
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import numpy as np

from bench import baselines, beside, devices, examples, models, peaks, programs, rows
from bench import stages as parts
from bench.models import Model
from ttjax import timing
from ttjax.media import nv12
from ttjax.predictor.network import Network
from ttjax.predictor.programs import Shape, StreamPrograms
from ttjax.predictor.stream import Stream
from ttjax.typing import Variables

COLUMNS = (
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "p50_with_transfer_ms",
    "samples_per_s",
    "gflops",
    "of_matmul_peak",
    "of_copy_peak",
    "times_floor",
    "memory_mb",
    "ratio",
)
"""What is shown of a row; the file has more."""

PIXELS = {"rgb": None, "nv12": nv12.BT709}
"""How frames come from the host, by name."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """How everything is measured.

    source_hw: of whole frames. calls, seconds: of a row, the first that is reached.
    baselines: variants of PyTorch that take turns with ours.
    """

    peaks: peaks.Peaks
    source_hw: tuple[int, int] = models.FULL_HD
    calls: int = 100
    seconds: float = 20.0
    baselines: tuple[str, ...] = ()
    quick: bool = False

    def about(self, model: Model, mode: str, batch: int, dtype: str) -> dict[str, Any]:
        """How a row begins."""
        name = f"{model.label}.{mode}.b{batch}.{dtype}"
        h, w = self.source_hw
        usual = models.QUICK_HW if self.quick else models.FULL_HD
        if self.source_hw != usual:
            name += f"/{h}x{w}"
        told = rows.about("latency", name, quick=self.quick)
        return told | {"batch": batch, "dtype": dtype, "source_hw": [h, w]}

    def timed(self, call: Any) -> timing.Timing:
        """Times one call."""
        return timing.repeat(call, calls=self.calls, warmup=3, seconds=self.seconds)


def default_dtype() -> str:
    """In which a network computes here unless told."""
    return "float32" if jax.default_backend() == "cpu" else "bfloat16"


def stack(
    setting: Setting, model: Model, variables: Variables, batch: int, dtype: str
) -> dict[str, Any]:
    """One program for windows whose frames lie on the device, which take turns.

    With transfer, frames come from the host and all answers go back to it.
    """
    network = Network.of(model.task(), variables, dtype)
    given = examples.several(
        network.task, batch_size=batch, source_hw=setting.source_hw
    )
    program = programs.build(network.answer, network.variables, given[0])
    ours = timing.rotating(program, [(network.variables, each) for each in given])
    theirs, distance = {}, {}
    if setting.baselines:
        theirs, distance = beside.calls(setting.baselines, model, variables, given[0])
    took = beside.timed(ours, theirs, calls=setting.calls, seconds=setting.seconds)
    p50_ms = took[beside.OURS].p50_ms
    uploads = [examples.uploading(each) for each in given]
    del given

    def whole(upload: Any) -> Any:
        return jax.device_get(program(network.variables, upload()))

    moved = timing.repeat(
        timing.rotating(whole, [(upload,) for upload in uploads]),
        calls=max(1, setting.calls // 4),
        warmup=1,
        seconds=setting.seconds / 4,
    )
    mode = "stack" if model.family == "ttnet" else model.asked
    return {
        **setting.about(model, mode, batch, dtype),
        **took[beside.OURS].row(),
        "p50_with_transfer_ms": round(moved.p50_ms, 4),
        "samples_per_s": round(1e3 * batch / p50_ms, 2),
        **program.row(p50_ms, setting.peaks, dtype),
        **beside.row(took, distance),
    }


def stream(
    setting: Setting,
    model: Model,
    variables: Variables,
    streams: int,
    dtype: str,
    pixels: str,
) -> dict[str, Any]:
    """One frame of each stream from the host to the answers, every head at each frame.

    With transfer, all answers go back to the host.
    """
    network = Network.of(model.task(), variables, dtype)
    shape = Shape(setting.source_hw, PIXELS[pixels], streams)
    start = time.perf_counter()
    compiled = StreamPrograms(network, shape)
    step = compiled.step(masks=True)
    compile_ms = 1e3 * (time.perf_counter() - start)
    of = examples.example(network.task, batch_size=streams, source_hw=shape.size_hw)
    program = programs.of(
        step,
        compile_ms=compile_ms,
        gflop=programs.gflop(network.answer, network.variables, of),
    )
    opened = Stream(network, shape, compiled, pad_first=True, masks_every=1)
    rng = np.random.default_rng(0)
    sized = shape.frame if streams == 1 else (streams, *shape.frame)
    frames = [(examples.picture(rng, *sized),) for _ in range(network.task.window.span)]
    took = setting.timed(timing.rotating(opened.push, frames))
    fetched = timing.rotating(lambda one: jax.device_get(opened.push(one)), frames)
    moved = timing.repeat(
        fetched, calls=setting.calls // 4 + 1, seconds=setting.seconds / 4
    )
    told = setting.about(model, "stream", streams, dtype)
    first, slash, rest = told["name"].partition("/")
    return {
        **told,
        "name": f"{first}.{pixels}{slash}{rest}",
        **took.row(),
        "p50_with_transfer_ms": round(moved.p50_ms, 4),
        "frames_per_s": round(1e3 * streams / took.p50_ms, 2),
        "samples_per_s": round(1e3 * streams / took.p50_ms, 2),
        **program.row(took.p50_ms, setting.peaks, dtype),
    }


def stages(
    setting: Setting, model: Model, variables: Variables, batch: int, dtype: str
) -> Iterator[dict[str, Any]]:
    """The parts of the network, one after the other, and the shrinking of one frame."""
    network = Network.of(model.task(), variables, dtype)
    example = examples.example(
        network.task, batch_size=batch, source_hw=setting.source_hw
    )
    for stage in parts.of(network, example, setting.source_hw):
        took = setting.timed(stage)
        yield {
            **setting.about(model, f"stages.{stage.name}", batch, dtype),
            **took.row(),
            "samples_per_s": round(1e3 * batch / took.p50_ms, 2),
            **stage.program.row(took.p50_ms, setting.peaks, dtype),
        }


def measured(
    setting: Setting, model: Model, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """The rows of one model, as they come."""
    variables = models.variables(model.task())
    for dtype in options.dtype or (default_dtype(),):
        for batch in options.batch:
            if "stack" in options.mode:
                yield stack(setting, model, variables, batch, dtype)
            whole = model.asked == "all"
            if "stream" in options.mode and whole:
                for pixels in PIXELS:
                    yield stream(setting, model, variables, batch, dtype, pixels)
            if options.stages and whole:
                yield from stages(setting, model, variables, batch, dtype)


def size_hw(text: str) -> tuple[int, int]:
    """`1080x1920` as (1080, 1920).

    Raises:
        ValueError: it is written in another way.
    """
    h, w = (int(part) for part in text.split("x"))
    return h, w


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description="Latency of whole programs.")
    families = tuple(models.PRESETS)
    parser.add_argument("--family", nargs="+", choices=families, default=families)
    parser.add_argument("--preset", default="", help="a network of that family")
    parser.add_argument("--asked", nargs="+", choices=models.TABLE_4, metavar="WHAT")
    parser.add_argument("--batch", nargs="+", type=int, default=[1])
    parser.add_argument("--dtype", nargs="+", choices=peaks.DTYPES)
    modes = ("stack", "stream", "none")
    parser.add_argument("--mode", nargs="+", choices=modes, default=["stack"])
    parser.add_argument("--stages", action="store_true", help="rows of the parts, too")
    parser.add_argument("--baselines", nargs="*", metavar="NAME", help="of PyTorch")
    parser.add_argument("--size", type=size_hw, help="of whole frames, as 1080x1920")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0, help="of a row, at most")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    options = parser.parse_args(argv)
    if options.preset and len(options.family) > 1:
        parser.error(f"a preset is of one family: name it, out of {families}")
    for family in options.family:
        if options.preset and options.preset not in models.PRESETS[family]:
            known = ", ".join(models.PRESETS[family])
            parser.error(f"presets of {family} are {known}; got {options.preset}")
    if options.baselines is not None:
        there = baselines.available()
        unknown = sorted(set(options.baselines) - set(there))
        if unknown or not there:
            known = ", ".join(there) or "none: install torch"
            parser.error(f"baselines here are {known}; got {', '.join(unknown)}")
        options.baselines = options.baselines or there
    return options


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per program, and merges them into a file if asked."""
    options = arguments(argv)
    devices.use(options.device)
    quick = options.quick
    setting = Setting(
        peaks=peaks.measure(quick=quick),
        source_hw=options.size or (models.QUICK_HW if quick else models.FULL_HD),
        calls=2 if quick else options.calls,
        seconds=options.seconds,
        baselines=tuple(options.baselines or ()),
        quick=quick,
    )
    about = rows.about("latency", "peaks", quick=quick)
    found = [about | setting.peaks.row()]
    rows.table("Peaks of this device", found, tuple(setting.peaks.row()))
    for family in options.family:
        asked = options.asked or models.TABLE_4
        for what in asked if family == "deepsportlab" else ("all",):
            if what != "all" and options.preset not in ("", "nano"):
                continue
            model = Model(family, options.preset, what, quick=quick)
            for row in measured(setting, model, options):
                found.append(row)
                print(rows.line(row), flush=True)
                rows.keep(options.json, found)
    rows.table("Latency", found[1:], COLUMNS)


if __name__ == "__main__":
    main()
