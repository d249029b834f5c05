"""Whole recordings, streamed through a model frame by frame, once, and scored."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8

from ttjax.evaluation.result import Evaluation, Scored
from ttjax.evaluation.rivals import Rival
from ttjax.pipeline import windows
from ttjax.predictor import Predictor, one_behind
from ttjax.samples import ExampleLabels, FrameLabels, Recording
from ttjax.task import Evaluator, Task

Observer = Callable[[Recording, UInt8[np.ndarray, "h w 3"], Any], None]
"""Sees every frame in order with the model's predictions on the host, or None."""

Watch = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Passes the frames of a recording on; gets their number and its name. For bars."""


def evaluate(
    predictor: Predictor,
    recordings: Iterable[Recording],
    *,
    rivals: Mapping[str, Rival] | None = None,
    observe: Observer | None = None,
    watch: Watch = lambda frames, count, name: frames,
    checkpoint: str = "",
) -> Evaluation:
    """Scores the model on every window of untrimmed recordings, in one pass.

    Memory does not grow with their length. Masks are computed only where they are
    labelled.

    rivals: scored by the same rules on the same windows.
    observe: sees every frame with its predictions, to draw them for example.

    Raises:
        ValueError: no recording, one without labels, one that is shorter than a window
            or than its labels, or one smaller than the network's view.
    """
    rivals = rivals or {}
    evaluators = {name: predictor.task.evaluator() for name in ("", *rivals)}
    start, scored = time.perf_counter(), []
    for recording in recordings:
        scored.append(
            _evaluate_one(predictor, recording, rivals, evaluators, observe, watch)
        )
    if not scored:
        raise ValueError(
            "An evaluation needs at least one labelled recording, there is none: name "
            "a directory of labelled videos."
        )
    tables = {name: evaluator.table() for name, evaluator in evaluators.items()}
    window = predictor.task.window
    return Evaluation(
        scores=tables.pop(""),
        rivals=tables,
        sampling=(
            f"all {sum(one.windows for one in scored)} of untrimmed video, one per "
            f"frame, {window.frames} frames each at stride {window.stride}"
        ),
        recordings=tuple(scored),
        seconds=time.perf_counter() - start,
        checkpoint=checkpoint,
    )


def _evaluate_one(
    predictor: Predictor,
    recording: Recording,
    rivals: Mapping[str, Rival],
    evaluators: Mapping[str, Evaluator],
    observe: Observer | None,
    watch: Watch,
) -> Scored:
    name, table, task = recording.name, recording.labels, predictor.task
    window = task.window
    if table is None:
        raise ValueError(f"An evaluation needs labels, recording {name!r} has none.")
    try:
        ends = windows.ends(table.length, window)
    except ValueError as error:
        raise ValueError(f"recording {name!r}: {error}") from error
    streams: dict[str, Any] = {"": predictor.stream(recording.size_hw)}
    streams |= {key: rival.open(recording) for key, rival in rivals.items()}
    count = 0
    frames = watch(recording.frames(), table.length, name)
    pushed = _pushed(frames, table, streams, mask_at=window.offset(window.ball_at))
    for frame, predictions in one_behind(pushed):
        host = jax.tree.map(np.asarray, predictions)
        if count >= ends[0]:
            labels = _labels(table, count, task)
            batch = jax.tree.map(lambda leaf: np.asarray(leaf)[None], labels)
            for key, evaluator in evaluators.items():
                evaluator.add(_with_masks(host[key], batch), batch, clip=name)
        if observe is not None:
            observe(recording, frame, host[""])
        count += 1
    if count < table.length:
        raise ValueError(
            f"Labels belong to frames of their video, recording {name!r} has labels "
            f"for {table.length} frames and only {count} frames: is it cut off?"
        )
    return Scored(name, count, len(ends), recording.fps, recording.size_hw)


def _pushed(
    frames: Iterable[np.ndarray],
    table: FrameLabels | ExampleLabels,
    streams: Mapping[str, Any],
    *,
    mask_at: int,
) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """The labelled frames, each with what model and rivals say of its window."""
    masked = table.masks if isinstance(table, FrameLabels) else ()
    for end, frame in zip(range(table.length), frames, strict=False):
        found = {
            name: stream.push(frame, masks=end + mask_at in masked)
            if name == ""
            else stream.push(frame)
            for name, stream in streams.items()
        }
        yield frame, found


def _labels(table: FrameLabels | ExampleLabels, end: int, task: Task) -> Any:
    if isinstance(table, FrameLabels):
        sample: Any = task.sample
        return windows.labels(table, end, sample)
    return table.example_labels(end)


def _with_masks(predictions: Any, labels: Any) -> Any:
    """Predictions with blank masks where no label asks for any.

    Evaluators look at masks only where `masks_known`, but add windows of one structure.
    """
    masks = getattr(labels, "masks", None)
    if masks is None or not masks.size:
        return predictions
    if getattr(predictions, "masks", labels) is not None:
        return predictions
    return dataclasses.replace(predictions, masks=np.zeros(masks.shape, np.float32))
