"""A video through a predictor: every frame once, in order, with all that is found."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Float, UInt8

from ttjax.predictor import Predictor
from ttjax.video.merger import Merger

Item = TypeVar("Item")

_MASKS = "masks as an array"
"""A name that no JSON record has; taken out again before a record is given."""


@dataclasses.dataclass(frozen=True)
class Annotated:
    """A frame and its complete record.

    record: `{"frame": n, …}` with JSON values; None for what no window speaks of.
    masks: probabilities of this frame where they were asked for.
    """

    number: int
    frame: UInt8[np.ndarray, "h w 3"]
    record: dict[str, Any]
    masks: Float[np.ndarray, "hm wm m"] | None = None


def annotate(
    predictor: Predictor,
    frames: Iterable[UInt8[np.ndarray, "h w 3"]],
    size_hw: tuple[int, int],
    *,
    masks_every: int = 0,
) -> Iterator[Annotated]:
    """Every frame of a video with its record, as soon as that is complete.

    At most one window's span of frames is held, however long the video is.

    Raises:
        ValueError: a frame of another size, or one smaller than the network's view.
    """
    window = predictor.task.window
    stream = predictor.stream(size_hw, masks_every=masks_every)
    merger = Merger(window.span - 1)
    waiting: collections.deque[np.ndarray] = collections.deque()

    def complete(record: dict[str, Any]) -> Annotated:
        masks = record.pop(_MASKS, None)
        return Annotated(record["frame"], waiting.popleft(), record, masks)

    pushed = ((frame, stream.push(frame)) for frame in frames)
    for frame, predictions in one_behind(pushed):
        waiting.append(frame)
        findings: list[tuple[int, dict[str, Any]]] = []
        if predictions is not None:
            host = jax.tree.map(np.asarray, predictions)
            findings = list(predictor.task.records(host)[0])
            masks = getattr(host, "masks", None)
            if masks is not None:
                findings.append((window.offset(window.ball_at), {_MASKS: masks[0]}))
        for record in merger.add(findings):
            yield complete(record)
    for record in merger.finish():
        yield complete(record)


def one_behind(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each given once the next has been made.

    The device works on the newest while the host is busy with the one before.
    """
    waiting: collections.deque[Item] = collections.deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting
