"""Videos, read once from the first frame to the last.

Seeking costs a group of pictures each time; reading in order is faster than real time.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from ttjax.media import i420

Backend = Literal["pyav", "cv2"]

_BT601 = 5
_OTHER_MATRICES = {1, 4, 7, 9, 10}  # BT.709, FCC, SMPTE 240M, BT.2020: AVColorSpace
_LIMITED_RANGE, _FULL_RANGE = 1, 2  # AVColorRange


class VideoError(ValueError):
    """A file cannot be read as a video, or not to its end."""


@dataclasses.dataclass(frozen=True)
class Reader:
    """A video file; each call of `frames` or `planes` reads it anew, frame by frame.

    No file stays open between calls, and leaving a loop early closes it.

    path: any container and codec that FFmpeg reads.
    backend: "pyav" or "cv2"; the bytes of the two differ by a few levels (rounding of
        the colour conversion, and chroma that cv2 interpolates).
    threads: decoding threads of the "pyav" backend; 0 leaves the choice to FFmpeg.
    fps: mean frame rate.
    size_hw: of the frames that come, after a rotation that the file asks for.
    frame_count: as the container says, where it says so; else duration times rate.
    frame_count_exact: the container itself says how many frames it holds.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: the file has no video stream or not one frame that can be decoded.
            While reading: it is damaged or truncated; the frames before have come.
    """

    path: pathlib.Path
    backend: Backend = "pyav"
    threads: int = 0
    fps: float = dataclasses.field(init=False)
    size_hw: tuple[int, int] = dataclasses.field(init=False)
    frame_count: int = dataclasses.field(init=False)
    frame_count_exact: bool = dataclasses.field(init=False)

    def __post_init__(self):
        """Opens the file once and decodes one frame."""
        object.__setattr__(self, "path", pathlib.Path(self.path))
        if not self.path.is_file():
            raise FileNotFoundError(
                f"A video is a file that exists, {str(self.path)!r} is none: check it."
            )
        facts = _pyav_facts if self.backend == "pyav" else _cv2_facts
        for name, value in facts(self.path).items():
            object.__setattr__(self, name, value)

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """The same as `frames`."""
        return self.frames()

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """RGB frames in order, read lazily."""
        if self.backend == "cv2":
            yield from _cv2_frames(self.path, self.frame_count, self.fps)
            return
        height, width = self.size_hw
        for planes in self.planes():
            yield i420.to_rgb(planes)[:height, :width]

    def planes(self) -> Iterator[UInt8[np.ndarray, "rows columns"]]:
        """The decoder's own planes in order (`ttjax.media.i420`), read lazily.

        The "cv2" backend gives RGB only: there they are made from it, with a small
        loss.
        """
        with contextlib.closing(self._planes(None)) as decoded:
            for _, planes in decoded:
                yield planes

    def selected(
        self, numbers: Iterable[int]
    ) -> Iterator[tuple[int, UInt8[np.ndarray, "rows columns"]]]:
        """Number and planes of some frames, ascending; reads no further than the last.

        The frames between are decoded, as they must be, but neither copied nor
        converted.

        Raises:
            VideoError: the video ends before the last of them.
        """
        wanted = {int(number) for number in numbers}
        if not wanted:
            return
        last, came = max(wanted), -1
        with contextlib.closing(self._planes(wanted)) as decoded:
            for came, planes in decoded:
                yield came, planes
                if came == last:
                    return
        raise VideoError(
            f"A video has the frames that are asked of it, up to {last}; "
            f"{str(self.path)!r} ends before, the last of them that came is {came}: it "
            "is truncated, or the labels belong to another cut of it."
        )

    def _planes(
        self, wanted: set[int] | None
    ) -> Generator[tuple[int, UInt8[np.ndarray, "rows columns"]], None, None]:
        """Number and planes, of all frames or of the wanted ones."""
        if self.backend == "cv2":
            decoded = _cv2_frames(self.path, self.frame_count, self.fps)
            for number, rgb in enumerate(decoded):
                if wanted is None or number in wanted:
                    yield number, i420.from_rgb(rgb)
            return
        with _pyav_stream(self.path) as (container, stream):
            stream.thread_type = "AUTO"
            stream.thread_count = self.threads
            decoded = _pyav_frames(self.path, container, stream)
            for number, frame in enumerate(decoded):
                if wanted is None or number in wanted:
                    yield number, _pyav_planes(frame)


@contextlib.contextmanager
def _pyav_stream(path: pathlib.Path) -> Iterator[tuple[Any, Any]]:
    import av
    from av.error import FFmpegError

    try:
        container = av.open(str(path))
    except FFmpegError as error:
        raise VideoError(
            f"A video opens as one, {str(path)!r} does not ({error.strerror}): it is "
            "damaged, cut off before its index, or no video."
        ) from error
    with container:
        if not container.streams.video:
            raise VideoError(
                f"A video has a video stream, {str(path)!r} has none: is it all sound?"
            )
        yield container, container.streams.video[0]


def _pyav_frames(
    path: pathlib.Path, container: Any, stream: Any
) -> Generator[Any, None, None]:
    """Decoded frames; a damaged packet is an error after the frames before it."""
    from av.error import FFmpegError

    count, damaged = 0, "the data ends within a frame"
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                break
            for frame in packet.decode():
                yield frame
                count += 1
        else:
            return
    except FFmpegError as error:
        damaged = error.strerror
    raise VideoError(
        f"A video can be decoded to its end, {str(path)!r} only up to frame {count} "
        f"({damaged}): it is damaged or truncated; copy it again."
    )


def _pyav_facts(path: pathlib.Path) -> dict[str, Any]:
    with _pyav_stream(path) as (container, stream):
        frames = contextlib.closing(_pyav_frames(path, container, stream))
        with frames as decoded:
            first = next(decoded, None)
        if first is None:
            raise _no_frames(path)
        rate = stream.average_rate or stream.guessed_rate
        if not rate:
            raise VideoError(
                f"A video has a frame rate, {str(path)!r} states none: re-encode it."
            )
        turned = _quarter_turns(first) % 2
        count = stream.frames
        if not count and stream.duration:
            count = round(float(stream.duration * stream.time_base * rate))
        elif not count and container.duration:
            count = round(container.duration / 1e6 * float(rate))
        size = (first.height, first.width)
        return {
            "fps": float(rate),
            "size_hw": size[::-1] if turned else size,
            "frame_count": int(count),
            "frame_count_exact": bool(stream.frames),
        }


def _pyav_planes(frame: Any) -> UInt8[np.ndarray, "rows columns"]:
    turns = _quarter_turns(frame)
    if (
        frame.format.name != "yuv420p"
        or int(frame.colorspace) in _OTHER_MATRICES
        or int(frame.color_range) == _FULL_RANGE
    ):
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace=_BT601,
            src_color_range=frame.color_range,
            dst_color_range=_LIMITED_RANGE,
        )
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        planes.append(np.rot90(rows[:, : plane.width], turns))
    return i420.pack(*planes)


def _quarter_turns(frame: Any) -> int:
    """Counter-clockwise quarter turns that the file asks for (upright telephones)."""
    return round(frame.rotation / 90) % 4


def _cv2_facts(path: pathlib.Path) -> dict[str, Any]:
    with _cv2_capture(path) as (capture, cv2):
        ok, first = capture.read()
        if not ok:
            raise _no_frames(path)
        return {
            "fps": float(capture.get(cv2.CAP_PROP_FPS)),
            "size_hw": first.shape[:2],
            "frame_count": max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))),
            "frame_count_exact": False,
        }


@contextlib.contextmanager
def _cv2_capture(path: pathlib.Path) -> Iterator[tuple[Any, Any]]:
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise VideoError(
                f"A video opens as one, {str(path)!r} does not: it is damaged, cut off "
                "before its index, or has no video stream."
            )
        yield capture, cv2
    finally:
        capture.release()


def _cv2_frames(
    path: pathlib.Path, declared: int, fps: float
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    count = 0
    with _cv2_capture(path) as (capture, cv2):
        while True:
            ok, frame = capture.read()
            if not ok:
                break
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            count += 1
    # cv2 reports no decoding errors, and containers may state a few frames too many.
    if count < declared - fps:
        raise VideoError(
            f"A video can be decoded to its end, {str(path)!r} only up to frame "
            f"{count} of {declared}: it is damaged or truncated; copy it again."
        )


def _no_frames(path: pathlib.Path) -> VideoError:
    return VideoError(
        f"A video has frames, not one of {str(path)!r} can be decoded: it is empty or "
        "damaged."
    )
