"""Videos decoded once, their frames at random access.

Seeking in a video costs a group of pictures per window; memory-mapped frames cost
nothing. Per video there are two folders: the decoder's own planes at full resolution,
of which a sample converts the part that it shows, and the whole frames downscaled to
the network's input.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from ttjax.media import i420
from ttjax.media.reader import Reader
from ttjax.pipeline import store


@dataclasses.dataclass(frozen=True)
class Frames:
    """The frames of one video, mapped into memory.

    small: downscaled RGB by area average, `[n, h, w, 3]`.
    planes: `ttjax.media.i420` at full resolution, `[n, rows, columns]`; None where no
        full-resolution pixels were asked for.
    size_hw: of the source frame.
    """

    small: np.ndarray
    planes: np.ndarray | None
    size_hw: tuple[int, int]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.small)

    def stack(self, numbers: Int64[np.ndarray, " t"]) -> UInt8[np.ndarray, "t h w 3"]:
        """Downscaled whole frames, copied."""
        return np.array(self.small[numbers])

    def region(
        self, numbers: Int64[np.ndarray, " t"], xy: tuple[int, int], hw: tuple[int, int]
    ) -> UInt8[np.ndarray, "t hc wc 3"]:
        """RGB of the same region of all these frames, at full resolution.

        Raises:
            ValueError: the frames are not kept at full resolution.
        """
        if self.planes is None:
            raise ValueError(
                "A region is cut from frames at full resolution, only downscaled ones "
                "are kept: open them with `full=True`."
            )
        parts = [i420.region_to_rgb(self.planes[n], xy, hw) for n in numbers]
        return np.stack(parts)


def open_all(
    readers: Sequence[Reader],
    lengths: Sequence[int],
    *,
    frame_hw: tuple[int, int],
    full: bool,
    root: pathlib.Path,
) -> list[Frames]:
    """The frames of all these videos, decoded now where they are not kept in `root`.

    lengths: frames that each video has, by its labels.
    full: keep full resolution as well.

    Raises:
        ValueError: a video has another number of frames than its labels.
        OSError: the disk has no room; videos that are complete stay.
    """
    tasks = [
        (reader, length, *_folders(reader, frame_hw, root))
        for reader, length in zip(readers, lengths, strict=True)
    ]
    missing = [
        task
        for task in tasks
        if store.facts(task[3]) is None or (full and store.facts(task[2]) is None)
    ]
    if missing:
        store.need_bytes(
            root, sum(_bytes(r, n, frame_hw, full) for r, n, *_ in missing)
        )
        total = sum(length for _, length, *_ in missing)
        with store.progress(f"decoding {len(missing)} videos", total) as advance:
            for reader, length, planes, small in missing:
                _keep(reader, length, planes, small, frame_hw, full, advance)
    if tasks:
        folders = [planes for _, _, planes, _ in tasks if full]
        folders += [small for _, _, _, small in tasks]
        what = f"{sum(lengths)} frames of {len(tasks)} videos"
        store.announce(what, *folders)
    return [
        Frames(
            np.load(small / "small.npy", mmap_mode="r"),
            np.load(planes / "planes.npy", mmap_mode="r") if full else None,
            reader.size_hw,
        )
        for reader, _, planes, small in tasks
    ]


def _keep(
    reader: Reader,
    length: int,
    planes: pathlib.Path,
    small: pathlib.Path,
    frame_hw: tuple[int, int],
    full: bool,
    advance: Callable[[int], None],
) -> None:
    """Fills what is missing of one video, full resolution first."""
    if full:
        rows, columns = _planes_shape(reader)

        def decode(part: pathlib.Path) -> dict[str, Any]:
            file = part / "planes.npy"
            return _write(reader.planes(), file, (length, rows, columns), reader)

        store.fill(planes, decode)

    def shrink(part: pathlib.Path) -> dict[str, Any]:
        kept = store.facts(planes) is not None
        source = np.load(planes / "planes.npy", mmap_mode="r") if kept else None
        source = reader.planes() if source is None else iter(source)
        frames = _shrunk(source, reader.size_hw, frame_hw)
        return _write(frames, part / "small.npy", (length, *frame_hw, 3), reader)

    store.fill(small, shrink)
    advance(length)


def _shrunk(
    planes: Iterator[np.ndarray], size_hw: tuple[int, int], frame_hw: tuple[int, int]
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    import cv2

    height, width = size_hw
    for one in planes:
        rgb = i420.to_rgb(np.asarray(one))[:height, :width]
        yield np.asarray(
            cv2.resize(rgb, frame_hw[::-1], interpolation=cv2.INTER_AREA), np.uint8
        )


def _write(
    frames: Iterator[np.ndarray],
    path: pathlib.Path,
    shape: tuple[int, ...],
    reader: Reader,
) -> dict[str, Any]:
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    count = 0
    for frame in frames:
        if count < len(array):
            array[count] = frame
        count += 1
    if count != len(array):
        raise ValueError(
            f"Labels have one row per frame, there are {len(array)} rows for "
            f"{str(reader.path)!r}, which has {count} frames: they belong to another "
            "cut of it."
        )
    array.flush()
    return {"video": str(reader.path), "shape": list(shape)}


def _folders(
    reader: Reader, frame_hw: tuple[int, int], root: pathlib.Path
) -> tuple[pathlib.Path, pathlib.Path]:
    """Where planes and downscaled frames of this very file are kept."""
    path = reader.path.resolve()
    about = path.stat()
    parts = (str(path), about.st_size, about.st_mtime_ns, reader.backend)
    return (
        root / f"{path.stem}-{store.key(*parts)}",
        root / f"{path.stem}-{store.key(*parts, frame_hw)}",
    )


def _planes_shape(reader: Reader) -> tuple[int, int]:
    height, width = i420.even(reader.size_hw)
    return height * 3 // 2, width


def _bytes(reader: Reader, length: int, frame_hw: tuple[int, int], full: bool) -> int:
    rows, columns = _planes_shape(reader)
    small = frame_hw[0] * frame_hw[1] * 3
    return length * (small + (rows * columns if full else 0))
