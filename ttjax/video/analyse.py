"""A video file in; `frames.jsonl`, `overlay.mp4` and COCO's results out."""

import contextlib
import dataclasses
import itertools
import json
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ttjax.formats import coco_results
from ttjax.media import reader
from ttjax.predictor import Predictor
from ttjax.video import people, stream
from ttjax.video.recorder import Recorder

SCHEMA = 1
"""Of `frames.jsonl`; raised with every change that breaks its readers."""

FRAMES, OVERLAY, COCO = "frames.jsonl", "overlay.mp4", "coco_results.json"

MASKS_PER_SECOND = 30
"""Masks change slowly; more often than so they are not computed."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """What was written. `overlay` and `coco` are None where not asked for.

    truncated: in so many frames there was more than the model has room for.
    """

    frames: int
    seconds: float
    jsonl: pathlib.Path
    overlay: pathlib.Path | None
    coco: pathlib.Path | None = None
    truncated: int = 0


def analyse(
    clip: pathlib.Path | str,
    predictor: Predictor,
    out: pathlib.Path | str,
    *,
    checkpoint: str = "",
    overlay: bool = True,
    masks: bool = False,
    coco: bool = False,
    watch: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, _: items,
) -> Summary:
    """Analyses a video in one pass; memory does not grow with its length.

    The first line of `frames.jsonl` is `{"schema", "fps", "size_hw", "checkpoint"}`.
    Each further line is one frame, all frames in order: `{"frame": n, …}` with the
    fields of the task's records, null where no window speaks of that frame.

    masks: computes masks and draws them into the overlay.
    coco: writes people with masks and joints to `coco_results.json`, as
        `ttjax.formats.coco_results` has them; the number of a frame is its `image_id`.
    watch: gets the frames that come and their expected number; for progress bars.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is no video or damaged; the lines before the damage stay.
        ValueError: it is shorter than a stack, or smaller than the network's view; or
            COCO's results of a family that does not look for people.
    """
    video = reader.Reader(pathlib.Path(clip))
    predictor.task.sample.check_frame(video.size_hw)
    out = pathlib.Path(out)
    window, start = predictor.task.window, time.perf_counter()
    frames = iter(video.frames())
    first = list(itertools.islice(frames, window.span))
    if len(first) < window.span:
        raise ValueError(
            f"A video holds at least one stack of {window.frames} frames at stride "
            f"{window.stride}, that is {window.span} frames, {str(clip)!r} has "
            f"{len(first)}: give a longer one."
        )
    # A generator of the first frames lets go of each one that it has given.
    frames = itertools.chain((first.pop(0) for _ in range(window.span)), frames)
    every = max(1, round(video.fps / MASKS_PER_SECOND)) if masks else 0
    found = stream.annotate(
        predictor,
        watch(frames, video.frame_count),
        video.size_hw,
        masks_every=every,
    )
    header = {
        "schema": SCHEMA,
        "fps": video.fps,
        "size_hw": list(video.size_hw),
        "checkpoint": checkpoint,
    }
    out.mkdir(parents=True, exist_ok=True)
    count = truncated = 0
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context((out / FRAMES).open("w", encoding="utf-8"))
        lines.write(json.dumps(header) + "\n")
        drawn = results = None
        if overlay:
            opened = Recorder(out / OVERLAY, fps=video.fps, size_hw=video.size_hw)
            drawn = stack.enter_context(opened)
        if coco:
            results = stack.enter_context(coco_results.Writer(out / COCO))
        for each in found:
            lines.write(json.dumps(each.record, allow_nan=False) + "\n")
            if results is not None:
                results.write(people.coco(each))
            if drawn is not None:
                drawn.push(each)
            count += 1
            truncated += bool(each.record.get("truncated"))
    return Summary(
        frames=count,
        seconds=time.perf_counter() - start,
        jsonl=out / FRAMES,
        overlay=out / OVERLAY if overlay else None,
        coco=out / COCO if coco else None,
        truncated=truncated,
    )


def rate_note(metadata: Mapping[str, Any], fps: float | int) -> str | None:
    """A line for the user where a video's frame rate is not that of the training.

    metadata: of the checkpoint; its recipe's data may state `fps`.
    """
    trained = _find_fps(metadata.get("recipe", {}).get("data"))
    if trained is None:
        return None
    low, high = trained
    if low - 0.02 * low <= fps <= high + 0.02 * high:
        return None
    rates = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    return (
        f"note: this video has {fps:.4g} frames/s, the model was trained at "
        f"{rates}: balls and events move at another pace than it knows."
    )


def _find_fps(value: Any) -> tuple[float, float] | None:
    """The lowest and the highest rate that a recipe's data state."""
    if isinstance(value, Mapping):
        match value.get("fps"):
            case int() | float() as rate:
                return float(rate), float(rate)
            case [int() | float() as low, int() | float() as high]:
                return float(low), float(high)
        value = list(value.values())
    if isinstance(value, list):
        return next((f for v in value if (f := _find_fps(v)) is not None), None)
    return None
