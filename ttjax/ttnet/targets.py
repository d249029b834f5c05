"""Labels become what the heads should say."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8, Int32

from ttjax.fields import render
from ttjax.samples import VISIBLE, Labels
from ttjax.ttnet.arrays import BallLogits, Outputs

FULL_HD_RADIUS_PX = 7.5
"""Ball radius in a picture of 1080 lines ("about 15 pixels on average", section 1)."""

LEAST_SIGMA_PX = 0.6
"""Network px: so the bin that holds the ball reaches 0.7, wherever in it that is."""

EVENT_STEPS = 4
"""Window steps from an event to where its target reaches 0 (section 5.2)."""


@flax.struct.dataclass
class BallTargets:
    """Column and row targets of k frames of a stack; without label `known` is False."""

    x: Float[Array, "b k w"]
    y: Float[Array, "b k h"]
    known: Bool[Array, "b k"]


@flax.struct.dataclass
class Targets:
    """One group per head; None for heads that are switched off."""

    ball_global: BallTargets | None = None
    ball_local: BallTargets | None = None
    events: Float[Array, "b e"] | None = None
    events_known: Bool[Array, "b e"] | None = None
    masks: Float[Array, "b h w m"] | None = None
    masks_known: Bool[Array, "b m"] | None = None


def inside(xy: Float[Array, "*b 2"], size_hw: Int[Array, "*#b 2"]) -> Bool[Array, "*b"]:
    """Whether points lie in [0, w) x [0, h), on both axes."""
    x, y = xy[..., 0], xy[..., 1]
    h, w = size_hw[..., 0], size_hw[..., 1]
    return (x >= 0) & (x < w) & (y >= 0) & (y < h)


def ball_targets(
    ball_xy_px: Float[Array, "b k 2"],
    ball_state: Int8[Array, "b k"],
    *,
    origin_xy: Float[Array, "b 2"],
    scale_xy: Float[Array, "b 2"],
    radius_px: Float[Array, " b"],
    size_hw: tuple[int, int],
) -> BallTargets:
    """Gaussians of unit height at the ball, in a view of `size_hw` network px.

    origin_xy: source px of the view's left upper corner.
    scale_xy: source px per network px, on each axis.
    radius_px: of the ball, in source px; sigma is this radius at the scale of each
        axis, but at least `LEAST_SIGMA_PX`.

    Zeros where the ball is absent or outside the view on any axis. TTNet, section 5.1.
    """
    at = (ball_xy_px - origin_xy[:, None]) / scale_xy[:, None]
    sigma = jnp.maximum(radius_px[:, None] / scale_xy, LEAST_SIGMA_PX)
    present = (ball_state == VISIBLE) & inside(at, jnp.array(size_hw)[None, None])

    def axis(index: int, length: int) -> Float[Array, "b k n"]:
        def one(center, width):
            return render.gaussian_1d(center, width, length=length)

        curves = jax.vmap(jax.vmap(one, (0, None)))(at[..., index], sigma[:, index])
        return jnp.where(present[..., None], curves, 0.0)

    known = ball_state >= 0
    return BallTargets(x=axis(0, size_hw[1]), y=axis(1, size_hw[0]), known=known)


def event_targets(event_offset: Float[Array, "*b e"]) -> Float[Array, "*b e"]:
    """cos(n pi / 8) for |n| < 4 window steps from the nearest event, else 0.

    The paper prints sin, which would be 0 at the event itself. The cosine falls with
    |n|, so the nearest event gives the maximum over all events around the window.
    """
    steps = jnp.abs(event_offset)
    near = steps < EVENT_STEPS
    return jnp.where(near, jnp.cos(jnp.where(near, steps, 0.0) * (jnp.pi / 8)), 0.0)


def source_radius_px(
    source_hw: Int32[Array, "b 2"], radius_px: float | None
) -> Float[Array, " b"]:
    """The configured radius; by default 7.5 px at 1080 lines, scaled with height."""
    height = source_hw[:, 0].astype(jnp.float32)
    if radius_px is None:
        return height * (FULL_HD_RADIUS_PX / 1080.0)
    return jnp.full_like(height, radius_px)


def build(
    labels: Labels,
    outputs: Outputs,
    source_hw: Int32[Array, "b 2"],
    *,
    ball_at: int,
    ball_radius_px: float | None = None,
) -> Targets:
    """Targets for every head that is on, shaped as its outputs.

    A head that predicts the ball in all frames gets all frames' labels, one that
    predicts one frame gets those of `ball_at`. The local view begins at
    `outputs.crop_xy`, wherever that is.
    """
    radius_px = source_radius_px(source_hw, ball_radius_px)
    source_wh = source_hw[:, ::-1].astype(jnp.float32)
    xy_px, state = jnp.asarray(labels.ball_xy_px), jnp.asarray(labels.ball_state)

    def ball(logits: BallLogits, origin_xy: Array, scale_xy: Array) -> BallTargets:
        every = logits.x.shape[1] == state.shape[1]
        frames = slice(None) if every else slice(ball_at, ball_at + 1)
        return ball_targets(
            xy_px[:, frames],
            state[:, frames],
            origin_xy=origin_xy,
            scale_xy=scale_xy,
            radius_px=radius_px,
            size_hw=(logits.y.shape[-1], logits.x.shape[-1]),
        )

    targets = Targets()
    coarse, fine = outputs.ball_global, outputs.ball_local
    if coarse is not None:
        size = jnp.array([coarse.x.shape[-1], coarse.y.shape[-1]], jnp.float32)
        view = ball(coarse, jnp.zeros_like(source_wh), source_wh / size[None])
        targets = dataclasses.replace(targets, ball_global=view)
    if fine is not None:
        origin_xy = jnp.asarray(outputs.crop_xy, jnp.float32)
        view = ball(fine, origin_xy, jnp.ones_like(source_wh))
        targets = dataclasses.replace(targets, ball_local=view)
    if outputs.events is not None:
        targets = dataclasses.replace(
            targets,
            events=event_targets(jnp.asarray(labels.event_offset)),
            events_known=jnp.asarray(labels.event_known),
        )
    if outputs.masks is not None:
        targets = dataclasses.replace(
            targets,
            masks=jnp.asarray(labels.masks).astype(jnp.float32),
            masks_known=jnp.asarray(labels.masks_known),
        )
    return targets
