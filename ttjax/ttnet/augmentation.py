"""Random changes of a training example, at both of its scales at once."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ttjax.augment import affine, colour
from ttjax.geometry import affine as plane
from ttjax.geometry.affine import Affine
from ttjax.samples import ABSENT, VISIBLE, Clip
from ttjax.ttnet.targets import inside
from ttjax.typing import PRNGKey


@dataclasses.dataclass(frozen=True)
class Augment:
    """One draw for all frames of a stack, both views, ball and masks; 0 is off.

    hflip: probability of a mirrored example.
    brightness, contrast, channel: each factor is uniform in 1 +- this.
    affine: share of the examples that are cropped and turned, by one map in source
        pixels that is composed with each view's own before a single resampling.
    keep, rotation_deg: how (`ttjax.augment.affine.draw`); section 6.1 by default. The
        training canvas shrinks to what a turned one still fills.
    """

    hflip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    channel: float = 0.05
    affine: float = 0.0
    keep: tuple[float, float] = (0.85, 1.0)
    rotation_deg: float = 15.0

    def one(self, key: PRNGKey, clip: Clip, *, crop_hw: tuple[int, int] | None) -> Clip:
        """An unbatched clip, changed.

        crop_hw: what the local stage cuts from the canvas; None without a canvas.

        Raises:
            ValueError: the canvas is too small to be turned.
        """
        flip_key, gain_key, affine_key, share_key = jax.random.split(key, 4)
        if self.hflip:
            clip = _mirrored(flip_key, clip, self.hflip)
        if self.affine:
            chosen = jax.random.bernoulli(share_key, self.affine)
            clip = self._warped(affine_key, clip, chosen, crop_hw)
        if self.brightness or self.contrast or self.channel:
            images = colour.gain(
                gain_key,
                {"frames": clip.frames, "canvas": clip.canvas},
                brightness=self.brightness,
                contrast=self.contrast,
                channel=self.channel,
            )
            clip = dataclasses.replace(clip, **images)
        return clip

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
