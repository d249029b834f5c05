"""Overlay videos, written while the frames pass by."""

import pathlib
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ttjax.media.writer import VideoWriter
from ttjax.samples import Recording
from ttjax.task import Task
from ttjax.video.comparison import Comparison, labelled
from ttjax.video.overlay import Painter, even_hw
from ttjax.video.stream import Annotated, Annotator


class Recorder:
    """An overlay video of one recording; complete when the block is left without error.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(
        self, path: pathlib.Path, *, fps: float | int, size_hw: tuple[int, int]
    ):
        """Opens the file; the video has the sides of the source, rounded to even."""
        self.path = path
        self._painter = Painter()
        self._writer = VideoWriter(path, fps=fps, size_hw=even_hw(size_hw))

    def push(self, found: Annotated) -> None:
        """The next frame."""
        for picture in self._painter.push(found):
            self._writer.write(picture)

    def __enter__(self) -> "Recorder":
        """The recorder itself."""
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Draws the last frames, then closes; discards the file after an error."""
        if kind is None:
            for picture in self._painter.finish():
                self._writer.write(picture)
        self._writer.__exit__(kind, error, trace)


class Findings:
    """An overlay video of what is found in one recording, from predictions."""

    def __init__(self, stem: pathlib.Path, task: Task, recording: Recording):
        """Opens `<stem>.mp4`.

        Raises:
            OSError: it cannot be written.
        """
        self.path = stem.with_name(f"{stem.name}.mp4")
        self._annotator = Annotator(task)
        self._recorder = Recorder(
            self.path, fps=recording.fps, size_hw=recording.size_hw
        )

    def push(self, frame: UInt8[np.ndarray, "h w 3"], predictions: Any) -> None:
        """The next frame, and the predictions of the window that it ends, or None."""
        for found in self._annotator.push(frame, predictions):
            self._recorder.push(found)

    def __enter__(self) -> "Findings":
        """The findings themselves."""
        self._recorder.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Draws the last frames, then closes; discards the file after an error."""
        if kind is None:
            for found in self._annotator.finish():
                self._recorder.push(found)
        self._recorder.__exit__(kind, error, trace)


class Observer:
    """Draws the first recordings of an evaluation while it runs.

    A context manager, and an observer as `ttjax.evaluation.evaluate` takes it. Of
    scenes the truth is drawn beside what is found.
    """

    def __init__(self, directory: pathlib.Path, task: Task, *, limit: int = 1):
        """`limit`: so many recordings get an overlay `<directory>/<name>.mp4`.

        Of a recording of one picture it is `<name>.png`.
        """
        self.paths: list[pathlib.Path] = []
        self._directory, self._task, self._limit = directory, task, limit
        self._name: str | None = None
        self._drawn: Findings | Comparison | None = None

    def __call__(
        self,
        recording: Recording,
        frame: UInt8[np.ndarray, "h w 3"],
        predictions: Any,
    ) -> None:
        """The next frame of a recording; recordings come one after the other."""
        if recording.name != self._name:
            self._close()
            self._name = recording.name
            if len(self.paths) < self._limit:
                stem = self._directory / recording.name.replace("/", "_")
                compares = labelled(recording, 0, frame) is not None
                kind = Comparison if compares else Findings
                opened = kind(stem, self._task, recording)
                self.paths.append(opened.path)
                self._drawn = opened.__enter__()
        if self._drawn is not None:
            self._drawn.push(frame, predictions)

    def __enter__(self) -> "Observer":
        """The observer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Completes the last overlay, or discards it after an error."""
        if kind is None:
            self._close()
        elif self._drawn is not None:
            self._drawn.__exit__(kind, error, trace)

    def _close(self) -> None:
        if self._drawn is not None:
            self._drawn.__exit__(None, None, None)
        self._drawn = None
