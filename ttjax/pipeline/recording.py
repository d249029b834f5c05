"""Labelled video files as recordings."""

import dataclasses
from collections.abc import Iterator
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from ttjax.formats import tracknet
from ttjax.media.reader import Reader
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, FrameLabels

Hidden = Literal["absent", "unknown"]
"""What a ball is that its labels mark as not visible."""


@dataclasses.dataclass(frozen=True)
class VideoRecording:
    """A labelled video file as `ttjax.samples.Recording`."""

    name: str
    reader: Reader
    labels: FrameLabels

    @property
    def fps(self) -> float:
        """Mean frame rate."""
        return self.reader.fps

    @property
    def size_hw(self) -> tuple[int, int]:
        """Of its frames."""
        return self.reader.size_hw

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """RGB frames in order, read lazily."""
        return self.reader.frames()


def of_clip(entry: tracknet.Entry, hidden: Hidden) -> VideoRecording:
    """A clip with its labels; nothing is decoded yet but one frame.

    Raises: LabelError: the labels are malformed or have another number of rows than the
        video
            has frames.
    """
    reader = Reader(entry.video)
    count = reader.frame_count if reader.frame_count_exact else None
    track = tracknet.read(entry.labels, size_hw=reader.size_hw, frames=count)
    return VideoRecording(entry.name, reader, frame_labels(track, hidden))


def frame_labels(track: tracknet.Track, hidden: Hidden) -> FrameLabels:
    """A track as the labels of a recording: no events, no masks."""
    other = ABSENT if hidden == "absent" else UNKNOWN
    state = np.where(track.visible, VISIBLE, other).astype(np.int8)
    return FrameLabels(track.xy_px, state)
