"""Writes H.264 video through PyAV."""

import contextlib
import fractions
import os
import pathlib
from types import TracebackType

import numpy as np
from jaxtyping import UInt8


class VideoWriter:
    """A video file that appears under its name only when it is complete.

    Use as a context manager. Frames go to `<name>.part`; leaving the block without an
    error renames it, leaving it with one removes it.
    """

    def __init__(
        self,
        path: pathlib.Path,
        *,
        fps: float | int,
        size_hw: tuple[int, int],
        quality: int = 20,
        preset: str = "ultrafast",
        threads: int = 0,
    ):
        """`quality` is libx264's constant rate factor: 0 lossless, 51 worst.

        Raises ValueError where a side is odd: H.264 in 4:2:0 stores colour at half
        size.
        """
        import av

        height, width = size_hw
        if height % 2 or width % 2 or min(size_hw) < 2:
            raise ValueError(
                f"H.264 needs even sides of at least 2 px, got {height} x {width} "
                "(h, w): crop or resize the frames."
            )
        self.path, self._size_hw = pathlib.Path(path), tuple(size_hw)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = self.path.with_name(self.path.name + ".part")
        form = self.path.suffix.lstrip(".") or "mp4"
        self._container = av.open(str(self._partial), "w", format=form)
        rate = fractions.Fraction(fps).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate=rate)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": str(quality), "preset": preset}
        self._stream.codec_context.thread_count = threads
        self.frames = 0

    def write(self, image: UInt8[np.ndarray, "h w 3"]) -> None:
        """Appends one RGB frame; raises ValueError for another size than the first."""
        import av

        if tuple(image.shape[:2]) != self._size_hw:
            raise ValueError(
                f"All frames of {self.path} are {self._size_hw} (h, w), got "
                f"{tuple(image.shape[:2])}: open one writer per size."
            )
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts = self.frames
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Writes what the encoder still holds and gives the file its name."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        os.replace(self._partial, self.path)

    def discard(self) -> None:
        """Gives up: nothing is left of the file."""
        with contextlib.suppress(OSError, ValueError):
            self._container.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> "VideoWriter":
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes after success, discards after an error."""
        if kind is None:
            self.close()
        else:
            self.discard()
