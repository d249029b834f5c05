"""What can be scored beside a model, by the same rules on the same windows."""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Bool, Float, UInt8

from ttjax.samples import Recording, Window


@runtime_checkable
class Stream(Protocol):
    """One video, frame by frame."""

    def push(self, frame: UInt8[np.ndarray | Array, "h w 3"]) -> Any:
        """Predictions of the family for the window that ends here; None until full."""
        ...


@runtime_checkable
class Rival(Protocol):
    """What is scored beside the model: another model, or a rule."""

    def open(self, recording: Recording) -> Stream:
        """A fresh stream for the frames of this recording, from the first one on."""
        ...


@runtime_checkable
class Track(Protocol):
    """A ball in each of n frames, such as `ttjax.pipeline.baselines.BallTrack`."""

    @property
    def xy_px(self) -> Float[np.ndarray, "n 2"]:
        """Source px."""
        ...

    @property
    def present(self) -> Bool[np.ndarray, " n"]:
        """Whether there is a ball at all."""
        ...


@dataclasses.dataclass(frozen=True)
class ByPosition:
    """A rival that says where the ball is in each frame of a recording.

    window: of the task; a window's answer is the ball of its frame `ball_at`.
    track: makes the answers; may read the recording as often as it likes.
    predictions: makes predictions of the family of one ball's xy `[1, 2]`, its presence
        `[1]` and the size of the source frame `[1, 2]`.
    """

    window: Window
    track: Callable[[Recording], Track]
    predictions: Callable[[np.ndarray, np.ndarray, np.ndarray], Any]

    def open(self, recording: Recording) -> "Positions":
        """The answers for this recording, window by window."""
        return Positions(self, recording)


class Positions:
    """The stream of `ByPosition`."""

    def __init__(self, rival: ByPosition, recording: Recording):
        """Finds all answers, then starts before the first frame."""
        self._rival, self._track = rival, rival.track(recording)
        self._source_hw = np.array([recording.size_hw], np.int32)
        self._end = -1

    def push(self, frame: UInt8[np.ndarray | Array, "h w 3"]) -> Any:
        """Predictions for the window that this frame ends; None until it is full."""
        self._end += 1
        window = self._rival.window
        if self._end < window.span - 1:
            return None
        at = self._end + window.offset(window.ball_at)
        xy_px = np.asarray(self._track.xy_px[at : at + 1], np.float32)
        present = np.asarray(self._track.present[at : at + 1])
        return self._rival.predictions(xy_px, present, self._source_hw)
