"""What a learnt ball tracker must beat."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from ttjax.samples import VISIBLE, FrameLabels


@dataclasses.dataclass(frozen=True)
class BallTrack:
    """An answer for each of n frames.

    xy_px: source px; where `present` is False the place that would be answered.
    """

    xy_px: Float32[np.ndarray, "n 2"]
    present: Bool[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class Constant:
    """The ball is always there, and always where it mostly was.

    xy_share: as shares of the frame's width and height.
    """

    xy_share: tuple[float, float]

    @classmethod
    def fit(cls, tables: Iterable[tuple[FrameLabels, tuple[int, int]]]) -> "Constant":
        """The median place of all visible balls of these label tables and frame sizes.

        Raises:
            ValueError: no ball is visible.
        """
        seen = [
            table.ball_xy_px[table.ball_state == VISIBLE] / np.array(size_hw[::-1])
            for table, size_hw in tables
        ]
        if not any(map(len, seen)):
            raise ValueError(
                "A constant place is the median of visible balls, there are none: give "
                "labels of the training clips."
            )
        x, y = np.median(np.concatenate(seen), axis=0)
        return cls((float(x), float(y)))

    def track(self, length: int, size_hw: tuple[int, int]) -> BallTrack:
        """The same answer for all frames of a video."""
        place = np.array(self.xy_share) * np.array(size_hw[::-1])
        xy = np.tile(place.astype(np.float32), (length, 1))
        return BallTrack(xy, np.ones(length, np.bool_))


@dataclasses.dataclass(frozen=True)
class BackgroundSubtraction:
    """The ball is the largest small thing that moves.

    A pixel has moved where its grey value differs both from the median frame and from
    the previous frame by more than `threshold` levels of 255.

    What has moved is closed by a square first, so that the pieces of a player become
    one thing, too large for a ball. The defaults are the best of 36 tried on training
    clips of real badminton, where they found a third of the balls within 10 px; without
    the closing it was a twentieth.

    closing_px: side of that square, and
    area_px: least and greatest area of a ball, both at 1280 x 720; scaled with the
    frame.
    median_frames: so many frames, spread evenly, give the median frame.
    """

    threshold: int = 25
    closing_px: float = 11.0
    area_px: tuple[float, float] = (4.0, 60.0)
    median_frames: int = 41

    def track(
        self,
        frames: Callable[[], Iterator[UInt8[np.ndarray, "h w 3"]]],
        length: int,
    ) -> BallTrack:
        """Reads the video twice: for the median frame, then for the answers.

        A frame without any such thing is answered by the place before it, not present;
        the first frame, which has none before it, by the middle of the picture.

        Raises:
            ValueError: the video has another number of frames than `length`.
        """
        background = self._background(frames(), length)
        height, width = background.shape
        xy = np.tile(np.array([width / 2, height / 2], np.float32), (length, 1))
        present, previous, count = np.zeros(length, np.bool_), None, 0
        for frame in frames():
            now = _grey(frame)
            if count < length:
                place = None
                if previous is not None:
                    place = self._largest(now, previous, background)
                    xy[count] = xy[count - 1]
                if place is not None:
                    xy[count], present[count] = place, True
            previous, count = now, count + 1
        if count != length:
            raise ValueError(
                f"A video has as many frames as were announced, {length}, got {count}: "
                "give the length of its labels."
            )
        return BallTrack(xy, present)

    def _background(
        self, frames: Iterator[UInt8[np.ndarray, "h w 3"]], length: int
    ) -> UInt8[np.ndarray, "h w"]:
        wanted = np.linspace(0, length - 1, min(length, self.median_frames))
        numbers = set(wanted.round().astype(int).tolist())
        kept = [_grey(frame) for n, frame in enumerate(frames) if n in numbers]
        return np.median(np.stack(kept), axis=0).astype(np.uint8)

    def _largest(
        self, now: np.ndarray, previous: np.ndarray, background: np.ndarray
    ) -> np.ndarray | None:
        """Centre of the largest moving thing of a ball's size, in continuous px."""
        import cv2

        difference = cv2.min(cv2.absdiff(now, background), cv2.absdiff(now, previous))
        moving = (difference > self.threshold).astype(np.uint8)
        scale = (now.size / (1280 * 720)) ** 0.5
        square = np.ones([max(1, round(self.closing_px * scale))] * 2, np.uint8)
        moving = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, square)
        _, _, facts, centres = cv2.connectedComponentsWithStats(moving, connectivity=8)
        area = facts[:, cv2.CC_STAT_AREA] / scale**2
        low, high = self.area_px
        fits = (area >= low) & (area <= high)
        fits[0] = False  # what does not move
        if not fits.any():
            return None
        return centres[np.argmax(np.where(fits, area, -1))] + 0.5


def _grey(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    import cv2

    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
