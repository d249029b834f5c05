"""A video file through a predictor: frames per second of each stage, and memory.

    python bench/video.py [--family NAME] [--preset NAME] [--dtype NAME] [--frames N]
        [--clip PATH] [--size HxW] [--device cpu|cuda] [--json PATH] [--quick]

    decode   the file read and converted to RGB, nothing else
    network  a few frames pushed from the host again and again, answers fetched
    jsonl    file to JSON Lines, as `python -m ttjax.video` does it
    overlay  the same with findings drawn and encoded besides

`of_ideal` is the rate of `jsonl` over that of decoding and network one after the other.
Without `--clip` it writes a video of its own. PyAV reads and writes.
"""

import argparse
import dataclasses
import importlib.util
import itertools
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import numpy as np
from jaxtyping import UInt8

from bench import devices, memory, models, peaks, rows
from bench.latency import default_dtype, size_hw
from bench.models import Model
from ttjax.media.reader import Reader
from ttjax.media.writer import VideoWriter
from ttjax.predictor import Predictor, one_behind
from ttjax.video import analyse

FPS = 120
"""Of the video that is made: a camera of OpenTTGames."""

EVERY = 20
"""Frames between two looks at the memory."""

ROUNDS = 2
"""Of all stages."""

COLUMNS = ("frames_per_s", "of_ideal", "frames", "memory_mb", "memory_growth_mb")
"""What is shown of a row."""

Frame = UInt8[np.ndarray, "h w 3"]


def write(path: pathlib.Path, count: int, size_hw: tuple[int, int]) -> None:
    """A still, structured picture with a camera's noise, and a ball that crosses it."""
    rng, (h, w) = np.random.default_rng(0), size_hw
    coarse = rng.integers(40, 200, (h // 24 + 1, w // 24 + 1, 3), np.uint8)
    still = coarse.repeat(24, axis=0).repeat(24, axis=1)[:h, :w].astype(np.int16)
    noise = rng.normal(0, 2, (4, h, w, 1)).astype(np.int16)
    y, x = np.mgrid[:h, :w]
    with VideoWriter(path, fps=FPS, size_hw=size_hw) as writer:
        for number in range(count):
            frame = np.clip(still + noise[number % 4], 0, 255).astype(np.uint8)
            at_x, at_y = 17 * number % w, h // 2 + h // 4 * np.sin(number / 9)
            frame[(x - at_x) ** 2 + (y - at_y) ** 2 < (h / 140) ** 2] = 255
            writer.write(frame)


@dataclasses.dataclass
class Watch:
    """Counts the frames that pass by, and looks at the memory now and then."""

    frames: int = 0
    looks_mb: list[float] = dataclasses.field(default_factory=list)

    def __call__(self, frames: Iterable[Frame], expected: int = 0) -> Iterator[Frame]:
        """The same frames."""
        for frame in frames:
            if self.frames % EVERY == 0:
                self.looks_mb.append(memory.anonymous_mb())
            self.frames += 1
            yield frame

    def row(self) -> dict[str, Any]:
        """Memory after a quarter of the file, and its growth until the end."""
        rest = self.looks_mb[len(self.looks_mb) // 4 :]
        return {
            "frames": self.frames,
            "memory_mb": round(rest[0], 1),
            "memory_growth_mb": round(rest[-1] - rest[0], 1),
        }


def measured(
    predictor: Predictor, clip: pathlib.Path, *, frames: int, out: pathlib.Path
) -> dict[str, dict[str, Any]]:
    """The four stages of one file; the predictor has compiled before any is timed.

    Rates are the better of `ROUNDS`, memory is the last one's.

    frames: of `network`; the others take the whole file. out: for what is written.
    """
    reader = Reader(clip)
    first = list(itertools.islice(reader.frames(), 2 * predictor.task.window.span))
    _pushed(predictor, first, reader.size_hw)

    def decode(watch: Watch) -> None:
        for _ in watch(reader.frames()):
            pass

    def network(watch: Watch) -> None:
        again = itertools.islice(itertools.cycle(first), frames)
        _pushed(predictor, watch(again), reader.size_hw)

    def jsonl(watch: Watch) -> None:
        analyse.analyse(clip, predictor, out, overlay=False, watch=watch)

    def overlay(watch: Watch) -> None:
        analyse.analyse(clip, predictor, out, watch=watch)

    found: dict[str, dict[str, Any]] = {}
    # In turns, so that a busy moment of the machine meets more than one stage.
    for _ in range(ROUNDS):
        for stage in (decode, network, jsonl, overlay):
            told = _timed(stage)
            before = found.get(stage.__name__, told)["frames_per_s"]
            told["frames_per_s"] = max(told["frames_per_s"], before)
            found[stage.__name__] = told
    spent_s = sum(1 / found[name]["frames_per_s"] for name in ("decode", "network"))
    ideal = found["jsonl"]["frames_per_s"] * spent_s
    found["jsonl"]["of_ideal"] = round(ideal, 4)
    return found


def _timed(stage: Callable[[Watch], None]) -> dict[str, Any]:
    watch, start = Watch(), time.perf_counter()
    stage(watch)
    taken_s = time.perf_counter() - start
    return {"frames_per_s": round(watch.frames / taken_s, 2), **watch.row()}


def _pushed(
    predictor: Predictor, frames: Iterable[Frame], size_hw: tuple[int, int]
) -> None:
    """Every answer fetched while the next is computed, as for a file."""
    stream = predictor.stream(size_hw)
    for answer in one_behind(stream.push(frame) for frame in frames):
        jax.device_get(answer)


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per stage, and merges them into a file if asked."""
    parser = argparse.ArgumentParser(description="A video file through a predictor.")
    families = tuple(models.PRESETS)
    parser.add_argument("--family", choices=families, default="ttnet")
    parser.add_argument("--preset", default="nano", help="a network of that family")
    parser.add_argument("--dtype", choices=peaks.DTYPES)
    parser.add_argument("--clip", type=pathlib.Path, help="instead of a made video")
    parser.add_argument("--frames", type=int, default=1000, help="of the made video")
    parser.add_argument("--size", type=size_hw, help="of whole frames, as 1080x1920")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    options = parser.parse_args(argv)
    if importlib.util.find_spec("av") is None:
        parser.error("videos are read and written through PyAV: pip install av")
    devices.use(options.device)
    quick = options.quick
    model = Model(options.family, options.preset, quick=quick)
    dtype = options.dtype or default_dtype()
    frames = min(options.frames, 60) if quick else options.frames
    source_hw = options.size or (models.QUICK_HW if quick else models.FULL_HD)
    with tempfile.TemporaryDirectory(prefix="ttjax-bench-") as folder:
        clip = options.clip
        if clip is None:
            clip = pathlib.Path(folder) / "made.mp4"
            write(clip, frames, source_hw)
        task = model.task()
        predictor = Predictor(task, models.variables(task), dtype=dtype)
        out = pathlib.Path(folder) / "out"
        stages = measured(predictor, clip, frames=frames, out=out)
    found = []
    for stage, told in stages.items():
        name = f"{model.label}.video.{stage}.{dtype}"
        about = rows.about("video", name, quick=quick)
        found.append(about | {"dtype": dtype, "source_hw": list(source_hw)} | told)
    rows.table("A video file, frames per second", found, COLUMNS)
    rows.keep(options.json, found)


if __name__ == "__main__":
    main()
