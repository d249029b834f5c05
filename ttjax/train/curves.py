"""Curves over steps as a picture, drawn with OpenCV."""

import math
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8

Series = Sequence[tuple[float, float]]
"""Points (x, y) of a curve, in the order of x."""

COLOURS_RGB = (
    (31, 119, 180),
    (214, 39, 40),
    (44, 160, 44),
    (148, 103, 189),
    (255, 127, 14),
    (23, 190, 207),
    (140, 86, 75),
    (227, 119, 194),
    (127, 127, 127),
    (188, 189, 34),
)
INK, GRID, PAPER = (60, 60, 60), (225, 225, 225), (255, 255, 255)
MARGIN = {"left": 74, "right": 20, "top": 40, "bottom": 46}


def ticks(low: float, high: float, count: int = 6) -> list[float]:
    """About `count` round numbers (1, 2 or 5 times a power of ten) in [low, high]."""
    span = max(high - low, 1e-12)
    raw = span / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def label(value: float) -> str:
    """A tick's number, short."""
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return f"{value:.6g}"


def draw(
    series: Mapping[str, Series],
    *,
    title: str,
    x_label: str = "step",
    size_hw: tuple[int, int] = (480, 800),
) -> UInt8[np.ndarray, "h w 3"]:
    """RGB picture of the curves, with axes, ticks, grid and legend.

    Points that are not finite are left out. The y axis is logarithmic where all values
    are positive and span more than a factor of 20.
    """
    import cv2

    height, width = size_hw
    picture = np.full((height, width, 3), PAPER, np.uint8)
    left, right = MARGIN["left"], width - MARGIN["right"]
    top, bottom = MARGIN["top"], height - MARGIN["bottom"]
    curves = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in series.items()
    }
    curves = {name: points for name, points in curves.items() if points}
    values = [y for points in curves.values() for _, y in points] or [0.0, 1.0]
    steps = [x for points in curves.values() for x, _ in points] or [0.0, 1.0]
    logarithmic = min(values) > 0 and max(values) > 20 * min(values)
    ys = [math.log10(y) for y in values] if logarithmic else values
    x_range = _widened(min(steps), max(steps), 0.0)
    y_range = _widened(min(ys), max(ys), 0.05)

    def at(x: float, y: float) -> tuple[int, int]:
        across = (x - x_range[0]) / (x_range[1] - x_range[0])
        up = (y - y_range[0]) / (y_range[1] - y_range[0])
        return round(left + across * (right - left)), round(
            bottom - up * (bottom - top)
        )

    def write(text: str, anchor: tuple[int, int], align: str, scale: float = 0.42):
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        shift = {"left": 0, "centre": wide // 2, "right": wide}[align]
        corner = (anchor[0] - shift, anchor[1] + high // 2)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, text, corner, font, scale, INK, 1, cv2.LINE_AA)

    for y in ticks(*y_range):
        _, row = at(x_range[0], y)
        cv2.line(picture, (left, row), (right, row), GRID, 1)
        write(label(10**y if logarithmic else y), (left - 8, row), "right")
    for x in ticks(*x_range):
        column, _ = at(x, y_range[0])
        cv2.line(picture, (column, top), (column, bottom), GRID, 1)
        write(label(x), (column, bottom + 14), "centre")
    cv2.rectangle(picture, (left, top), (right, bottom), INK, 1)
    write(title, (width // 2, top // 2), "centre", 0.55)
    write(x_label, ((left + right) // 2, height - 12), "centre")
    for index, points in enumerate(curves.values()):
        colour = COLOURS_RGB[index % len(COLOURS_RGB)]
        corners = [at(x, math.log10(y) if logarithmic else y) for x, y in points]
        if len(corners) == 1:
            cv2.circle(picture, corners[0], 3, colour, -1, cv2.LINE_AA)
        line = np.array(corners, np.int32).reshape(-1, 1, 2)
        cv2.polylines(picture, [line], False, colour, 2, cv2.LINE_AA)
    _legend(picture, list(curves), (right, top))
    return picture


def _widened(low: float, high: float, share: float) -> tuple[float, float]:
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-3):
        return low - 0.5, high + 0.5
    return low - share * (high - low), high + share * (high - low)


def _legend(picture: np.ndarray, names: list[str], corner: tuple[int, int]) -> None:
    import cv2

    if not names:
        return
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.42
    wide = max(cv2.getTextSize(name, font, scale, 1)[0][0] for name in names)
    x, y = corner[0] - wide - 44, corner[1] + 8
    box = picture[y : y + 18 * len(names) + 6, x : corner[0] - 6]
    box[:] = (0.8 * np.array(PAPER) + 0.2 * box).astype(np.uint8)
    for index, name in enumerate(names):
        row = y + 12 + 18 * index
        colour = COLOURS_RGB[index % len(COLOURS_RGB)]
        cv2.line(picture, (x + 6, row), (x + 26, row), colour, 2, cv2.LINE_AA)
        at = (x + 32, row + 4)
        cv2.putText(picture, name, at, font, scale, INK, 1, cv2.LINE_AA)


def write(path: pathlib.Path, picture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Writes an RGB picture as PNG.

    Raises:
        OSError: the file cannot be written.
    """
    import cv2

    encoded = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1]
    path.write_bytes(encoded.tobytes())
