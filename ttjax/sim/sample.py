"""Training samples: a rally in a hall, and windows with something to learn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from ttjax.samples import NO_EVENT, ClipSpec
from ttjax.sim import actors, film, primitives, rally, scene
from ttjax.sim import camera as rigs
from ttjax.sim.rally import EVENTS, Play
from ttjax.sim.scene import Scene
from ttjax.typing import PRNGKey

CLASSES = (0.18, 0.23, 0.16, 0.20, 0.23)
"""Shares of the samples with a bounce, a net event, no ball, a ball that is tossed to
serve, and nothing special. A tossed ball is slow and beside a hand: hard to see."""
NEAR_STEPS = 2.5
"""An event this close to the event frame has a target of at least 0.5."""
REACH_STEPS = 16
"""Events further away than this are `NO_EVENT`."""
SECONDS = 4.5
"""Of the rally from which windows are chosen."""
STARTS_HZ = 60
"""Windows may begin so often, in frames of the camera."""
OFFSET = 0.08
"""Standard deviation of the ball in the canvas, in units of the canvas' size."""
LURED = 0.7
"""Share of the canvases without a ball that lie around what looks like one. There the
global stage sends the local one; plain background teaches it nothing."""


@dataclasses.dataclass(frozen=True)
class Hall:
    """What a sampler may vary, and how to paint.

    sizes: of source frames (h, w). rigs: `ttjax.sim.camera.RIGS`. fps: lowest and
    highest frame rate. variety: 0 for OpenTTGames' halls and play to 1 for everything.
    tiled: paint in tiles, which suits CPUs, or everywhere at once.
    stacks_per_hall: samples that share hall, rally and what stands still.
    """

    sizes: tuple[tuple[int, int], ...] = (rigs.SOURCE_HW,)
    rigs: tuple[str, ...] = ("side",)
    fps: tuple[float, float] = (120.0, 120.0)
    variety: float = 0.0
    tiled: bool = True
    stacks_per_hall: int = 4

    def __post_init__(self):
        """Checks the ranges."""
        unknown = sorted(set(self.rigs) - set(rigs.RIGS))
        if unknown or not self.rigs:
            raise ValueError(
                f"Cameras stand at one or more of {rigs.RIGS}, got {self.rigs}: "
                "correct `rigs`."
            )
        if not self.sizes or min(min(size) for size in self.sizes) < 1:
            raise ValueError(
                f"Frames have a height and a width each, got {self.sizes}: set `sizes`."
            )
        if not 0.0 < self.fps[0] <= self.fps[1]:
            raise ValueError(
                f"Frame rates are positive and in ascending order, got {self.fps}: "
                "set `fps`."
            )
        if not 0.0 <= self.variety <= 1.0 or self.stacks_per_hall < 1:
            raise ValueError(
                f"`variety` lies between 0 and 1 and `stacks_per_hall` is at least 1, "
                f"got {self.variety} and {self.stacks_per_hall}."
            )

    @property
    def source_width(self) -> int:
        """Of the widest frames."""
        return max(width for _, width in self.sizes)

    def rates(self) -> tuple[float, ...]:
        """Rates of cameras between the lowest and the highest, at least one."""
        low, high = self.fps
        return tuple(rate for rate in film.RATES if low <= rate <= high) or (low,)


def check(spec: ClipSpec, hall: Hall) -> None:
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
    for size in hall.sizes:
        if canvas and (canvas[0] > size[0] or canvas[1] > size[1]):
            raise ValueError(
                f"The canvas {canvas} (h, w) must fit into the source frame {size}: "
                "set a smaller canvas or larger `sizes`."
            )


def event_offsets(
    times_s: Float[Array, "n e"], at_s: Float[Array, " m"], step_s: float | Array
) -> Float[Array, "m e"]:
    """Window steps from moments `at_s` to the nearest event of each kind, signed.

    times_s: of events, in any order, infinite where there is none.
    """
    gap = (times_s[None] - at_s[:, None, None]) / step_s
    nearest = jnp.argmin(jnp.abs(gap), axis=1)
    offset = jnp.take_along_axis(gap, nearest[:, None], axis=1)[:, 0]
    known = jnp.abs(offset) <= REACH_STEPS
    return jnp.where(known, offset, NO_EVENT).astype(jnp.float32)


def classes(key: PRNGKey, count: int) -> Int32[Array, " {count}"]:
    """Classes of the samples of one hall: each as often as `CLASSES` says.

    Evenly spaced through their shares, so that one hall rarely gives the same twice.
    """
    place = jnp.mod(jax.random.uniform(key) + jnp.arange(count) / count, 1.0)
    ends = jnp.cumsum(jnp.array(CLASSES))
    found = jnp.searchsorted(ends, place, side="right")
    return jnp.minimum(found, len(CLASSES) - 1).astype(jnp.int32)


def _choose(key, drawn, offsets, visible, tossed) -> Int32[Array, ""]:
    """Index of a window of the drawn class; of any, where it does not occur."""
    near = jnp.abs(offsets) <= NEAR_STEPS
    bounce, net = near[:, 0], near[:, 1]
    member = jnp.stack(
        [bounce, net, ~visible, tossed & visible, ~bounce & ~net & visible], axis=1
    )
    fits = member[:, drawn]
    weight = jnp.where(fits | ~fits.any(), 0.0, -jnp.inf)
    return jax.random.categorical(key, weight)


def elsewhere(
    key: PRNGKey,
    lures: Float[Array, "k 2"],
    offset: Float[Array | np.ndarray, " 2"],
    source_hw: tuple[int, int] | Int32[Array, " 2"],
) -> Float[Array, " 2"]:
    """Where the canvas of a window without a ball lies: source px."""
    lured_key, lure_key, place_key = jax.random.split(key, 3)
    limit = jnp.asarray(source_hw, jnp.float32)[::-1]
    anywhere = jax.random.uniform(place_key, (2,)) * limit
    lure = jax.random.choice(lure_key, lures) + offset
    return jnp.where(jax.random.bernoulli(lured_key, LURED), lure, anywhere)


def draw(key: PRNGKey, hall: Hall, variety) -> Scene:
    """A hall with its camera, one of those that may be."""
    size_key, rig_key, scene_key = jax.random.split(key, 3)
    size = jax.random.choice(size_key, jnp.array(hall.sizes, jnp.int32))
    known = jnp.array([rigs.RIGS.index(name) for name in hall.rigs], jnp.int32)
    rig = jax.random.choice(rig_key, known)
    return scene.draw(scene_key, size, rig, variety, hall.fps)


def windows(key, drawn: Scene, play: Play, spec: ClipSpec, hall: Hall):
    """First frames of windows of drawn classes, and the offsets of their events."""
    class_key, window_key = jax.random.split(key)
    window, count = spec.window, hall.stacks_per_hall
    margin = REACH_STEPS * window.stride / hall.fps[0]
    fps = drawn.film.fps
    starts = margin + jnp.arange(round(SECONDS * STARTS_HZ)) / STARTS_HZ
    starts = jnp.round(starts * fps).astype(jnp.int32)
    events_s = [rally.event_times(play, kind) for kind in EVENTS]
    event_frames = starts + window.event_at * window.stride
    offsets = event_offsets(
        jnp.stack(events_s, axis=-1),
        actors.times(drawn, event_frames),
        window.stride / fps,
    )
    numbers = starts + window.ball_at * window.stride
    moments = actors.moments(drawn, play, numbers)
    seen = jax.vmap(lambda m, n: actors.glimpse(drawn, m, n))(moments, numbers)
    tossed = moments.phase == rally.TOSS
    chosen = jax.vmap(lambda key, kind: _choose(key, kind, offsets, seen, tossed))(
        jax.random.split(window_key, count), classes(class_key, count)
    )
    return starts[chosen], offsets[chosen]


def canvas_xy(
    key, drawn: Scene, moment, number, seen: actors.Seen, spec: ClipSpec, aligned: bool
) -> Int32[Array, " 2"]:
    """Left upper corner of the canvas: around the ball, or elsewhere."""
    offset_key, other_key = jax.random.split(key)
    assert spec.canvas_hw is not None
    size = jnp.array(spec.canvas_hw[::-1], jnp.float32)
    offset = OFFSET * size * jax.random.normal(offset_key, (2,))
    lures = actors.lures(drawn, moment, number)
    other = elsewhere(other_key, lures, offset, drawn.source_hw)
    centre = jnp.where(seen.visible, seen.xy_px + offset, other)
    last = drawn.source_hw[::-1] - jnp.array(spec.canvas_hw[::-1])
    unit = film.BLOCK if aligned else 1
    corner = jnp.round((centre - size / 2) / unit).astype(jnp.int32)
    return unit * jnp.clip(corner, 0, last // unit)
