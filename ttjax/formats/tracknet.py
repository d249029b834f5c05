"""Labels of TrackNet-style clips: one CSV beside each mp4, one row per frame, one ball.

The header names the dialect; further columns are passed over. Frames count from 0, a
ball that is not visible has any position.

shares: `Frame,Ball,x,y`, x and y as shares of the frame's width and height.
pixels: `Frame,Visibility,X,Y`, indices of pixels: TrackNetV2, WASB's badminton.
frame_num: `frame_num,x,y,visible`, columns in any order: indices of pixels, or these
    divided by the frame's size where no visible ball has more than 1.
wasb: `file name,visibility,x-coordinate,y-coordinate` of TrackNet's and WASB's tennis:
    `0012.jpg` is frame 12, visibility 1 easy, 2 hard to see, 3 hidden, 0 not there.
blurball: `Frame,Visibility,X,Y,l,theta`, the middle of the ball's streak, its half
    length in px and its angle in degrees.
"""

import csv
import dataclasses
import io
import math
import pathlib
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Float64

Dialect = Literal["shares", "pixels", "frame_num", "wasb", "blurball"]

HEADERS: dict[Dialect, tuple[str, ...]] = {
    "shares": ("Frame", "Ball", "x", "y"),
    "blurball": ("Frame", "Visibility", "X", "Y", "l", "theta"),
    "pixels": ("Frame", "Visibility", "X", "Y"),
    "frame_num": ("frame_num", "visible", "x", "y"),
    "wasb": ("file name", "visibility", "x-coordinate", "y-coordinate"),
}
"""Frame, visibility, x and y of each dialect, in this order; the most special first."""
SEEN: dict[Dialect, frozenset[int]] = {"wasb": frozenset((1, 2))}
"""Visibilities of a ball that is seen; anything but 0 in other dialects."""
VIDEO_FOLDERS = ("video", "videos", "rallies_videos")
LABEL_FOLDERS = ("csv", "labels", "corrected_csv")


class LabelError(ValueError):
    """Labels that are malformed, or that do not fit their video."""


@dataclasses.dataclass(frozen=True)
class Track:
    """The ball in each of n frames.

    xy_px: continuous source px (pixel i spans [i, i + 1)); (0, 0) where not visible.
    """

    xy_px: Float32[np.ndarray, "n 2"]
    visible: Bool[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A clip on disk; `group` is the name of its folder."""

    name: str
    group: str
    video: pathlib.Path
    labels: pathlib.Path


def find(root: pathlib.Path) -> tuple[Entry, ...]:
    """All clips of a directory, in the order of their paths.

    A clip is `<group>/<name>.mp4` with `<name>.csv` beside it, or
    `<group>/video/<name>.mp4` with `<group>/csv/<name>_ball.csv` or `<name>.csv`; see
    `VIDEO_FOLDERS` and `LABEL_FOLDERS` for other names of these two.

    Raises:
        FileNotFoundError: there is no such directory, or no clip in it.
        LabelError: a video without labels, or labels without a video.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"Clips lie in a directory that exists, got {str(root)!r}: give the "
            "folder that holds one folder per group (`--data DIR`)."
        )
    videos: dict[pathlib.Path, pathlib.Path] = {}
    labels: dict[pathlib.Path, pathlib.Path] = {}
    for path in sorted([*root.glob("*/*.mp4"), *root.glob("*/*/*.mp4")]):
        flat = path.parent.parent == root
        if flat or path.parent.name in VIDEO_FOLDERS:
            group = path.parent if flat else path.parent.parent
            videos[group / path.stem] = path
    for path in sorted([*root.glob("*/*.csv"), *root.glob("*/*/*.csv")]):
        flat = path.parent.parent == root
        if flat or path.parent.name in LABEL_FOLDERS:
            group = path.parent if flat else path.parent.parent
            stem = path.stem if flat else path.stem.removesuffix("_ball")
            labels[group / stem] = path
    alone = [videos[stem] for stem in sorted(videos.keys() - labels.keys())]
    alone += [labels[stem] for stem in sorted(labels.keys() - videos.keys())]
    if alone:
        missing = "labels" if alone[0].suffix == ".mp4" else "video"
        raise LabelError(
            f"Each clip is an .mp4 with a .csv of the same name, {len(alone)} are "
            f"not: {str(alone[0])!r} has no {missing}. Add the missing file or move "
            "this one away."
        )
    if not videos:
        raise FileNotFoundError(
            f"Clips are files <group>/<name>.mp4, {str(root)!r} holds none."
        )
    return tuple(
        Entry(
            name=f"{stem.parent.name}/{stem.name}",
            group=stem.parent.name,
            video=videos[stem],
            labels=labels[stem],
        )
        for stem in sorted(videos)
    )


def read(
    path: pathlib.Path, *, size_hw: tuple[int, int], frames: int | None = None
) -> Track:
    """The labels of a video of size `size_hw` and, where given, of `frames` frames.

    Blank rows, spaces and a byte-order mark are passed over.

    Raises:
        LabelError: an unknown header, a row that cannot be read, frame numbers other
            than 0..n-1 in order, a visible ball outside the picture, or another number
            of rows than frames.
    """
    rows = _rows(path)
    dialect, columns = _dialect(path, rows[0] if rows else [])
    visible = np.zeros(max(len(rows) - 1, 0), np.bool_)
    xy = np.zeros((len(visible), 2), np.float64)
    for number, row in enumerate(rows[1:]):
        try:
            frame, shown, x, y = _row([row[index] for index in columns], dialect)
        except (ValueError, IndexError, OverflowError) as error:
            raise LabelError(
                f"A row is four numbers, {str(path)!r} has {','.join(row)[:80]!r} for "
                f"frame {number}: correct it."
            ) from error
        if frame != number:
            raise LabelError(
                f"Rows are numbered 0, 1, 2 … without gaps, {str(path)!r} has frame "
                f"{frame} where {number} is due: sort it, remove what comes twice and "
                f"fill the gaps with rows such as `{number},0,0,0`."
            )
        visible[number], xy[number] = shown, (x, y)
    if frames is not None and frames != len(visible):
        raise LabelError(
            f"Labels have one row per frame, {str(path)!r} has {len(visible)} rows "
            f"for a video of {frames} frames: they belong to another cut of it."
        )
    if dialect == "frame_num" and (xy[visible] <= 1).all():
        xy *= np.array(size_hw[::-1], np.float64)
    xy_px = to_pixels(xy, size_hw, dialect)
    xy_px[~visible] = 0
    _check_inside(path, xy_px, visible, size_hw)
    return Track(xy_px.astype(np.float32), visible)


def _rows(path: pathlib.Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(
            f"Labels are a CSV file in UTF-8, {str(path)!r} is none: {error}."
        ) from error
    return [row for row in rows if any(row)]


def _row(cells: list[str], dialect: Dialect) -> tuple[int, bool, float, float]:
    """Frame, whether the ball is seen, x, y; ValueError where a cell is no number."""
    first = pathlib.PurePath(cells[0]).stem if dialect == "wasb" else cells[0]
    frame, code = float(first), float(cells[1])
    if not (frame.is_integer() and code.is_integer()):
        raise ValueError("frame and visibility are whole numbers")
    shown = int(code) in SEEN[dialect] if dialect in SEEN else code != 0
    x, y = (float(cells[2]), float(cells[3])) if shown else (0.0, 0.0)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError("positions are finite")
    return int(frame), shown, x, y


def write(
    path: pathlib.Path,
    track: Track,
    *,
    size_hw: tuple[int, int],
    dialect: Dialect = "shares",
) -> None:
    """Writes labels that `read` brings back: shares to six decimals, pixels to two.

    Streaks of the blurball dialect get length 0, for a track knows points only.
    """
    xy = from_pixels(track.xy_px.astype(np.float64), size_hw, dialect)
    digits, none = (6, -1.0) if dialect == "shares" else (2, 0.0)
    lines = [",".join(HEADERS[dialect])]
    for number, (shown, (x, y)) in enumerate(zip(track.visible, xy, strict=True)):
        x, y = (x, y) if shown else (none, none)
        name = f"{number:04d}.jpg" if dialect == "wasb" else f"{number}"
        more = ",0,0" if dialect == "blurball" else ""
        lines.append(f"{name},{int(shown)},{x:.{digits}f},{y:.{digits}f}{more}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def to_pixels(
    values: Float64[np.ndarray, "n 2"], size_hw: tuple[int, int], dialect: Dialect
) -> Float64[np.ndarray, "n 2"]:
    """What a file says -> continuous px, where pixel i spans [i, i + 1).

    Shares are continuous already: share times size, nothing added. Measured on 15
    real broadcast clips of this format: over 1,785 frames where the ball is one clean
    moving blob, its centroid lies (+0.08, -0.19) px from there, and would lie
    (-0.42, -0.69) px from there plus half a pixel (standard error 0.05 px). Pixel
    coordinates are indices, as a mouse gives them: index i names the pixel whose
    centre is i + 0.5.
    """
    if dialect != "shares":
        return values + 0.5
    return values * np.array(size_hw[::-1], np.float64)


def from_pixels(
    xy_px: Float64[np.ndarray, "n 2"], size_hw: tuple[int, int], dialect: Dialect
) -> Float64[np.ndarray, "n 2"]:
    """The inverse of `to_pixels`."""
    if dialect != "shares":
        return xy_px - 0.5
    return xy_px / np.array(size_hw[::-1], np.float64)


def _dialect(path: pathlib.Path, header: list[str]) -> tuple[Dialect, list[int]]:
    """The dialect, and in which columns frame, visibility, x and y stand."""
    for dialect, names in HEADERS.items():
        if set(names) <= set(header):
            return dialect, [header.index(name) for name in names[:4]]
    known = " or ".join(",".join(names) for names in HEADERS.values())
    raise LabelError(
        f"Labels begin with {known}, {str(path)!r} with {','.join(header)[:80]!r}: "
        "rename its columns."
    )


def _check_inside(
    path: pathlib.Path,
    xy_px: np.ndarray,
    visible: np.ndarray,
    size_hw: tuple[int, int],
) -> None:
    low, high = np.zeros(2), np.array(size_hw[::-1], np.float64)
    outside = visible & ~((xy_px >= low) & (xy_px <= high)).all(axis=1)
    if outside.any():
        frame = int(np.flatnonzero(outside)[0])
        raise LabelError(
            f"A visible ball lies in its picture of {size_hw[0]} x {size_hw[1]} px, "
            f"{str(path)!r} has frame {frame} at {xy_px[frame].tolist()}: is this the "
            "video's size?"
        )
