"""Frames as decoders keep them: a plane of luma over two of chroma at half the size.

One `[3 * h / 2, w]` array of bytes holds h rows of luma, then the U plane, then the V
plane, each of h/2 x w/2 bytes. It has half the bytes of RGB, and a region of it can be
cut and converted without touching the rest. Colours are ITU-R BT.601, limited range
(luma 16..235): `ttjax.media.reader` brings every video there. h and w are even; a frame
of an odd size repeats its last row or column.
"""

from typing import Any

import numpy as np
from jaxtyping import UInt8


def even(size_hw: tuple[int, int]) -> tuple[int, int]:
    """The size, rounded up to even numbers."""
    height, width = size_hw
    return height + height % 2, width + width % 2


def pack(
    luma: UInt8[np.ndarray, "h w"],
    u: UInt8[np.ndarray, "hc wc"],
    v: UInt8[np.ndarray, "hc wc"],
) -> UInt8[np.ndarray, "rows columns"]:
    """One array of the three planes; chroma has half the size of luma, rounded up."""
    height, width = luma.shape
    if height % 2 or width % 2:
        margin: Any = ((0, height % 2), (0, width % 2))
        luma = np.pad(luma, margin, mode="edge")
    flat = np.concatenate([luma.reshape(-1), u.reshape(-1), v.reshape(-1)])
    return flat.reshape(-1, luma.shape[1])


def unpack(
    planes: UInt8[np.ndarray, "rows columns"],
) -> tuple[
    UInt8[np.ndarray, "h w"], UInt8[np.ndarray, "hc wc"], UInt8[np.ndarray, "hc wc"]
]:
    """Views of luma, U and V.

    Raises:
        ValueError: the array is no stack of three planes.
    """
    rows, width = planes.shape
    if rows % 3 or width % 2:
        raise ValueError(
            "Planes are [3 * h / 2, w] with even h and w, got "
            f"{rows} x {width}: make them with `pack`."
        )
    height = rows // 3 * 2
    flat = planes.reshape(-1)
    chroma = flat[height * width :].reshape(2, height // 2, width // 2)
    return flat[: height * width].reshape(height, width), chroma[0], chroma[1]


def to_rgb(planes: UInt8[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "h w 3"]:
    """RGB at the (even) size of the planes; each chroma value serves 2 x 2 pixels."""
    import cv2

    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8)


def from_rgb(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "rows columns"]:
    """Planes of an RGB frame of any size; colour at half the resolution is lost."""
    import cv2

    bottom, right = rgb.shape[0] % 2, rgb.shape[1] % 2
    margin: Any = ((0, bottom), (0, right), (0, 0))
    rgb = np.pad(rgb, margin, mode="edge")
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)


def region_to_rgb(
    planes: UInt8[np.ndarray, "rows columns"], xy: tuple[int, int], hw: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a region alone: the bytes of `to_rgb(planes)[y:y + h, x:x + w]`.

    Raises:
        ValueError: the region leaves the picture.
    """
    luma, u, v = unpack(planes)
    (left, top), (height, width) = xy, hw
    inside = left >= 0 and top >= 0
    if not inside or top + height > luma.shape[0] or left + width > luma.shape[1]:
        raise ValueError(
            f"A region lies inside the picture of {luma.shape[0]} x {luma.shape[1]} "
            f"px, got {height} x {width} px at x {left}, y {top}: clamp its corner."
        )
    # Chroma is shared by 2 x 2 pixels: convert from even to even, cut afterwards.
    x0, y0 = left - left % 2, top - top % 2
    y1, x1 = even((top + height, left + width))
    halves = slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2)
    part = pack(luma[y0:y1, x0:x1], u[halves], v[halves])
    return to_rgb(part)[top - y0 :, left - x0 :][:height, :width]


def area_to_rgb(
    planes: UInt8[np.ndarray, "rows columns"],
    source_hw: tuple[int, int],
    hw: tuple[int, int],
) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of the whole picture, downscaled by area averaging.

    The planes are averaged and the small picture converted: the same, up to rounding,
    as averaging RGB, for a third of the time.
    """
    import cv2

    height, width = source_hw
    luma, u, v = unpack(planes)
    small = [
        cv2.resize(np.ascontiguousarray(plane), hw[::-1], interpolation=cv2.INTER_AREA)
        for plane in (luma[:height, :width], u, v)
    ]
    # cv2 converts 4:2:0 with BT.601's limited range, but 4:4:4 with the full one only.
    return np.asarray(cv2.transform(cv2.merge(small), _BT601_TO_RGB), np.uint8)


_Y, _U, _V = 255 / 219, 255 / 224 * 1.772, 255 / 224 * 1.402
_BT601_TO_RGB = np.array(
    [
        [_Y, 0.0, _V, -16 * _Y - 128 * _V],
        [
            _Y,
            -_U * 0.114 / 0.587,
            -_V * 0.299 / 0.587,
            -16 * _Y + 128 * (_U * 0.114 + _V * 0.299) / 0.587,
        ],
        [_Y, _U, 0.0, -16 * _Y - 128 * _U],
    ]
)
"""From luma 16..235 and chroma 16..240 to RGB 0..255, with its offset; ITU-R BT.601."""
