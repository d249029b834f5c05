"""How many windows a device answers for in a second, batch by batch to saturation.

    python bench/throughput.py [--family NAME ...] [--preset NAME] [--kind KIND ...]
        [--batch N ...] [--dtype NAME ...] [--device cpu|cuda] [--json PATH] [--quick]

    stacks   windows on the device, each with frames of its own
    frames   full-HD frames on the device, which consecutive windows share
    host     the same frames, brought from the host as bytes
    streams  live videos that are pushed together, a frame of each from the host

Programs are started without waiting for the one before; the last of a run is waited
for. Every head answers; what goes back from `host` and `streams` is all but masks.
"""

import argparse
import collections
import dataclasses
import functools
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import numpy as np

from bench import devices, examples, models, peaks, programs, rows
from bench.latency import default_dtype, size_hw
from bench.models import Model
from ttjax import timing
from ttjax.media import nv12
from ttjax.predictor import programs as predictor
from ttjax.predictor.network import Network
from ttjax.predictor.programs import Shape, StreamPrograms
from ttjax.predictor.stream import Stream

LIVE_FPS = 120
"""Frames per second of a camera of OpenTTGames."""

BATCHES = tuple(2**power for power in range(10))
"""The sweep; it ends where two doublings in a row gain less than `GAIN`."""

GAIN = 1.05
"""Factor of the best rate so far."""

AHEAD = 2
"""Programs that are under way while another is started."""

COLUMNS = (
    "p50_ms",
    "samples_per_s",
    "live_streams_120fps",
    "gflops",
    "of_matmul_peak",
    "of_copy_peak",
    "times_floor",
    "memory_mb",
)
"""What is shown of a row."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """How everything is measured.

    runs: of `length` programs each; no further run begins after `seconds`.
    """

    peaks: peaks.Peaks
    model: Model
    dtype: str
    source_hw: tuple[int, int]
    runs: int = 10
    length: int = 8
    seconds: float = 10.0

    @functools.cached_property
    def network(self) -> Network:
        """The network, once for all batches."""
        task = self.model.task()
        return Network.of(task, models.variables(task), self.dtype)

    def timed(
        self,
        start: Callable[[], Any],
        finish: Callable[[Any], Any] = jax.block_until_ready,
    ) -> timing.Timing:
        """Time of one program in a run of them.

        start: starts one and gives what `finish` waits for.
        """

        def run() -> None:
            under_way: collections.deque[Any] = collections.deque()
            for _ in range(self.length):
                under_way.append(start())
                if len(under_way) > AHEAD:
                    finish(under_way.popleft())
            while under_way:
                finish(under_way.popleft())

        took = timing.repeat(run, calls=self.runs, warmup=1, seconds=self.seconds)
        return timing.Timing(0.0, took.calls_ms / self.length)

    def row(
        self, kind: str, batch: int, took: timing.Timing, program: programs.Program
    ) -> dict[str, Any]:
        """What was measured of one batch."""
        name = f"{self.model.label}.{kind}.b{batch}.{self.dtype}"
        return {
            **rows.about("throughput", name, quick=self.model.quick),
            "batch": batch,
            "dtype": self.dtype,
            "source_hw": list(self.source_hw),
            **took.row(),
            "samples_per_s": round(1e3 * batch / took.p50_ms, 2),
            **program.row(took.p50_ms, self.peaks, self.dtype),
        }


def stacks(setting: Setting, batch: int) -> dict[str, Any]:
    """Windows on the device, each with frames of its own."""
    network = setting.network
    given = examples.several(
        network.task, batch_size=batch, source_hw=setting.source_hw, most=2
    )
    program = programs.build(network.answer, network.variables, given[0])
    pairs = [(network.variables, each) for each in given]
    took = setting.timed(timing.rotating(program, pairs))
    return setting.row("stacks", batch, took, program)


def frames(setting: Setting, batch: int) -> dict[str, Any]:
    """A video on the device: each program answers for as many windows as new frames."""
    program, answer = _bulk(setting, batch)
    video = [(jax.device_put(each),) for each in _parts(setting, batch)]
    took = setting.timed(timing.rotating(answer, video))
    return setting.row("frames", batch, took, program)


def host(setting: Setting, batch: int) -> dict[str, Any]:
    """A video on the host: the same with an upload before and a download behind."""
    program, answer = _bulk(setting, batch)

    def start(part: np.ndarray) -> Any:
        return _leaving(answer(jax.device_put(part)))

    video = [(each,) for each in _parts(setting, batch)]
    took = setting.timed(timing.rotating(start, video), jax.device_get)
    return setting.row("host", batch, took, program)


def streams(setting: Setting, batch: int) -> dict[str, Any]:
    """Live videos in step, a frame of each as NV12 from the host at every push."""
    network = setting.network
    shape = Shape(setting.source_hw, nv12.BT709, batch)
    begin = time.perf_counter()
    compiled = StreamPrograms(network, shape)
    step = compiled.step(masks=True)
    compile_ms = 1e3 * (time.perf_counter() - begin)
    one = examples.example(network.task, batch_size=1, source_hw=setting.source_hw)
    gflop = batch * programs.gflop(network.answer, network.variables, one)
    program = programs.of(step, compile_ms=compile_ms, gflop=gflop)
    opened = Stream(network, shape, compiled, pad_first=True, masks_every=1)
    rng = np.random.default_rng(0)
    sized = shape.frame if batch == 1 else (batch, *shape.frame)
    given = [(examples.picture(rng, *sized),) for _ in range(3)]

    def start(pushed: np.ndarray) -> Any:
        return _leaving(opened.push(pushed))

    took = setting.timed(timing.rotating(start, given), jax.device_get)
    row = setting.row("streams", batch, took, program)
    return row | {"live_streams_120fps": round(row["samples_per_s"] / LIVE_FPS, 2)}


KINDS = {"stacks": stacks, "frames": frames, "host": host, "streams": streams}
"""What is measured, by name."""


def sweep(
    measure: Callable[[int], dict[str, Any]], batches: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Rows of growing batches, until the rate stands still or memory ends.

    It stands still where two batches in a row gain less than `GAIN` on the best.
    """
    best, waited = 0.0, 0
    for batch in batches:
        try:
            row = measure(batch)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            print(f"note: a batch of {batch} is more than memory holds", flush=True)
            return
        yield row
        waited = 0 if row["samples_per_s"] > GAIN * best else waited + 1
        best = max(best, row["samples_per_s"])
        if waited == 2:
            return


def _parts(setting: Setting, batch: int) -> list[np.ndarray]:
    """Frames of a video, as many in a part as windows are answered for at once."""
    rng = np.random.default_rng(0)
    sized = (batch, *setting.source_hw, 3)
    return [examples.picture(rng, *sized) for _ in range(2)]


def _bulk(
    setting: Setting, batch: int
) -> tuple[programs.Program, Callable[[Any], Any]]:
    """The program for consecutive frames, and a call that remembers those before."""
    network = setting.network
    span = network.task.window.span
    (h, w), rng = setting.source_hw, np.random.default_rng(1)
    before = jax.device_put(examples.picture(rng, span - 1, h, w, 3))
    tail = jax.jit(functools.partial(predictor.seen, network))(before)
    part = jax.ShapeDtypeStruct((batch, h, w, 3), np.uint8)
    answered = functools.partial(predictor.windows, network, masks=True)
    jitted = jax.jit(answered, donate_argnums=1)
    program = programs.build(jitted, network.variables, tail, part)
    held = [tail]

    def answer(part: Any) -> Any:
        held[0], predictions = program(network.variables, held[0], part)
        return predictions

    return program, answer


def _leaving(predictions: Any) -> Any:
    """All but the masks, on their way to the host; masks are computed and stay."""
    if getattr(predictions, "masks", None) is not None:
        predictions = dataclasses.replace(predictions, masks=None)
    for leaf in jax.tree.leaves(predictions):
        leaf.copy_to_host_async()
    return predictions


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per batch and the best of each kind; merges them into a file."""
    parser = argparse.ArgumentParser(description="Windows answered for in a second.")
    families = tuple(models.PRESETS)
    parser.add_argument("--family", nargs="+", choices=families, default=["ttnet"])
    parser.add_argument("--preset", default="", help="a network of that family")
    kinds = tuple(KINDS)
    parser.add_argument("--kind", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--batch", nargs="+", type=int, help="instead of the sweep")
    parser.add_argument("--dtype", nargs="+", choices=peaks.DTYPES)
    parser.add_argument("--size", type=size_hw, help="of whole frames, as 1080x1920")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a row, at most")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    options = parser.parse_args(argv)
    devices.use(options.device)
    quick = options.quick
    limits = peaks.measure(quick=quick)
    found, best = [], []
    for family in options.family:
        model = Model(family, options.preset, quick=quick)
        for dtype in options.dtype or (default_dtype(),):
            setting = Setting(
                peaks=limits,
                model=model,
                dtype=dtype,
                source_hw=options.size
                or (models.QUICK_HW if quick else models.FULL_HD),
                runs=2 if quick else 10,
                length=3 if quick else 8,
                seconds=options.seconds,
            )
            batches = options.batch or ((1, 2) if quick else BATCHES)
            for kind in options.kind:
                measure = functools.partial(KINDS[kind], setting)
                swept = []
                for row in sweep(measure, batches):
                    swept.append(row)
                    print(rows.line(row), flush=True)
                    rows.keep(options.json, [row])
                best += [max(swept, key=lambda row: row["samples_per_s"])]
                found += swept
    rows.table("Throughput by batch", found, COLUMNS)
    rows.table("Throughput at saturation", best, COLUMNS)


if __name__ == "__main__":
    main()
