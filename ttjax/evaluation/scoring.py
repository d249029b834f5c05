"""Whole recordings, streamed through a model frame by frame, once, and scored."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8

from ttjax.evaluation.models import ByModel
from ttjax.evaluation.result import Evaluation, Scored
from ttjax.evaluation.rivals import Rival
from ttjax.pipeline import windows
from ttjax.predictor import Predictor, one_behind
from ttjax.samples import ClipSpec, ExampleLabels, FrameLabels, Recording, Window
from ttjax.task import Evaluator, Task

Observer = Callable[[Recording, UInt8[np.ndarray, "h w 3"], Any], None]
"""Sees every frame in order with the model's predictions on the host, or None."""

Watch = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Passes the frames of a recording on; gets their number and its name. For bars."""


@dataclasses.dataclass(frozen=True)
class _Side:
    """A model or a rule, and the evaluators of its answers by column of the table."""

    rival: Rival | ByModel
    task: Task
    evaluators: Mapping[str, Evaluator]


def evaluate(
    predictor: Predictor,
    recordings: Iterable[Recording],
    *,
    rivals: Mapping[str, Rival | ByModel] | None = None,
    others: Mapping[str, Evaluator] | None = None,
    observe: Observer | None = None,
    watch: Watch = lambda frames, count, name: frames,
    checkpoint: str = "",
) -> Evaluation:
    """Scores the model on every window of untrimmed recordings, in one pass.

    Memory does not grow with their length. Masks are computed only where they are
    labelled.

    rivals: scored by the same rules on the same windows.
    others: evaluators of the model's own answers that score something else, such as
        oracles; shown like rivals.
    observe: sees every frame with its predictions, to draw them for example.

    Raises:
        ValueError: no recording, one without labels, one that is shorter than a window
            or than its labels, or one smaller than the network's view; a recording or
            a rival of another family.
    """
    main = ByModel(predictor)
    own = {"": predictor.task.evaluator(), **(others or {})}
    sides = [_Side(main, predictor.task, own)]
    for name, rival in (rivals or {}).items():
        task = rival.predictor.task if isinstance(rival, ByModel) else predictor.task
        _check_rival(name, task, predictor.task)
        sides.append(_Side(rival, task, {name: task.evaluator()}))
    start, scored, stills = time.perf_counter(), [], True
    for recording in recordings:
        stills &= isinstance(recording.labels, ExampleLabels)
        scored.append(_evaluate_one(recording, sides, observe, watch))
    if not scored:
        raise ValueError(
            "An evaluation needs at least one labelled recording, there is none: name "
            "a directory of labelled videos, or a built data set of pictures."
        )
    tables = {
        name: evaluator.table()
        for side in sides
        for name, evaluator in side.evaluators.items()
    }
    count = sum(one.windows for one in scored)
    return Evaluation(
        scores=tables.pop(""),
        rivals=tables,
        sampling=_sampling(count, predictor.task.window, stills=stills),
        recordings=tuple(scored),
        seconds=time.perf_counter() - start,
        checkpoint=checkpoint,
        pictures=count if stills else 0,
    )


def _sampling(count: int, window: Window, *, stills: bool) -> str:
    if stills:
        return f"all {count} pictures, each by itself and as a whole"
    return (
        f"all {count} of untrimmed video, one per frame, {window.frames} frames each "
        f"at stride {window.stride}"
    )


def _check_rival(name: str, task: Task, own: Task) -> None:
    if type(task) is not type(own) or task.window != own.window:
        raise ValueError(
            "Models are scored beside each other where they are of one family and look "
            f"at the same windows, {name!r} is a {type(task).__module__} of "
            f"{task.window}, not a {type(own).__module__} of {own.window}: evaluate it "
            "by itself."
        )


def _evaluate_one(
    recording: Recording,
    sides: Sequence[_Side],
    observe: Observer | None,
    watch: Watch,
) -> Scored:
    name, table, main = recording.name, recording.labels, sides[0]
    window = main.task.window
    if table is None:
        raise ValueError(f"An evaluation needs labels, recording {name!r} has none.")
    _check_labels(name, table, main.task)
    try:
        ends = windows.ends(table.length, window)
    except ValueError as error:
        raise ValueError(f"recording {name!r}: {error}") from error
    streams = [side.rival.open(recording) for side in sides]
    count = 0
    frames = watch(recording.frames(), table.length, name)
    pushed = _pushed(
        frames, table, sides, streams, mask_at=window.offset(window.ball_at)
    )
    for frame, predictions in one_behind(pushed):
        host = jax.tree.map(np.asarray, predictions)
        if count >= ends[0]:
            _add(sides, host, table, count, name)
        if observe is not None:
            observe(recording, frame, host[0])
        count += 1
    if count < table.length:
        raise ValueError(
            f"Labels belong to frames of their video, recording {name!r} has labels "
            f"for {table.length} frames and only {count} frames: is it cut off?"
        )
    return Scored(name, count, len(ends), recording.fps, recording.size_hw)


def _check_labels(name: str, table: FrameLabels | ExampleLabels, task: Task) -> None:
    """Videos with a ball, or pictures of people: families score one of the two."""
    if isinstance(table, FrameLabels) != isinstance(task.sample, ClipSpec):
        kinds = ("pictures of people", "videos with a table of balls and events")
        has, wants = kinds if isinstance(task.sample, ClipSpec) else kinds[::-1]
        raise ValueError(
            f"A model of {type(task).__module__} is scored on {wants}, recording "
            f"{name!r} is of {has}: give other data."
        )


def _pushed(
    frames: Iterable[np.ndarray],
    table: FrameLabels | ExampleLabels,
    sides: Sequence[_Side],
    streams: Sequence[Any],
    *,
    mask_at: int,
) -> Iterator[tuple[np.ndarray, list[Any]]]:
    """The labelled frames, each with what every side says of its window."""
    masked = table.masks if isinstance(table, FrameLabels) else ()
    for end, frame in zip(range(table.length), frames, strict=False):
        found = [
            stream.push(frame, masks=end + mask_at in masked)
            if isinstance(side.rival, ByModel)
            else stream.push(frame)
            for side, stream in zip(sides, streams, strict=True)
        ]
        yield frame, found


def _add(
    sides: Sequence[_Side],
    host: Sequence[Any],
    table: FrameLabels | ExampleLabels,
    end: int,
    name: str,
) -> None:
    """One window to all evaluators; what is known of it is made once per sample."""
    known: dict[Any, Any] = {}
    for side, predictions in zip(sides, host, strict=True):
        sample: Any = side.task.sample if isinstance(table, FrameLabels) else None
        if sample not in known:
            labels = _labels(table, end, sample)
            known[sample] = jax.tree.map(lambda leaf: np.asarray(leaf)[None], labels)
        batch = known[sample]
        for evaluator in side.evaluators.values():
            evaluator.add(_with_masks(predictions, batch), batch, clip=name)


def _labels(table: FrameLabels | ExampleLabels, end: int, sample: Any) -> Any:
    if isinstance(table, FrameLabels):
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
