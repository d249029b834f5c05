"""Training examples as pictures: what each stage sees, and what it should say."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from ttjax.media import draw
from ttjax.samples import VISIBLE, Clip
from ttjax.ttnet import crop
from ttjax.ttnet.targets import BallTargets, Targets
from ttjax.ttnet.task import Task
from ttjax.typing import PRNGKey

Picture = UInt8[np.ndarray, "h w 3"]

UPSCALE = 3
"""Picture px per px of a view."""
STRIP_PX = 40
"""Picture px of a target of 1."""
RING_PX = {"global": 14, "local": 32}
"""Radius of the ring around a ball, in picture px: balls are smaller."""

LABEL: draw.Colour = (90, 255, 130)


@dataclasses.dataclass(frozen=True)
class _View:
    """What one stage sees of an example, and its part of the targets.

    pixels: of the frame `window.ball_at`. origin_xy: source px of the left upper
    corner. cell_px: source px per px of the view.
    """

    stage: str
    pixels: Picture
    origin_xy: Float[np.ndarray, "2"]
    cell_px: Float[np.ndarray, "2"]
    x: Float[np.ndarray, " w"]
    y: Float[np.ndarray, " h"]


def sheets(key: PRNGKey, task: Task, batch: Clip) -> list[Picture]:
    """One picture per example: as it was read above, as `task` augments it below.

    The whole frame is at the left, the crop that the local stage is trained on at the
    right, both enlarged `UPSCALE` times. The targets of columns and rows are drawn
    along the borders, a ring is around the label of the ball, and dots outside the ring
    are where it is in other frames of the stack. Masks are outlines; each event that is
    known has a bar for its target.
    """
    augment_key, crop_key = jax.random.split(key)
    given: Any = jax.tree.map(jnp.asarray, batch)
    changed = jax.jit(task.augment)(augment_key, given)
    blank = _blank(task, len(given.source_hw))
    rows = [
        _rows(words, crop_key, task, clip, blank)
        for words, clip in (("as read", given), ("augmented", changed))
    ]
    return [np.concatenate(pair) for pair in zip(*rows, strict=True)]


def _rows(
    words: str, key: PRNGKey, task: Task, clip: Clip, blank: Any
) -> list[Picture]:
    """Both views of each example."""
    wanted, crop_xy = _targets(key, task, clip, blank)
    host, crop_xy = jax.tree.map(np.asarray, (clip, crop_xy))
    return [
        _side_by_side(
            [
                _drawn(f"{words}, {view.stage}", view, task, host, wanted, index)
                for view in _views(task, host, wanted, crop_xy, index)
            ]
        )
        for index in range(len(host.source_hw))
    ]


def _side_by_side(pictures: list[UInt8[np.ndarray, "_ _ 3"]]) -> Picture:
    """Pictures of any heights in a row, black below the lower ones."""
    height = max(len(picture) for picture in pictures)
    margins: list[Any] = [
        ((0, height - len(picture)), (0, 0), (0, 0)) for picture in pictures
    ]
    filled = [
        np.pad(picture, margin)
        for picture, margin in zip(pictures, margins, strict=True)
    ]
    return np.concatenate(filled, axis=1)


def _blank(task: Task, batch_size: int) -> Any:
    """Outputs of the right shapes; targets ask for no more of them."""
    config = task.config
    outputs, _ = jax.eval_shape(
        config.model.init_with_output,
        jax.random.key(0),
        config.abstract_inputs(batch_size),
    )
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), outputs)


def _targets(key: PRNGKey, task: Task, clip: Any, outputs: Any) -> tuple[Targets, Any]:
    """What the heads should say at the beginning of a phase, and the crops' corners."""
    inputs = task.inputs(clip, key, jnp.zeros(()))
    corner = None
    if inputs.canvas is not None:
        corner = crop.origin(
            inputs.crop_at,
            inputs.canvas_xy,
            canvas_hw=crop.canvas_size(inputs.canvas),
            crop_hw=task.config.crop_hw,
        )
        outputs = dataclasses.replace(outputs, crop_xy=corner)
    return task.targets(clip, outputs), corner


def _views(
    task: Task, clip: Any, wanted: Targets, crop_xy: Any, index: int
) -> list[_View]:
    at, views = task.window.ball_at, []

    def add(stage: str, pixels, origin_xy, cell_px, ball: BallTargets | None) -> None:
        if ball is not None:
            row = at if ball.x.shape[1] == task.window.frames else 0
            x, y = np.asarray(ball.x[index, row]), np.asarray(ball.y[index, row])
        else:
            x, y = (np.zeros(length, np.float32) for length in pixels.shape[1::-1])
        views.append(_View(stage, pixels, origin_xy, cell_px, x, y))

    frame = clip.frames[index, at]
    cell_px = clip.source_hw[index, ::-1] / np.array(frame.shape[1::-1], np.float64)
    add("global", frame, np.zeros(2), cell_px, wanted.ball_global)
    if crop_xy is not None:
        left, top = crop_xy[index] - clip.canvas_xy[index]
        h, w = task.config.crop_hw
        part = clip.canvas[index, at, top : top + h, left : left + w]
        corner = crop_xy[index].astype(np.float64)
        add("local", part, corner, np.ones(2), wanted.ball_local)
    return views


def _drawn(
    words: str, view: _View, task: Task, clip: Any, wanted: Targets, index: int
) -> Picture:
    picture = view.pixels.repeat(UPSCALE, axis=0).repeat(UPSCALE, axis=1)
    size = draw.scale(picture)
    if view.stage == "global":
        known = clip.labels.masks_known[index]
        draw.outline(picture, clip.labels.masks[index] * known)
        if wanted.events is not None and wanted.events_known is not None:
            rows = {
                name: float(wanted.events[index, kind])
                for kind, name in enumerate(task.config.events)
                if wanted.events_known[index, kind]
            }
            draw.bars(picture, rows)
    offset = clip.labels.ball_xy_px[index] - view.origin_xy[None]
    places, radius = offset / view.cell_px[None] * UPSCALE, RING_PX[view.stage]
    states, at = clip.labels.ball_state[index], task.window.ball_at
    for place in places[states == VISIBLE]:
        # Within the ring nothing may hide the ball.
        if states[at] != VISIBLE or np.hypot(*(place - places[at])) > radius:
            draw.circle(picture, place, 2, draw.BALL, -1)
    if states[at] == VISIBLE:
        for colour, width in ((draw.SHADE, 3), (LABEL, 1)):
            draw.circle(picture, places[at], radius, colour, width)
    draw.text(picture, words, (16 * size, 40 * size), size=1.4)
    return _bordered(picture, view.x, view.y)


def _bordered(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> Picture:
    """The picture with column targets above it and row targets at its left."""
    corner = np.zeros((STRIP_PX, STRIP_PX, 3), np.uint8)
    above = np.concatenate([corner, _bars(x)], axis=1)
    left = _bars(y).transpose(1, 0, 2)
    return np.concatenate([above, np.concatenate([left, picture], axis=1)])


def _bars(values: np.ndarray) -> Picture:
    """One upright bar per bin, on the lower border."""
    height = STRIP_PX - np.arange(STRIP_PX) - 0.5
    filled = height[:, None] < STRIP_PX * values.repeat(UPSCALE)[None]
    return np.where(
        filled[..., None],
        np.array(LABEL, np.uint8)[None, None],
        np.array(draw.SHADE, np.uint8)[None, None],
    )
