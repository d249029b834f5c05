"""Examples of a batch as pictures: what each stage sees, answers and should answer."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from ttjax.media import draw
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, Clip, FramePool
from ttjax.ttnet import targets
from ttjax.ttnet.arrays import Ball, Predictions
from ttjax.ttnet.config import Config

Picture = UInt8[np.ndarray, "h w 3"]

EXAMPLES = 4
"""So many of a batch are drawn."""

UPSCALE = 3
"""Picture px per px of a view."""

LABEL: draw.Colour = (90, 255, 130)

_STATES = {VISIBLE: "visible", ABSENT: "absent", UNKNOWN: "unknown"}


@dataclasses.dataclass(frozen=True)
class _View:
    """What one stage sees of an example, enlarged.

    origin_xy: source px of its left upper corner. scale_xy: picture px per source px.
    ring_px: radius around an answer, in picture px; balls are smaller.
    """

    picture: Picture
    stage: str
    origin_xy: np.ndarray
    scale_xy: Float[np.ndarray, "2"]
    ring_px: int

    def place(self, xy_px: np.ndarray) -> np.ndarray:
        """A point of the source in picture px."""
        return (np.asarray(xy_px) - self.origin_xy) * self.scale_xy


def pictures(batch: Clip, predictions: Predictions, *, config: Config) -> list[Picture]:
    """One picture per example: the whole frame at the left, the crop at the right.

    Both show the frame `window.ball_at`, enlarged `UPSCALE` times. In each view a ring
    is around the answer of its stage, where that finds the ball, and a cross at the
    label. Predicted masks are tints, labelled ones outlines, and each event has a bar
    for its probability and one for its target.
    """
    count = min(EXAMPLES, len(batch.source_hw))
    shown = dataclasses.replace(batch, canvas=None)
    clip, found = jax.tree.map(
        lambda leaf: np.asarray(leaf)[:count], (shown, predictions)
    )
    canvas: Any = batch.canvas
    if isinstance(canvas, FramePool):
        # Its frames are shared: those of the first examples lie anywhere.
        at = np.asarray(canvas.at)[:count]
        canvas = FramePool(np.asarray(canvas.pixels), at)
    elif canvas is not None:
        canvas = np.asarray(canvas)[:count]
    clip = dataclasses.replace(clip, canvas=canvas)
    return [_picture(clip, found, index, config) for index in range(count)]


def _picture(clip: Clip, found: Predictions, index: int, config: Config) -> Picture:
    at = config.window.ball_at
    whole = _enlarged(np.asarray(clip.frames[index, at]))
    if found.masks is not None:
        known = clip.labels.masks_known[index]
        draw.mask(whole, np.asarray(found.masks[index]), opacity=0.3)
        draw.outline(whole, np.asarray(clip.labels.masks[index] * known))
        _legend(whole, config.masks)
    if found.events is not None:
        _events(whole, clip, np.asarray(found.events[index]), index, config)
    scale_xy = np.array(whole.shape[1::-1]) / clip.source_hw[index, ::-1]
    view = _View(whole, "global", np.zeros(2), scale_xy, ring_px=15)
    state = int(clip.labels.ball_state[index, at])
    label_xy_px = np.asarray(clip.labels.ball_xy_px[index, at])
    _ball(view, found.ball_global, index, label_xy_px, state)
    if clip.canvas is None or found.crop_xy is None:
        return whole
    crop_xy = np.asarray(found.crop_xy[index])
    part = _enlarged(_cut(clip, crop_xy, index, config))
    view = _View(part, "local", crop_xy, np.full(2, float(UPSCALE)), ring_px=30)
    _ball(view, found.ball_local, index, label_xy_px, state)
    return _beside(whole, part)


def _enlarged(view: np.ndarray) -> np.ndarray:
    return view.repeat(UPSCALE, axis=0).repeat(UPSCALE, axis=1)


def _cut(clip: Clip, crop_xy: np.ndarray, index: int, config: Config) -> Picture:
    """The pixels that the local stage saw."""
    canvas, at = clip.canvas, config.window.ball_at
    assert canvas is not None
    if isinstance(canvas, FramePool):
        whole = canvas.pixels[canvas.at[index, at]]
    else:
        whole = canvas[index, at]
    left, top = crop_xy - clip.canvas_xy[index]
    height, width = config.crop_hw
    return np.asarray(whole[top : top + height, left : left + width])


def _ball(
    view: _View, ball: Ball | None, index: int, label_xy_px: np.ndarray, state: int
) -> None:
    """Ring and cross; a dark rim keeps them apart from bright pixels."""
    if ball is None:
        return
    picture, rim = view.picture, draw.SHADE
    probability = float(ball.probability[index])
    words = f"{view.stage} {probability:.2f}, label {_STATES[state]}"
    margin = 16 * draw.scale(picture)
    draw.text(picture, words, (margin, 2.4 * margin), size=1.4)
    if state == VISIBLE:
        for colour, width in ((rim, 3), (LABEL, 1)):
            place, radius = view.place(label_xy_px), 0.7 * view.ring_px
            draw.cross(picture, place, radius, colour, width)
    if ball.present[index]:
        for colour, width in ((rim, 4), (draw.BALL, 2)):
            place = view.place(np.asarray(ball.xy_px[index]))
            draw.circle(picture, place, view.ring_px, colour, width)


def _events(
    picture: Picture, clip: Clip, found: np.ndarray, index: int, config: Config
) -> None:
    offset = jnp.asarray(clip.labels.event_offset[index])
    wanted = np.asarray(targets.event_targets(offset))
    rows: dict[str, float] = {}
    colours: list[draw.Colour] = []
    for kind, name in enumerate(config.events):
        rows[name] = float(found[kind])
        colours.append(draw.PALETTE[kind % len(draw.PALETTE)])
        if clip.labels.event_known[index, kind]:
            rows[f"{name} label"] = float(wanted[kind])
            colours.append(LABEL)
    draw.bars(picture, rows, colours)


def _legend(picture: Picture, names: tuple[str, ...]) -> None:
    """The classes of masks in their colours, in the right upper corner."""
    size = draw.scale(picture)
    for row, name in enumerate(names):
        place = picture.shape[1] - 190 * size, (38 + 40 * row) * size
        colour = draw.PALETTE[row % len(draw.PALETTE)]
        draw.text(picture, name, place, colour, size=1.4)


def _beside(left: np.ndarray, right: np.ndarray) -> Picture:
    """Two pictures in a row, black below the lower one."""
    height = max(left.shape[0], right.shape[0])
    joined = np.zeros((height, left.shape[1] + right.shape[1], 3), np.uint8)
    joined[: left.shape[0], : left.shape[1]] = left
    joined[: right.shape[0], left.shape[1] :] = right
    return joined
