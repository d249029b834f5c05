"""People drawn over RGB frames, in place: skeletons, and maps of players."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax.media import draw
from ttjax.media.draw import Colour, Frame

LIMBS = (
    (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (5, 7), (7, 9), (6, 8),
    (8, 10), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
)  # fmt: skip
"""Pairs of COCO's 17 joints that a skeleton joins."""

COLOURS: tuple[Colour, ...] = (
    (86, 156, 255),
    (255, 122, 89),
    (120, 220, 130),
    (214, 120, 255),
    (255, 200, 80),
    (80, 220, 220),
    (255, 110, 170),
    (170, 200, 70),
    (150, 130, 255),
    (240, 160, 130),
)
"""Of players, by their rows."""


def colour_of(row: int) -> Colour:
    """Of a player."""
    return COLOURS[row % len(COLOURS)]


def skeleton(
    frame: Frame,
    joints_px: Float[np.ndarray, "k 2"],
    found: Bool[np.ndarray, " k"],
    colour: Colour,
    thickness_px: int = 0,
) -> Frame:
    """Joints as dots, and lines between those that were found.

    thickness_px: of the lines; 0: after the size of the frame.
    """
    import cv2

    width = thickness_px or max(1, round(2 * draw.scale(frame)))
    for start, end in LIMBS:
        if found[start] and found[end]:
            ends = draw.fixed(joints_px[start]), draw.fixed(joints_px[end])
            cv2.line(frame, *ends, colour, width, cv2.LINE_AA, draw.FRACTION_BITS)
    for joint in np.flatnonzero(found):
        draw.circle(frame, joints_px[joint], width + 0.5, colour, -1)
    return frame


def named(
    joints: Mapping[str, Sequence[Any]], names: Sequence[str]
) -> tuple[Float[np.ndarray, "k 2"], Bool[np.ndarray, " k"]]:
    """Joints of a record, `{name: [x, y, score]}`, in the order of `names`."""
    places = [joints.get(name, (0.0, 0.0))[:2] for name in names]
    there = [name in joints for name in names]
    return np.array(places, np.float64), np.array(there, np.bool_)


def at_pixels(
    ids: Integer[np.ndarray, "hm wm"],
    size_hw: tuple[int, int],
    *,
    to_source: tuple[float, float],
    stride: float | int = 1,
) -> Integer[np.ndarray, "h w"]:
    """A map of players at each pixel of a frame: what its nearest pixel says.

    to_source: px of the frame per pixel of the map, (x, y).
    stride: the map is every `stride`-th row and column of a picture, from the first on:
        its pixel j stands at j * stride + 0.5 there, not in the middle of a block.
    """
    rows, columns = _nearest(ids, size_hw, to_source, stride)
    return ids[rows[:, None], columns[None, :]]


def tint(
    frame: Frame,
    ids: Integer[np.ndarray, "hm wm"],
    *,
    to_source: tuple[float, float],
    stride: float | int = 1,
    opacity: float = 0.4,
    colour: Colour | None = None,
) -> Frame:
    """Blends each player's colour over the pixels that are his.

    ids: 0, or the row of the player + 1. to_source, stride: as in `at_pixels`. colour:
    of all players; None: each his own.
    """
    rows, columns = _nearest(ids, frame.shape[:2], to_source, stride)
    table = np.array([colour or colour_of(row - 1) for row in range(256)], np.float32)
    # Only where there are players: most of a frame is background.
    busy = np.flatnonzero((ids > 0).any(axis=1)[rows])
    if not busy.size:
        return frame
    part = slice(busy[0], busy[-1] + 1)
    near = ids[rows[part][:, None], columns[None, :]].astype(np.int64)
    there = near > 0
    blended = (1 - opacity) * frame[part][there] + opacity * table[near[there]]
    frame[part][there] = np.rint(blended).astype(np.uint8)
    return frame


def outline(
    frame: Frame,
    ids: Integer[np.ndarray, "hm wm"],
    colour: Colour,
    *,
    to_source: tuple[float, float],
    stride: float | int = 1,
) -> Frame:
    """Draws the outermost pixels of each player; the rest as `tint` has it."""
    near = at_pixels(ids, frame.shape[:2], to_source=to_source, stride=stride)
    around = np.pad(near, 1, mode="edge")
    height, width = near.shape
    edge = np.zeros(near.shape, np.bool_)
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        edge |= around[down : down + height, right : right + width] != near
    frame[edge & (near > 0)] = colour
    return frame


def _nearest(
    ids: Integer[np.ndarray, "hm wm"],
    size_hw: tuple[int, ...],
    to_source: tuple[float, float],
    stride: float | int,
) -> tuple[Integer[np.ndarray, " h"], Integer[np.ndarray, " w"]]:
    """The row and the column of a map that are nearest to those of a frame."""
    found = []
    for size, scale, limit in zip(size_hw, to_source[::-1], ids.shape, strict=True):
        place = (np.arange(size) + 0.5) * (stride / scale)
        index = np.floor((place - 0.5) / stride + 0.5).astype(np.int64)
        found.append(index.clip(0, limit - 1))
    rows, columns = found
    return rows, columns
