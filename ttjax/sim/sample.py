"""Training samples: a rally in a hall, and a window with something to learn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32, Key

from ttjax.samples import ABSENT, NO_EVENT, VISIBLE, Clip, ClipSpec, Labels
from ttjax.sim import actors, primitives, rally, render, scene
from ttjax.sim import camera as side_camera
from ttjax.sim.rally import EVENTS, Rally
from ttjax.typing import PRNGKey

CLASSES = (0.18, 0.23, 0.16, 0.20, 0.23)
"""Shares of the samples with a bounce, a net event, no ball, a ball that is tossed to
serve, and nothing special. A tossed ball is slow and beside a hand: hard to see."""
NEAR_STEPS = 2.5
"""An event this close to the event frame has a target of at least 0.5."""
REACH_STEPS = 16
"""Events further away than this are `NO_EVENT`."""
SECONDS = 4.5
"""Of the rally from which a window is chosen."""
OFFSET = 0.08
"""Standard deviation of the ball in the canvas, in units of the canvas' size."""
LURED = 0.7
"""Share of the canvases without a ball that lie around what looks like one. There the
global stage sends the local one; plain background teaches it nothing."""


@dataclasses.dataclass(frozen=True)
class Hall:
    """What a sampler may vary: the source frame, its rate, how to paint."""

    source_hw: tuple[int, int] = side_camera.SOURCE_HW
    fps: float = 120.0
    tiled: bool = True


def check(spec: ClipSpec, source_hw: tuple[int, int]) -> None:
    """Raises ValueError where the simulator cannot give what `spec` asks for."""
    for what, names, known in (
        ("events", spec.events, EVENTS),
        ("masks", spec.masks, primitives.MASKS),
    ):
        unknown = set(names) - set(known)
        if unknown:
            raise ValueError(
                f"The simulator knows the {what} {known}, got {sorted(unknown)} in "
                "addition: leave them out of the task's config."
            )
    canvas = spec.canvas_hw
    if canvas and (canvas[0] > source_hw[0] or canvas[1] > source_hw[1]):
        raise ValueError(
            f"The canvas {canvas} (h, w) must fit into the source frame {source_hw}: "
            "set a smaller canvas or a larger `source_hw`."
        )


def event_offsets(
    happened: Bool[Array, "n e"], at: Int32[Array, " m"], stride: int
) -> Float[Array, "m e"]:
    """Window steps from frames `at` to the nearest event of each kind, signed."""
    gap = jnp.arange(len(happened))[None, :] - at[:, None]
    distance = jnp.where(
        happened[None], jnp.abs(gap)[:, :, None].astype(jnp.float32), jnp.inf
    )
    nearest = jnp.argmin(distance, axis=1)
    offset = (nearest - at[:, None]) / stride
    known = jnp.min(distance, axis=1) <= REACH_STEPS * stride
    return jnp.where(known, offset, NO_EVENT).astype(jnp.float32)


def _choose(key: PRNGKey, offsets, visible, tossed) -> Int32[Array, ""]:
    """Index of a window of the drawn class; of any, where it does not occur."""
    class_key, window_key = jax.random.split(key)
    near = jnp.abs(offsets) <= NEAR_STEPS
    bounce, net = near[:, 0], near[:, 1]
    member = jnp.stack(
        [bounce, net, ~visible, tossed & visible, ~bounce & ~net & visible], axis=1
    )
    drawn = jax.random.choice(class_key, len(CLASSES), p=jnp.array(CLASSES))
    fits = member[:, drawn]
    weight = jnp.where(fits | ~fits.any(), 0.0, -jnp.inf)
    return jax.random.categorical(window_key, weight)


def elsewhere(
    key: PRNGKey,
    lures: Float[Array, "k 2"],
    offset: Float[Array | np.ndarray, " 2"],
    source_hw: tuple[int, int],
) -> Float[Array, " 2"]:
    """Where the canvas of a window without a ball lies: source px."""
    lured_key, lure_key, place_key = jax.random.split(key, 3)
    anywhere = jax.random.uniform(place_key, (2,)) * jnp.array(source_hw[::-1])
    lure = jax.random.choice(lure_key, lures) + offset
    return jnp.where(jax.random.bernoulli(lured_key, LURED), lure, anywhere)


def stack(key: PRNGKey, spec: ClipSpec, hall: Hall = Hall()) -> Clip:
    """One sample of `spec`; unbatched, the caller maps it over keys.

    About a quarter of the samples has a bounce near its event frame, as many a net
    event, one of six has no ball in view: `CLASSES`. The canvas lies around the ball;
    without one around something like it (`LURED`), or anywhere.
    """
    check(spec, hall.source_hw)
    window, (height, width) = spec.window, hall.source_hw
    keys = jax.random.split(key, 5)
    margin = REACH_STEPS * window.stride
    count = round(SECONDS * hall.fps)
    length = count + window.span + 2 * margin
    halls = scene.draw(keys[0], hall.source_hw)
    play = rally.simulate(keys[1], length, hall.fps)

    def label(moment):
        return actors.ball_label(halls, moment, hall.fps, hall.source_hw)

    xy, visible = jax.vmap(label)(play)
    starts = margin + jnp.arange(count)
    happened = jnp.stack([play.bounce, play.net], axis=-1)
    event_frames = starts + window.event_at * window.stride
    offsets = event_offsets(happened, event_frames, window.stride)
    ball_frames = starts + window.ball_at * window.stride
    tossed = play.phase[ball_frames] == rally.TOSS
    chosen = _choose(keys[2], offsets, visible[ball_frames], tossed)
    start = starts[chosen]
    frames = start + window.stride * jnp.arange(window.frames)
    moments: Rally = jax.tree.map(lambda leaf: leaf[frames], play)
    ball_xy, seen = xy[frames], visible[frames]

    whole = render.scaled(hall.source_hw, spec.frame_hw, tiled=hall.tiled)
    corner = jnp.zeros(2, jnp.int32)
    images, masks = render.render(halls, moments, frames, hall.fps, whole, corner)
    canvas, canvas_xy = None, corner
    if spec.canvas_hw is not None:
        size = jnp.array(spec.canvas_hw[::-1], jnp.float32)
        offset = OFFSET * size * jax.random.normal(keys[4], (2,))
        ball_at = window.ball_at
        moment = jax.tree.map(lambda leaf: leaf[ball_at], moments)
        lures = actors.lures(halls, moment, frames[ball_at])
        other = elsewhere(keys[3], lures, offset, hall.source_hw)
        centre = jnp.where(seen[ball_at], ball_xy[ball_at] + offset, other)
        last = jnp.array([width - spec.canvas_hw[1], height - spec.canvas_hw[0]])
        canvas_xy = jnp.round(centre - size / 2).astype(jnp.int32)
        canvas_xy = jnp.clip(canvas_xy, 0, last)
        window_view = render.crop(spec.canvas_hw, tiled=hall.tiled)
        canvas, _ = render.render(
            halls, moments, frames, hall.fps, window_view, canvas_xy
        )
    kinds = np.array([EVENTS.index(name) for name in spec.events], int)
    classes = np.array([primitives.MASKS.index(name) for name in spec.masks], int)
    return Clip(
        frames=images,
        canvas=canvas,
        canvas_xy=canvas_xy,
        source_hw=jnp.array(hall.source_hw, jnp.int32),
        labels=Labels(
            ball_xy_px=ball_xy.astype(jnp.float32),
            ball_state=jnp.where(seen, VISIBLE, ABSENT).astype(jnp.int8),
            event_offset=offsets[chosen][kinds],
            event_known=jnp.ones(len(kinds), bool),
            masks=masks[window.ball_at][..., classes],
            masks_known=jnp.ones(len(classes), bool),
        ),
    )


def stacks(keys: Key[Array, " b"], spec: ClipSpec, hall: Hall = Hall()) -> Clip:
    """A batch of samples, one for each key: in turn on a CPU, at once elsewhere."""

    def one(key):
        return stack(key, spec, hall)

    if hall.tiled:
        return jax.lax.map(one, keys)
    return jax.vmap(one)(keys)
