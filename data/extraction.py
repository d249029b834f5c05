"""From the video of a clip to the records of its windows, in one sequential pass."""

import collections
import dataclasses
import hashlib
import pathlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8

from ttjax.formats import stack_file, stack_record, stack_windows
from ttjax.media import i420
from ttjax.media.reader import Reader


@dataclasses.dataclass(frozen=True)
class Settings:
    """How windows are cut.

    frames: of one stack.
    canvas_hw: size of the full-resolution region.
    jitter_px: greatest offset of its middle from the ball, (y, x); half of what keeps a
        crop of 128 x 320 around the ball inside a canvas of 256 x 392.
    quality: of the JPEGs.
    threads: decoding threads of one video; 0 leaves the choice to FFmpeg.
    """

    frames: int = 9
    canvas_hw: tuple[int, int] = stack_record.LEAST_CANVAS_HW
    jitter_px: tuple[int, int] = (32, 18)
    quality: int = stack_record.JPEG_QUALITY
    seed: int = 0
    threads: int = 1


@dataclasses.dataclass(frozen=True)
class Plan:
    """All windows of a clip.

    groups: one name per run of windows, or one for all of them.
    masks: frame -> PNG file.
    sources: files whose change makes old records worthless.
    """

    video: pathlib.Path
    table: stack_windows.Table
    windows: Sequence[stack_windows.Window]
    groups: Sequence[str]
    masks: Mapping[int, pathlib.Path]
    sources: Sequence[pathlib.Path]

    @property
    def clip(self) -> str:
        """Name of the recording."""
        return self.table.clip

    def group(self, window: stack_windows.Window) -> str:
        """What the window must not be parted from."""
        return self.groups[window.run if len(self.groups) > 1 else 0]

    @property
    def needed(self) -> int:
        """Frames to read from the video: up to the last window's newest."""
        return max((window.newest for window in self.windows), default=-1) + 1

    def key(self, settings: Settings) -> str:
        """A short name for all that the records depend on."""
        stamps = [(path.name, path.stat().st_size) for path in self.sources]
        stamps += [(path.name, path.stat().st_mtime_ns) for path in self.sources]
        windows = [(w.newest, w.event_offset.tolist(), w.run) for w in self.windows]
        facts = repr((settings, stamps, windows, list(self.groups)))
        return hashlib.sha256(facts.encode()).hexdigest()[:12]


def part(folder: pathlib.Path, plan: Plan, settings: Settings) -> pathlib.Path:
    """Where the records of a clip are kept until the data set is complete."""
    name = f"{plan.clip.replace('/', '__')}-{plan.key(settings)}.stacks"
    return pathlib.Path(folder) / name


def fill(
    folder: pathlib.Path,
    plan: Plan,
    settings: Settings,
    advance: Callable[[int], None] = lambda frames: None,
) -> pathlib.Path:
    """The file of a clip's records; made unless it is there, under a lock.

    Raises:
        ValueError: the video or a mask cannot be read.
    """
    import fcntl

    path = part(folder, plan, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if path.is_file():
            advance(plan.needed)
        else:
            stack_file.write(path, records(plan, settings, advance))
    return path


def records(
    plan: Plan,
    settings: Settings,
    advance: Callable[[int], None] = lambda frames: None,
) -> Iterator[dict[str, Any]]:
    """The records of a clip in the order of their newest frames.

    `advance` is told how many frames of the video were passed. Memory holds one stack
    of frames, however long the video.
    """
    t = settings.frames
    waiting = collections.defaultdict(list)
    wanted: set[int] = set()
    for window in plan.windows:
        waiting[window.newest].append(window)
        wanted.update(range(window.newest - t + 1, window.newest + 1))
    reader = Reader(plan.video, threads=settings.threads)
    ring: collections.deque[_Frame] = collections.deque(maxlen=t)
    before = -1
    for number, planes in reader.selected(wanted):
        ring.append(_frame(planes, plan.table.source_hw, settings))
        for copy, window in enumerate(waiting.pop(number, ())):
            yield _record(plan, window, copy, list(ring), settings)
        advance(number - before)
        before = number


@dataclasses.dataclass(frozen=True)
class _Frame:
    planes: UInt8[np.ndarray, "rows columns"]
    small: UInt8[np.ndarray, "h w 3"]
    jpeg: bytes


def _frame(
    planes: UInt8[np.ndarray, "rows columns"],
    source_hw: tuple[int, int],
    settings: Settings,
) -> _Frame:
    small = i420.area_to_rgb(planes, source_hw, stack_record.FRAME_HW)
    return _Frame(planes, small, stack_record.encode_jpeg(small, settings.quality))


def _record(
    plan: Plan,
    window: stack_windows.Window,
    copy: int,
    stack: list[_Frame],
    settings: Settings,
) -> dict[str, Any]:
    name = zlib.crc32(plan.clip.encode())
    draw = np.random.default_rng([settings.seed, name, window.newest, copy])
    xy, state = stack_windows.ball(plan.table, np.array([window.newest]))
    if state[0] == stack_record.VISIBLE:
        centre = xy[0]
    elif draw.random() < 0.5:
        centre = draw.random(2) * plan.table.source_hw[::-1]
    else:
        centre = distractor(stack[-1].small, stack[-2].small, plan.table.source_hw)
    corner = canvas_corner(draw, centre, plan.table.source_hw, settings)
    canvas = [
        stack_record.encode_jpeg(
            i420.region_to_rgb(
                frame.planes, (int(corner[0]), int(corner[1])), settings.canvas_hw
            ),
            settings.quality,
        )
        for frame in stack
    ]
    facts = stack_windows.facts(
        plan.table,
        window,
        settings.frames,
        canvas_xy=corner,
        group=plan.group(window),
    )
    masks = b""
    if window.newest in plan.masks:
        masks = plan.masks[window.newest].read_bytes()
    return stack_record.encode(facts, [frame.jpeg for frame in stack], canvas, masks)


def distractor(
    now: UInt8[np.ndarray, "h w 3"],
    before: UInt8[np.ndarray, "h w 3"],
    source_hw: tuple[int, int],
) -> np.ndarray:
    """Where two small pictures differ most, in source px: something that moves."""
    change = np.abs(now.astype(np.int32) - before.astype(np.int32)).sum(-1)
    row, column = np.unravel_index(np.argmax(change), change.shape)
    scale = np.array(source_hw[::-1]) / np.array(change.shape[::-1])
    return (np.array([column, row]) + 0.5) * scale


def canvas_corner(
    draw: np.random.Generator,
    centre: np.ndarray,
    source_hw: tuple[int, int],
    settings: Settings,
) -> Int32[np.ndarray, " 2"]:
    """The even left upper corner of a canvas near `centre`, wholly inside the source.

    Raises:
        ValueError: the source is smaller than the canvas.
    """
    size = np.array(settings.canvas_hw[::-1])
    room = np.array(source_hw[::-1]) - size
    if (room < 0).any():
        raise ValueError(
            f"A canvas of {size[0]} x {size[1]} px lies inside its frame, which has "
            f"{source_hw[1]} x {source_hw[0]} px: this video is too small."
        )
    jitter = np.array(settings.jitter_px[::-1])
    offset = draw.uniform(-jitter, jitter)
    corner = np.clip(np.round(centre + offset - size / 2), 0, room).astype(np.int32)
    return corner - corner % 2
