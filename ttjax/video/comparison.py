"""Findings beside the truth, drawn while an evaluation runs."""

import pathlib
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8

from ttjax.media.writer import VideoWriter
from ttjax.samples import FrameLabels, Recording
from ttjax.scenes import Scene, SceneLabels, SourceLabels
from ttjax.task import Task
from ttjax.video.overlay import even_hw

Picture = UInt8[np.ndarray, "h w 3"]


def labelled(recording: Recording, number: int, frame: Picture) -> Scene | None:
    """A frame with its labels as a batch of one scene, in px of the frame.

    None where frames are no examples of their own, or not of scenes.
    """
    table = recording.labels
    if table is None or isinstance(table, FrameLabels):
        return None
    known = table.example_labels(number)
    if not isinstance(known, SceneLabels | SourceLabels):
        return None
    return Scene(
        image=frame[None],
        valid_hw=np.array([frame.shape[:2]], np.int32),
        labels=jax.tree.map(lambda leaf: np.asarray(leaf)[None], known),
    )


class Comparison:
    """The frames of a recording with findings and labels, as the task draws them.

    A context manager: a video `<stem>.mp4`, or `<stem>.png` of a single frame, is
    complete when the block is left, and not there at all after an error.
    """

    def __init__(self, stem: pathlib.Path, task: Task, recording: Recording):
        """Starts before the first frame."""
        single = recording.labels is not None and recording.labels.length == 1
        # Not `with_suffix`: names of pictures have dots of their own.
        self.path = stem.with_name(stem.name + (".png" if single else ".mp4"))
        self._single, self._task, self._recording = single, task, recording
        self._number = 0
        self._last: Sequence[Picture] = ()
        self._video: VideoWriter | None = None

    def push(self, frame: Picture, predictions: Any) -> None:
        """The next frame and what is predicted for it.

        Raises:
            ValueError: it has no labels that could be drawn.
        """
        scene = labelled(self._recording, self._number, frame)
        if scene is None:
            raise ValueError(
                "Findings are drawn beside labels of scenes, frame "
                f"{self._number} of {self._recording.name!r} has none."
            )
        self._number += 1
        (picture,) = self._task.overlay(scene, predictions)
        if self._single:
            self._last = (picture,)
            return
        height, width = even_hw(picture.shape[:2])
        if self._video is None:
            fps = self._recording.fps
            self._video = VideoWriter(self.path, fps=fps, size_hw=(height, width))
            self._video.__enter__()
        self._video.write(picture[:height, :width])

    def __enter__(self) -> "Comparison":
        """The comparison itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Completes the file, or discards it after an error."""
        if self._video is not None:
            self._video.__exit__(kind, error, trace)
        if kind is None:
            for picture in self._last:
                _write(self.path, picture)


def _write(path: pathlib.Path, picture: Picture) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
