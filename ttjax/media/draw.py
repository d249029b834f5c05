"""Findings drawn over RGB frames, in place.

Positions are continuous px (pixel i spans [i, i + 1)); cv2 counts from pixel centres,
so that every position is drawn at xy - 0.5, to 1/16 px. Sizes follow the height of the
frame.
"""

import collections
import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Num, UInt8

Colour = tuple[int, int, int]
Frame = UInt8[np.ndarray, "h w 3"]
Number = float | int
Point = Num[np.ndarray, "2"] | tuple[Number, Number]

BALL: Colour = (255, 214, 64)
INK: Colour = (245, 245, 245)
SHADE: Colour = (18, 22, 30)
PALETTE: tuple[Colour, ...] = (
    (86, 156, 255),
    (255, 122, 89),
    (120, 220, 130),
    (214, 120, 255),
    (255, 200, 80),
    (80, 220, 220),
)
"""Colours of event kinds and mask classes, in the order of their names."""

FRACTION_BITS = 4
"""Of the coordinates that cv2 is given."""
_UNIT = 1 << FRACTION_BITS


def circle(
    frame: Frame,
    xy_px: Point,
    radius_px: Number,
    colour: Colour = BALL,
    thickness_px: int = 2,
) -> Frame:
    """A ring around a point; a filled disc where `thickness_px` is -1."""
    import cv2

    cv2.circle(
        frame,
        fixed(xy_px),
        round(radius_px * _UNIT),
        colour,
        thickness_px,
        cv2.LINE_AA,
        FRACTION_BITS,
    )
    return frame


def cross(
    frame: Frame,
    xy_px: Point,
    radius_px: Number,
    colour: Colour = INK,
    thickness_px: int = 1,
) -> Frame:
    """A diagonal cross around a point; its middle, half as wide, is left open."""
    import cv2

    for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        near, far = (
            (xy_px[0] + x * reach, xy_px[1] + y * reach)
            for reach in (radius_px / 2, radius_px)
        )
        ends = fixed(near), fixed(far)
        cv2.line(frame, *ends, colour, thickness_px, cv2.LINE_AA, FRACTION_BITS)
    return frame


def trail(
    frame: Frame,
    points: Sequence[Point | None],
    colour: Colour = BALL,
) -> Frame:
    """A line through past positions, oldest first, fainter towards the oldest.

    None is a frame without a ball: the line is broken there.
    """
    import cv2

    size, count = scale(frame), max(len(points) - 1, 1)
    for index, (start, end) in enumerate(itertools.pairwise(points)):
        if start is None or end is None:
            continue
        strength = (index + 1) / count
        # Blending towards the picture below keeps the line from hiding it.
        ends = fixed(start), fixed(end)
        width = max(1, round(3 * size * strength))
        reach = np.array([*start, *end], np.float64).reshape(2, 2)
        region = _around(frame, reach.min(axis=0), reach.max(axis=0), 2 * width + 2)
        before = frame[region].copy()
        cv2.line(frame, *ends, colour, width, cv2.LINE_AA, FRACTION_BITS)
        _blend(frame, region, before, 0.25 + 0.65 * strength)
    return frame


def mask(
    frame: Frame,
    classes: Num[np.ndarray, "hm wm m"],
    colours: Sequence[Colour] = PALETTE,
    opacity: Number = 0.4,
) -> Frame:
    """Blends class colours over the picture; `classes` are shares at any size."""
    import cv2

    height, width = frame.shape[:2]
    for index in range(classes.shape[-1]):
        share = np.clip(classes[..., index].astype(np.float32), 0, 1)
        share = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
        rows = np.flatnonzero(share.max(axis=1) > 0.02)
        if not rows.size:
            continue
        part = slice(rows[0], rows[-1] + 1)
        weight = (opacity * share[part])[..., None]
        colour = np.array(colours[index % len(colours)], np.float32)
        frame[part] = np.rint(frame[part] * (1 - weight) + weight * colour)
    return frame


def outline(
    frame: Frame,
    classes: Num[np.ndarray, "hm wm m"],
    colours: Sequence[Colour] = PALETTE,
    thickness_px: int = 1,
) -> Frame:
    """Draws the borders of classes that are 0 or 1, at any size, in their colours."""
    import cv2

    height, width = frame.shape[:2]
    for index in range(classes.shape[-1]):
        inside = (classes[..., index] > 0).astype(np.uint8)
        inside = cv2.resize(inside, (width, height), interpolation=cv2.INTER_NEAREST)
        lines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        colour = colours[index % len(colours)]
        cv2.drawContours(frame, lines, -1, colour, thickness_px)
    return frame


def text(
    frame: Frame,
    words: str,
    xy_px: Point,
    colour: Colour = INK,
    size: Number = 1.0,
) -> Frame:
    """Words with a dark rim, their left lower corner at `xy_px`."""
    import cv2

    x, y = round(xy_px[0]), round(xy_px[1])
    size = scale(frame) * size
    face, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(size))
    # Bolder letters are wider, so that the rim is the same letters all around.
    rim = max(1, round(1.5 * size))
    around = [*itertools.product((-rim, 0, rim), repeat=2)]
    for ink, places in ((SHADE, around), (colour, [(0, 0)])):
        for right, down in places:
            place = x + right, y + down
            cv2.putText(
                frame, words, place, face, 0.62 * size, ink, thickness, cv2.LINE_AA
            )
    return frame


def bars(
    frame: Frame,
    probabilities: Mapping[str, Any],
    colours: Sequence[Colour] = PALETTE,
) -> Frame:
    """A panel in the left lower corner with one horizontal bar of 0..1 per name."""
    import cv2

    if not probabilities:
        return frame
    size = scale(frame)
    row, left, width = round(26 * size), round(16 * size), round(150 * size)
    label = round(110 * size)
    top = frame.shape[0] - left - row * len(probabilities)
    corner = np.array([left * 0.5, top - row * 0.25])
    end = np.array([left * 1.5 + label + width, frame.shape[0] - left * 0.5])
    region = _around(frame, corner, end, 0)
    before = frame[region].copy()
    frame[region] = SHADE
    _blend(frame, region, before, 0.65)
    for index, (name, value) in enumerate(probabilities.items()):
        colour = colours[index % len(colours)]
        low = top + row * index
        text(frame, name, (left, low + 0.72 * row), size=0.8)
        start, floor = left + label, low + round(0.7 * row)
        ceiling, full = low + round(0.3 * row), left + label + width
        cv2.rectangle(frame, (start, ceiling), (full, floor), (70, 76, 88), -1)
        reach = start + round(width * float(np.clip(value, 0, 1)))
        if reach > start:
            cv2.rectangle(frame, (start, ceiling), (reach, floor), colour, -1)
    return frame


def flash(frame: Frame, name: str, strength: Number, colour: Colour, row: int) -> Frame:
    """An event's name on a plate in the right upper corner, of opacity `strength`."""
    import cv2

    size = scale(frame)
    height, width = round(44 * size), round(170 * size)
    margin = round(16 * size)
    top = margin + row * (height + margin // 2)
    left = frame.shape[1] - margin - width
    region = _around(frame, (left, top), (left + width, top + height), 0)
    before = frame[region].copy()
    frame[region] = colour
    words = name.upper()
    (wide, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 0.62 * size, 1)
    text(frame, words, (left + (width - wide) / 2, top + 0.66 * height))
    _blend(frame, region, before, 0.9 * strength)
    return frame


@dataclasses.dataclass
class Overlay:
    """Draws what is known of each frame of a video, in time order.

    trail_frames: how long the ball's path stays.
    flash_frames: how long an event's name stays.
    """

    trail_frames: int = 16
    flash_frames: int = 12
    _points: Any = dataclasses.field(init=False, repr=False)
    _ages: dict[str, int] = dataclasses.field(init=False, repr=False)

    def __post_init__(self):
        """Begins with no past."""
        self._points = collections.deque(maxlen=self.trail_frames)
        self._ages = {}

    def draw(
        self,
        frame: Frame,
        number: int,
        *,
        ball_xy_px: Point | None = None,
        events: Sequence[str] = (),
        probabilities: Mapping[str, Any] | None = None,
        masks: Num[np.ndarray, "hm wm m"] | None = None,
    ) -> Frame:
        """The frame, drawn over in place; a read-only one is copied first.

        ball_xy_px: None where no ball is seen.
        events: kinds that happen in this frame.
        probabilities: one bar each, in this order.
        """
        frame = frame if frame.flags.writeable else frame.copy()
        if masks is not None:
            mask(frame, masks)
        self._points.append(ball_xy_px)
        if ball_xy_px is None:
            trail(frame, tuple(self._points))
        else:
            size = scale(frame)
            with _kept(frame, ball_xy_px, 11 * size):
                trail(frame, tuple(self._points))
            circle(frame, ball_xy_px, 11 * size, SHADE, max(2, round(4 * size)))
            circle(frame, ball_xy_px, 11 * size, BALL, max(1, round(2 * size)))
        bars(frame, probabilities or {})
        self._ages = {name: age + 1 for name, age in self._ages.items()}
        self._ages |= dict.fromkeys(events, 0)
        names = list(probabilities or self._ages)
        for row, (name, age) in enumerate(self._ages.items()):
            strength = 1 - age / self.flash_frames
            if strength > 0:
                index = names.index(name) if name in names else row
                flash(frame, name, strength, PALETTE[index % len(PALETTE)], row)
        margin = 16 * scale(frame)
        return text(frame, f"frame {number}", (margin, 2 * margin), size=0.9)


def scale(frame: Frame) -> Number:
    """Size of strokes and letters, 1 at a height of 720 px."""
    return max(frame.shape[0] / 720, 0.25)


def fixed(xy_px: Any) -> tuple[int, int]:
    """cv2's fixed-point coordinates of a point; its pixel 0 has its centre at 0."""
    x, y = (round((float(value) - 0.5) * _UNIT) for value in xy_px)
    return x, y


@contextlib.contextmanager
def _kept(frame: Frame, xy_px: Point, radius_px: Number) -> Iterator[None]:
    """What is drawn meanwhile leaves a disc as it was: nothing may hide the ball."""
    point = np.asarray(xy_px, np.float64)
    region = _around(frame, point, point, radius_px)
    before = frame[region].copy()
    yield
    inside = np.zeros(frame.shape, np.uint8)
    inside = circle(inside, xy_px, radius_px, (1, 1, 1), -1)[region].astype(np.bool_)
    frame[region] = np.where(inside, before, frame[region])


def _around(frame: Frame, low: Any, high: Any, margin: Number) -> tuple[slice, slice]:
    """The part of the frame that holds a box and its margin."""
    height, width = frame.shape[:2]
    left, top = (max(0, int(value - margin)) for value in low)
    right, bottom = (int(np.ceil(value + margin)) + 1 for value in high)
    return slice(min(top, height), max(0, min(bottom, height))), slice(
        min(left, width), max(0, min(right, width))
    )


def _blend(
    frame: Frame, region: tuple[slice, slice], before: np.ndarray, opacity: Number
) -> None:
    after = frame[region].astype(np.float32)
    frame[region] = np.rint(before + (after - before) * opacity).astype(np.uint8)
