"""Recordings in OpenTTGames' layout, with their labels."""

import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from ttjax.formats import openttgames, openttgames_events
from ttjax.media.reader import Reader
from ttjax.pipeline.recording import VideoRecording
from ttjax.samples import UNKNOWN, FrameLabels


class MaskFiles(Mapping[int, np.ndarray]):
    """Frame number -> 0/1 masks, read from disk when asked for."""

    def __init__(self, folder: pathlib.Path):
        """Lists the folder; one that does not exist is empty."""
        self._paths = openttgames.mask_files(folder)

    def __getitem__(self, frame: int) -> np.ndarray:
        """The masks of a frame."""
        return openttgames.read_mask(self._paths[frame])

    def __iter__(self) -> Iterator[int]:
        """Labelled frames, ascending."""
        return iter(self._paths)

    def __len__(self) -> int:
        """Number of labelled frames."""
        return len(self._paths)

    def __contains__(self, frame: object) -> bool:
        """Whether a frame is labelled; reads nothing."""
        return frame in self._paths


def recordings(root: pathlib.Path) -> Iterator[VideoRecording]:
    """All clips of a directory, by name; nothing is decoded yet but one frame of each.

    Raises:
        FileNotFoundError: there is no such directory, or no clip in it.
        ValueError: labels without a video, or that break the format.
    """
    for files in openttgames.find_clips(root):
        yield of_files(files)


def of_files(files: openttgames.ClipFiles) -> VideoRecording:
    """One clip. Frames without a ball label are unknown; so are events without a file.

    Events come from the first file that tells of them, as in the built records
    (`ttjax.formats.openttgames_events.find`).

    Raises:
        ValueError: labels of frames that the video does not have, or of another clip.
    """
    reader = Reader(files.video)
    balls = openttgames.read_balls(files.balls)
    events = openttgames_events.find(files.balls.parent, balls)
    masks = MaskFiles(files.masks)
    frames = [balls.frames, *events.values(), np.array(list(masks), np.int64)]
    last = max((int(at[-1]) for at in frames if len(at)), default=-1)
    length = reader.frame_count if reader.frame_count_exact else last + 1
    if last >= length:
        raise ValueError(
            f"Labels belong to frames of their video, {files.name!r} has labels up to "
            f"frame {last} and {length} frames: they belong to another cut of it."
        )
    xy_px = np.zeros((length, 2), np.float32)
    state = np.full(length, UNKNOWN, np.int8)
    xy_px[balls.frames], state[balls.frames] = balls.xy_px, balls.state
    table = FrameLabels(xy_px, state, events, masks, openttgames.MASKS)
    return VideoRecording(files.name, reader, table)
