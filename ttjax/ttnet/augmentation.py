"""Random changes of a training example, at both of its scales at once."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ttjax.augment import affine, colour, occlude
from ttjax.geometry import affine as plane
from ttjax.geometry.affine import Affine
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, Clip, Window
from ttjax.ttnet.targets import inside
from ttjax.typing import PRNGKey


@dataclasses.dataclass(frozen=True)
class Augment:
    """One draw for all frames of a stack, both views, ball and masks; 0 is off.

    hflip: probability of a mirrored example.
    brightness, contrast, channel: each factor is uniform in 1 +- this.
    affine: share of the examples that are cropped and turned, by one map in source
        pixels that is composed with each view's own before a single resampling.
    hue_deg: colours are turned about the grey axis by up to this.
    reverse: probability of a stack played backwards; its masks, of what is then another
        frame than `ball_at`, become unknown.
    occlude: probability of a plain box near the ball; frames whose ball it covers
        become unknown.
    keep, rotation_deg: how (`ttjax.augment.affine.draw`); section 6.1 by default. The
        training canvas shrinks to what a turned one still fills.
    """

    hflip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    channel: float = 0.05
    hue_deg: float = 0.0
    reverse: float = 0.0
    occlude: float = 0.0
    affine: float = 0.0
    keep: tuple[float, float] = (0.85, 1.0)
    rotation_deg: float = 15.0

    def one(
        self,
        key: PRNGKey,
        clip: Clip,
        *,
        window: Window,
        crop_hw: tuple[int, int] | None,
    ) -> Clip:
        """An unbatched clip, changed.

        window: which frames its labels belong to.
        crop_hw: what the local stage cuts from the canvas; None without a canvas.

        Raises:
            ValueError: the canvas is too small to be turned, or the event frame is not
                the middle one of a stack that is to be reversed.
        """
        flip_key, gain_key, affine_key, share_key, time_key, box_key = jax.random.split(
            key, 6
        )
        if self.reverse:
            chosen = jax.random.bernoulli(time_key, self.reverse)
            other = reversed_in_time(clip, window)
            clip = jax.tree.map(
                lambda new, old: jnp.where(chosen, new, old), other, clip
            )
        if self.hflip:
            clip = _mirrored(flip_key, clip, self.hflip)
        if self.affine:
            chosen = jax.random.bernoulli(share_key, self.affine)
            clip = self._warped(affine_key, clip, chosen, crop_hw)
        if self.occlude:
            clip = self._occluded(box_key, clip, window)
        if self.brightness or self.contrast or self.channel or self.hue_deg:
            images = colour.gain(
                gain_key,
                {"frames": clip.frames, "canvas": clip.canvas},
                brightness=self.brightness,
                contrast=self.contrast,
                channel=self.channel,
                hue_deg=self.hue_deg,
            )
            clip = dataclasses.replace(clip, **images)
        return clip

    def _occluded(self, key: PRNGKey, clip: Clip, window: Window) -> Clip:
        chosen_key, draw_key = jax.random.split(key)
        labels = clip.labels
        ball_xy = jnp.asarray(labels.ball_xy_px)
        box, paint = occlude.draw(draw_key, ball_xy[window.ball_at])
        # A box that is not chosen covers nothing.
        chosen = jax.random.bernoulli(chosen_key, self.occlude)
        box = jnp.where(chosen, box, -1e6)
        h, w = clip.frames.shape[-3:-1]
        source_wh = jnp.asarray(clip.source_hw)[::-1].astype(jnp.float32)
        cell = source_wh / jnp.array([w, h], jnp.float32)
        small = plane.stretch(cell, jnp.zeros(2))
        canvas: Any = clip.canvas
        if canvas is not None:
            corner = jnp.asarray(clip.canvas_xy).astype(jnp.float32)
            local = plane.stretch(jnp.ones(2), corner)
            canvas = occlude.paint(jnp.asarray(canvas), box, paint, local)
        hidden = occlude.covers(box, ball_xy) & (labels.ball_state == VISIBLE)
        state = jnp.where(hidden, jnp.int8(UNKNOWN), labels.ball_state)
        return dataclasses.replace(
            clip,
            frames=occlude.paint(jnp.asarray(clip.frames), box, paint, small),
            canvas=canvas,
            labels=dataclasses.replace(labels, ball_state=state),
        )

    def _warped(self, key, clip: Clip, chosen, crop_hw) -> Clip:
        """Cropped and turned where `chosen`; else only the canvas is cut."""
        source_wh = jnp.asarray(clip.source_hw)[::-1].astype(jnp.float32)
        drawn = affine.draw(
            key, source_wh, keep=self.keep, rotation_deg=self.rotation_deg
        )
        canvas_hw = None
        if crop_hw is not None:
            h, w = jax.tree.leaves(clip.canvas)[0].shape[-3:-1]
            canvas_hw = affine.inner_hw((h, w), crop_hw, self.rotation_deg)
        return lax.cond(
            chosen,
            lambda clip: moved(clip, drawn, canvas_hw),
            lambda clip: _cut(clip, canvas_hw),
            clip,
        )


def moved(clip: Clip, to_frame: Affine, canvas_hw: tuple[int, int] | None) -> Clip:
    """An unbatched clip under a map of its source pixels onto themselves.

    canvas_hw: size of the new canvas, whose middle is the image of the old one's; it
        may reach beyond the frame.

    A ball that leaves the frame is absent.
    """
    stack: Any = clip  # Arrays: what a tuple of frames or no canvas lacks is not used.
    back = plane.inverse(to_frame)
    source_wh = stack.source_hw[::-1].astype(jnp.float32)
    frame_hw = stack.frames.shape[1], stack.frames.shape[2]
    cell = source_wh / jnp.array(frame_hw[::-1], jnp.float32)
    nothing = jnp.zeros(2)
    small = plane.compose(
        plane.stretch(1.0 / cell, nothing),
        plane.compose(back, plane.stretch(cell, nothing)),
    )
    masks = affine.warp(255 * stack.labels.masks[None], small, out_hw=frame_hw)[0]
    canvas, canvas_xy = stack.canvas, stack.canvas_xy
    if canvas_hw is not None:
        size = jnp.array(canvas.shape[-2:-4:-1], jnp.float32)
        middle = plane.apply(to_frame, stack.canvas_xy + size / 2)
        corner = jnp.round(middle - jnp.array(canvas_hw[::-1]) / 2)
        one = jnp.ones(2)
        local = plane.compose(
            plane.stretch(one, -stack.canvas_xy.astype(jnp.float32)),
            plane.compose(back, plane.stretch(one, corner)),
        )
        canvas = affine.warp(canvas, local, out_hw=canvas_hw)
        canvas_xy = corner.astype(jnp.int32)
    ball_xy = plane.apply(to_frame, stack.labels.ball_xy_px)
    gone = (stack.labels.ball_state == VISIBLE) & ~inside(
        ball_xy, stack.source_hw[None]
    )
    return dataclasses.replace(
        clip,
        frames=affine.warp(stack.frames, small, out_hw=frame_hw),
        canvas=canvas,
        canvas_xy=canvas_xy,
        labels=dataclasses.replace(
            stack.labels,
            ball_xy_px=ball_xy,
            ball_state=jnp.where(gone, jnp.int8(ABSENT), stack.labels.ball_state),
            masks=(masks >= 128).astype(jnp.uint8),
        ),
    )


def reversed_in_time(clip: Clip, window: Window) -> Clip:
    """An unbatched stack played backwards, with its labels.

    Raises:
        ValueError: the event frame is another one when counted from the end.
    """
    if 2 * window.event_at != window.frames - 1:
        raise ValueError(
            "A stack is reversed about its event frame, got "
            f"`event_at={window.event_at}` of {window.frames} frames: take an odd "
            "number of frames and the middle one, or set `reverse=0`."
        )
    labels = clip.labels
    offset = jnp.asarray(labels.event_offset)
    same_mask_frame = 2 * window.ball_at == window.frames - 1
    canvas: Any = clip.canvas
    return dataclasses.replace(
        clip,
        frames=clip.frames[::-1],
        canvas=None if canvas is None else canvas[::-1],
        labels=dataclasses.replace(
            labels,
            ball_xy_px=labels.ball_xy_px[::-1],
            ball_state=labels.ball_state[::-1],
            event_offset=jnp.where(jnp.isfinite(offset), -offset, offset),
            masks_known=jnp.asarray(labels.masks_known) & same_mask_frame,
        ),
    )


def _cut(clip: Clip, canvas_hw: tuple[int, int] | None) -> Clip:
    """The middle of the canvas."""
    if canvas_hw is None:
        return clip
    canvas: Any = clip.canvas
    h, w = canvas.shape[-3:-1]
    top, left = (h - canvas_hw[0]) // 2, (w - canvas_hw[1]) // 2
    return dataclasses.replace(
        clip,
        canvas=canvas[:, top : top + canvas_hw[0], left : left + canvas_hw[1]],
        canvas_xy=clip.canvas_xy + jnp.array([left, top], jnp.int32),
    )


def _mirrored(key: PRNGKey, clip: Clip, probability: float) -> Clip:
    """An unbatched clip, mirrored with this probability."""
    width = 0 if clip.canvas is None else jax.tree.leaves(clip.canvas)[0].shape[-2]
    # The centre of the canvas stays its centre; the left border becomes the right one.
    to_centre = jnp.array([0.5 * width, 0.0], jnp.float32)
    images, points = affine.hflip(
        key,
        {"frames": clip.frames, "canvas": clip.canvas, "masks": clip.labels.masks},
        {"ball": clip.labels.ball_xy_px, "canvas": clip.canvas_xy + to_centre},
        width_px=clip.source_hw[1].astype(jnp.float32),
        probability=probability,
    )
    corner = jnp.round(points["canvas"] - to_centre).astype(jnp.int32)
    return dataclasses.replace(
        clip,
        frames=images["frames"],
        canvas=images["canvas"],
        canvas_xy=corner,
        labels=dataclasses.replace(
            clip.labels, ball_xy_px=points["ball"], masks=images["masks"]
        ),
    )
