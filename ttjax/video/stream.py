"""A video through a predictor: every frame once, in order, with all that is found."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Integer, UInt8

from ttjax.media import people
from ttjax.predictor import Predictor, one_behind
from ttjax.scenes import SceneSpec
from ttjax.task import Task
from ttjax.video.merger import Merger

_MASKS, _PLAYERS = "masks as an array", "players as a map"
"""Names that no JSON record has; taken out again before a record is given."""


@dataclasses.dataclass(frozen=True)
class PlayerMap:
    """Whose each pixel of a frame is.

    ids: 0, or the row of the player + 1, at every `stride`-th row and column of the
    network's picture. to_source: px of the frame per pixel of the map, (x, y).
    """

    ids: Integer[np.ndarray, "hm wm"]
    to_source: tuple[float, float]
    stride: float | int = 1

    def at_pixels(self, size_hw: tuple[int, int]) -> Integer[np.ndarray, "h w"]:
        """The same for each pixel of the frame."""
        how = {"to_source": self.to_source, "stride": self.stride}
        return people.at_pixels(self.ids, size_hw, **how)


@dataclasses.dataclass(frozen=True)
class Annotated:
    """A frame and its complete record.

    record: `{"frame": n, …}` with JSON values; None for what no window speaks of.
    masks: probabilities of this frame where they were asked for. players: where the
    family tells players apart.
    """

    number: int
    frame: UInt8[np.ndarray, "h w 3"]
    record: dict[str, Any]
    masks: Float[np.ndarray, "hm wm m"] | None = None
    players: PlayerMap | None = None


class Annotator:
    """Collects what windows say of a video's frames, until each record is complete.

    At most one window's span of frames is held, however long the video is.
    """

    def __init__(self, task: Task):
        """Starts before the first frame."""
        self._task = task
        self._merger = Merger(task.window.span - 1)
        self._frames: collections.deque[np.ndarray] = collections.deque()

    def push(
        self, frame: UInt8[np.ndarray, "h w 3"], predictions: Any
    ) -> list[Annotated]:
        """The next frame and the predictions of the window that it ends, or None."""
        self._frames.append(frame)
        findings: list[tuple[int, dict[str, Any]]] = []
        if predictions is not None:
            host = jax.tree.map(np.asarray, predictions)
            findings = list(self._task.records(host)[0])
            masks = getattr(host, "masks", None)
            if masks is not None:
                window = self._task.window
                findings.append((window.offset(window.ball_at), {_MASKS: masks[0]}))
            ids = getattr(host, "ids", None)
            if ids is not None:
                x, y = (float(value) for value in host.to_source[0])
                players = PlayerMap(ids[0], (x, y), self._stride(ids.shape[1]))
                findings.append((0, {_PLAYERS: players}))
        return [self._complete(record) for record in self._merger.add(findings)]

    def finish(self) -> list[Annotated]:
        """The frames that still waited."""
        return [self._complete(record) for record in self._merger.finish()]

    def _stride(self, rows: int) -> float:
        """Px of the network's picture per pixel of a map whose corners are its own."""
        spec = self._task.sample
        if not isinstance(spec, SceneSpec) or rows < 2:
            return 1.0
        return (spec.image_hw[0] - 1) / (rows - 1)

    def _complete(self, record: dict[str, Any]) -> Annotated:
        masks, players = record.pop(_MASKS, None), record.pop(_PLAYERS, None)
        frame = self._frames.popleft()
        return Annotated(record["frame"], frame, record, masks, players)


def annotate(
    predictor: Predictor,
    frames: Iterable[UInt8[np.ndarray, "h w 3"]],
    size_hw: tuple[int, int],
    *,
    masks_every: int = 0,
) -> Iterator[Annotated]:
    """Every frame of a video with its record, as soon as that is complete.

    Raises:
        ValueError: a frame of another size, or one smaller than the network's view.
    """
    stream = predictor.stream(size_hw, masks_every=masks_every)
    annotator = Annotator(predictor.task)
    pushed = ((frame, stream.push(frame)) for frame in frames)
    for frame, predictions in one_behind(pushed):
        yield from annotator.push(frame, predictions)
    yield from annotator.finish()
