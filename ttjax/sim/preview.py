"""What the simulator shows and labels, at a glance: samples, rigs, a stack."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from ttjax.media import draw
from ttjax.samples import VISIBLE, Clip, ClipSpec, Window
from ttjax.sim import data
from ttjax.sim.recording import SimulatedRecording
from ttjax.sim.sample import Hall
from ttjax.typing import PRNGKey

SPEC = ClipSpec(
    window=Window(3),
    frame_hw=(240, 426),
    canvas_hw=(240, 360),
    events=("bounce", "net"),
    masks=("table", "humans", "scoreboard"),
)
RIG_HW = (360, 640)
"""A picture of each rig."""
STRIP_HW = (144, 192)
"""A picture of each frame of a stack."""
RING = (255, 230, 40)
"""Colour of what is drawn around the ball."""
STRIP_FRAMES = 150
"""Frames among which those of a strip are chosen."""
LEAD_S = 2.0
"""Play before the frame that is shown."""


def sheet(
    key: PRNGKey, rows: int, spec: ClipSpec = SPEC, hall: Hall = Hall()
) -> UInt8[np.ndarray, "h w 3"]:
    """One row for each sample: frame, masks, canvas; the ball is ringed."""
    keys = jax.random.split(key, -(-rows // hall.stacks_per_hall))
    clips = data.renderer(spec, hall)(keys)
    return np.concatenate([_row(clips, n) for n in range(rows)])


def _row(clips: Clip, n: int) -> np.ndarray:
    labels, source_hw = clips.labels, np.asarray(clips.source_hw[n])
    frame, canvas = np.array(clips.frames[n, -1]), np.array(clips.canvas)[n, -1]
    masks = 255 * np.asarray(labels.masks[n])
    if labels.ball_state[n, -1] == VISIBLE:
        xy = np.asarray(labels.ball_xy_px[n, -1])
        scale = np.array(frame.shape[1::-1]) / source_hw[::-1]
        draw.circle(frame, xy * scale, 8.0, thickness_px=1)
        inside = xy - np.asarray(clips.canvas_xy[n])
        draw.circle(canvas, inside, 14.0, thickness_px=1)
    return np.concatenate([frame, masks, canvas], axis=1)


def _visible(recording: SimulatedRecording) -> int:
    """The first of a recording's frames in which the ball is seen, or 0."""
    state = recording.frame_labels(()).ball_state
    return int(np.argmax(state == VISIBLE))


def _recordings(key: PRNGKey, hall: Hall, count: int, frames: int):
    for number in range(count):
        yield SimulatedRecording(
            str(number),
            jax.random.fold_in(key, number),
            hall,
            count=frames,
            lead=round(LEAD_S * hall.fps[0]),
            number=number,
            threads=1,
        )


def _picture(recording: SimulatedRecording, number: int) -> np.ndarray:
    for index, image in enumerate(recording.frames()):
        if index == number:
            return np.array(image)
    raise IndexError(f"{recording.name} has no frame {number}.")


def _fitted(image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    import cv2

    return cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_AREA)


def rig_sheet(
    key: PRNGKey, hall: Hall, *, columns: int = 2
) -> UInt8[np.ndarray, "h w 3"]:
    """A frame of each of the hall's rigs, from left to right and down."""
    one = dataclasses.replace(hall, sizes=hall.sizes[:1])
    pictures = []
    for recording in _recordings(key, one, len(hall.rigs), 30):
        number = _visible(recording)
        image = _picture(recording, number)
        labels = recording.frame_labels(())
        scale = RIG_HW[1] / recording.size_hw[1]
        small = _fitted(image, RIG_HW)
        if labels.ball_state[number] == VISIBLE:
            xy = labels.ball_xy_px[number] * scale
            draw.circle(small, xy, 9.0, RING, thickness_px=1)
        pictures.append(small)
    missing = -len(pictures) % columns
    pictures += [np.zeros((*RIG_HW, 3), np.uint8)] * missing
    rows = [
        np.concatenate(pictures[start : start + columns], axis=1)
        for start in range(0, len(pictures), columns)
    ]
    return np.concatenate(rows)


def strip(
    key: PRNGKey, hall: Hall, *, frames: int = 9, columns: int = 3
) -> UInt8[np.ndarray, "h w 3"]:
    """Frames of a stack around the ball, each with its label: a ring, and its blur."""
    (recording,) = _recordings(key, hall, 1, STRIP_FRAMES)
    labels = recording.frame_labels(())
    seen = labels.ball_state == VISIBLE
    first = _window(recording, frames)
    shown = labels.ball_xy_px[first : first + frames][seen[first : first + frames]]
    source_hw = np.array(recording.size_hw)
    if not len(shown):
        shown = source_hw[None, ::-1] / 2.0
    low, high = shown.min(axis=0), shown.max(axis=0)
    # As large a part as holds all of the ball's way.
    zoom = max(1.0, *((high - low + 60.0) / STRIP_HW[::-1]))
    zoom = min(zoom, *(source_hw / STRIP_HW))
    size = np.floor(zoom * np.array(STRIP_HW[::-1])).astype(int)
    x, y = np.clip((low + high - size) / 2, 0, source_hw[::-1] - size).astype(int)
    pictures = []
    for number, image in enumerate(recording.frames()):
        if number == first + frames:
            break
        if number < first:
            continue
        part = _fitted(np.array(image[y : y + size[1], x : x + size[0]]), STRIP_HW)
        if seen[number]:
            xy = (labels.ball_xy_px[number] - (x, y)) / zoom
            half = recording.blur_px[number] / 2 / zoom
            draw.circle(part, xy, 11.0, RING, thickness_px=1)
            _line(part, xy - half, xy + half)
        pictures.append(part)
    rows = [
        np.concatenate(pictures[start : start + columns], axis=1)
        for start in range(0, frames - frames % columns, columns)
    ]
    return np.concatenate(rows)


def _window(recording: SimulatedRecording, frames: int) -> int:
    """First of some frames around a bounce in which the ball is seen most often."""
    labels = recording.frame_labels(())
    seen = labels.ball_state == VISIBLE
    starts = labels.events["bounce"] - frames // 2
    starts = starts[(starts >= 0) & (starts <= recording.count - frames)]
    if not len(starts):
        starts = np.arange(recording.count - frames + 1)
    return int(starts[np.argmax([seen[n : n + frames].sum() for n in starts])])


def _line(image: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    """A thin line over an image."""
    for share in np.linspace(0.0, 1.0, 64):
        x, y = np.floor(start + share * (end - start)).astype(int)
        if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
            image[y, x] = (255, 40, 40)


def key_of(seed: int) -> PRNGKey:
    """The key of a sheet."""
    return jax.random.fold_in(jax.random.key(7), jnp.uint32(seed))
