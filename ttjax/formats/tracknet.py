"""Labels of TrackNet-style clips: one CSV beside each mp4, one row per frame, one ball.

Two dialects: `Frame,Ball,x,y` with x and y as shares of the frame's width and height,
and `Frame,Visibility,X,Y` in pixels. `Frame` counts from 0; a ball that is not visible
has 0 in the second column and any position.
"""

import csv
import dataclasses
import io
import pathlib
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Float64

Dialect = Literal["shares", "pixels"]

HEADERS: dict[Dialect, tuple[str, str, str, str]] = {
    "shares": ("Frame", "Ball", "x", "y"),
    "pixels": ("Frame", "Visibility", "X", "Y"),
}


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
    """All clips `root/<group>/<name>.{mp4,csv}`, in the order of their paths.

    Raises:
        FileNotFoundError: there is no such directory, or no clip in it.
        LabelError: a video without labels, or labels without a video.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"Clips lie in a directory that exists, got {str(root)!r}: give the "
            "folder that holds one folder per group (`--data DIR`)."
        )
    videos = {path.with_suffix("") for path in root.glob("*/*.mp4")}
    labels = {path.with_suffix("") for path in root.glob("*/*.csv")}
    alone = sorted(f"{stem}.mp4" for stem in videos - labels)
    alone += sorted(f"{stem}.csv" for stem in labels - videos)
    if alone:
        missing = "labels" if alone[0].endswith(".mp4") else "video"
        raise LabelError(
            f"Each clip is an .mp4 with a .csv of the same name, {len(alone)} are "
            f"not: {alone[0]!r} has no {missing}. Add the missing file or move this "
            "one away."
            "one away."
            "one away."
            "one away."
            "one away."
        )
    if not videos:
        raise FileNotFoundError(
            f"Clips are files <group>/<name>.mp4, {str(root)!r} holds none."
        )
    return tuple(
        Entry(
            name=f"{stem.parent.name}/{stem.name}",
            group=stem.parent.name,
            video=stem.with_suffix(".mp4"),
            labels=stem.with_suffix(".csv"),
        )
        for stem in sorted(videos)
    )


def read(
    path: pathlib.Path, *, size_hw: tuple[int, int], frames: int | None = None
) -> Track:
    """The labels of a video of size `size_hw` and, where given, of `frames` frames.

    Blank rows, spaces and a byte-order mark are passed over.

    Raises: LabelError: an unknown header, a row that cannot be read, frame numbers
        other than
            0..n-1 in order, a visible ball outside the picture, or another number of
            rows than frames.
    """
    text = path.read_text(encoding="utf-8-sig")
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    rows = [row for row in rows if any(row)]
    dialect = _dialect(path, tuple(rows[0]) if rows else ())
    visible = np.zeros(len(rows) - 1, np.bool_)
    xy = np.zeros((len(rows) - 1, 2), np.float64)
    for number, row in enumerate(rows[1:]):
        try:
            frame, shown = (int(float(cell)) for cell in row[:2])
            x, y = (float(cell) for cell in row[2:4]) if shown else (0.0, 0.0)
        except ValueError as error:
            raise LabelError(
                f"A row is four numbers, {str(path)!r} has {','.join(row)!r} for frame "
                f"{number}: correct it."
            ) from error
        if frame != number:
            raise LabelError(
                f"Rows are numbered 0, 1, 2 … without gaps, {str(path)!r} has frame "
                f"{frame} where {number} is due: sort it and fill the gaps with "
                f"`{frame},0,0,0`."
                f"`{frame},0,0,0`."
                f"`{frame},0,0,0`."
                f"`{frame},0,0,0`."
                f"`{frame},0,0,0`."
                f"`{frame},0,0,0`."
            )
        visible[number], xy[number] = shown != 0, (x, y)
    if frames is not None and frames != len(visible):
        raise LabelError(
            f"Labels have one row per frame, {str(path)!r} has {len(visible)} rows "
            f"for a video of {frames} frames: they belong to another cut of it."
        )
    xy_px = to_pixels(xy, size_hw, dialect)
    xy_px[~visible] = 0
    _check_inside(path, xy_px, visible, size_hw)
    return Track(xy_px.astype(np.float32), visible)


def write(
    path: pathlib.Path,
    track: Track,
    *,
    size_hw: tuple[int, int],
    dialect: Dialect = "shares",
) -> None:
    """Writes labels that `read` brings back: shares to six decimals, pixels to two."""
    xy = from_pixels(track.xy_px.astype(np.float64), size_hw, dialect)
    digits, none = (6, -1.0) if dialect == "shares" else (2, 0.0)
    lines = [",".join(HEADERS[dialect])]
    for number, (shown, (x, y)) in enumerate(zip(track.visible, xy, strict=True)):
        x, y = (x, y) if shown else (none, none)
        lines.append(f"{number},{int(shown)},{x:.{digits}f},{y:.{digits}f}")
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
    if dialect == "pixels":
        return values + 0.5
    return values * np.array(size_hw[::-1], np.float64)


def from_pixels(
    xy_px: Float64[np.ndarray, "n 2"], size_hw: tuple[int, int], dialect: Dialect
) -> Float64[np.ndarray, "n 2"]:
    """The inverse of `to_pixels`."""
    if dialect == "pixels":
        return xy_px - 0.5
    return xy_px / np.array(size_hw[::-1], np.float64)


def _dialect(path: pathlib.Path, header: tuple[str, ...]) -> Dialect:
    for dialect, names in HEADERS.items():
        if header == names:
            return dialect
    known = " or ".join(",".join(names) for names in HEADERS.values())
    raise LabelError(
        f"Labels begin with {known}, {str(path)!r} begins with {','.join(header)!r}: "
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
