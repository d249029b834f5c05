"""From keys to samples: hall, rally, what is taken of them, pictures."""

import concurrent.futures
import functools
import os
import threading
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, Key

from ttjax.samples import ABSENT, VISIBLE, Clip, ClipSpec, Labels
from ttjax.sim import actors, primitives, rally, raster, render, sample
from ttjax.sim.primitives import Shapes
from ttjax.sim.rally import EVENTS, Play
from ttjax.sim.sample import Hall
from ttjax.sim.scene import Scene
from ttjax.typing import PRNGKey


@flax.struct.dataclass
class Take:
    """All of a hall's stacks but their pixels.

    shapes: what moves, of every frame of every stack. numbers: of the frames.
    canvas_xy: left upper corner of each stack's canvas, zeros where there is none.
    offsets: of the events, in window steps.
    """

    shapes: Shapes
    numbers: Int32[Array, "*k n t"]
    seen: actors.Seen
    canvas_xy: Int32[Array, "*k n 2"]
    offsets: Float[Array, "*k n e"]


def hall_of(
    key: PRNGKey, hall: Hall = Hall(), variety: Float[Array, ""] | float | None = None
) -> Scene:
    """The hall of a key, with its camera: one of those that may be."""
    much = jnp.float32(hall.variety if variety is None else variety)
    return sample.draw(jax.random.split(key, 4)[0], hall, much)


def play_of(
    key: PRNGKey,
    spec: ClipSpec,
    hall: Hall = Hall(),
    variety: Float[Array, ""] | float | None = None,
) -> Play:
    """The rally of a key, long enough for windows at the slowest rate."""
    much = jnp.float32(hall.variety if variety is None else variety)
    window = spec.window
    seconds = (
        sample.SECONDS
        + (window.span + 2 * sample.REACH_STEPS * window.stride) / hall.fps[0]
    )
    steps = round(rally.CONTROL_HZ * seconds)
    return rally.simulate(jax.random.split(key, 4)[1], steps, variety=much)


def take(
    key: PRNGKey,
    drawn: Scene,
    play: Play,
    spec: ClipSpec,
    hall: Hall = Hall(),
    *,
    aligned: bool = False,
) -> Take:
    """Chooses windows of the rally, and says what stands where in them.

    aligned: canvases begin at blocks of the codec.
    """
    window, count = spec.window, hall.stacks_per_hall
    keys = jax.random.split(key, 4)
    starts, offsets = sample.windows(keys[2], drawn, play, spec, hall)
    frames = jnp.arange(window.frames) * window.stride
    numbers = (starts[:, None] + frames[None]).reshape(-1)
    moments = actors.moments(drawn, play, numbers)
    shapes, seen = jax.vmap(lambda m, n: actors.act(drawn, m, n))(moments, numbers)

    def split(leaf):
        return leaf.reshape(count, window.frames, *leaf.shape[1:])

    moments, shapes, numbers, seen = jax.tree.map(
        split, (moments, shapes, numbers, seen)
    )
    canvas_xy = jnp.zeros((count, 2), jnp.int32)
    if spec.canvas_hw is not None:

        def corner(key, moments, numbers, seen):
            moment, number, ball = jax.tree.map(
                lambda leaf: leaf[window.ball_at], (moments, numbers, seen)
            )
            return sample.canvas_xy(key, drawn, moment, number, ball, spec, aligned)

        each = jax.random.split(keys[3], count)
        canvas_xy = jax.vmap(corner)(each, moments, numbers, seen)
    return Take(shapes, numbers, seen, canvas_xy, offsets)


def merged(tree):
    """Leaves `[k, n, ...]` as `[k * n, ...]`, empty ones too: a ball has no masks."""
    return jax.tree.map(
        lambda leaf: leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:]), tree
    )


def clips_of(
    drawn: Scene,
    taken: Take,
    spec: ClipSpec,
    hall: Hall = Hall(),
    *,
    shaken: bool = False,
) -> Clip:
    """Paints the stacks of one hall."""
    window, count = spec.window, hall.stacks_per_hall
    size = drawn.source_hw[::-1].astype(jnp.float32)
    step = size / jnp.array(spec.frame_hw[::-1], jnp.float32)
    whole = raster.scaled(spec.frame_hw, tiled=hall.tiled, shaken=shaken)
    still = render.static(drawn, whole, jnp.zeros(2, jnp.int32), step)
    shapes, numbers = merged((taken.shapes, taken.numbers))
    images, masks = (
        leaf.reshape(count, window.frames, *leaf.shape[1:])
        for leaf in render.render(drawn, still, shapes, numbers, whole)
    )
    canvas = None
    if spec.canvas_hw is not None:
        view = raster.crop(
            spec.canvas_hw,
            tiled=hall.tiled,
            shaken=shaken,
            source_width=hall.source_width,
        )

        def one(item):
            corner, shapes, numbers = item
            still = render.static(drawn, view, corner)
            return render.render(drawn, still, shapes, numbers, view)[0]

        items = (taken.canvas_xy, taken.shapes, taken.numbers)
        mapped = jax.lax.map if hall.tiled else lambda f, xs: jax.vmap(f)(xs)
        canvas = mapped(one, items)
    kinds = np.array([EVENTS.index(name) for name in spec.events], int)
    shown = np.array([primitives.MASKS.index(name) for name in spec.masks], int)
    state = jnp.where(taken.seen.visible, VISIBLE, ABSENT).astype(jnp.int8)
    return Clip(
        frames=images,
        canvas=canvas,
        canvas_xy=taken.canvas_xy,
        source_hw=jnp.broadcast_to(drawn.source_hw, (count, 2)),
        labels=Labels(
            ball_xy_px=taken.seen.xy_px.astype(jnp.float32),
            ball_state=state,
            event_offset=taken.offsets[:, kinds],
            event_known=jnp.ones((count, len(kinds)), bool),
            masks=masks[:, window.ball_at][..., shown],
            masks_known=jnp.ones((count, len(shown)), bool),
        ),
    )


class Renderer:
    """Samples in four programs: halls, rallies, what is taken of them, pictures.

    They are compiled side by side: on two cores of an AMD EPYC in 54 s (2026-11-28),
    as one program in 62.
    """

    def __init__(self, spec: ClipSpec, hall: Hall):
        """Compiles nothing yet.

        Raises:
            ValueError: the simulator cannot give what `spec` asks for.
        """
        sample.check(spec, hall)
        self._varied = hall.variety > 0.0
        self._compiled: dict[tuple[int, bool], tuple[Any, ...]] = {}
        self._compiling = threading.Lock()

        def over(function):
            def run(*of_keys):
                if hall.tiled:
                    return jax.lax.map(lambda of_key: function(*of_key), of_keys)
                return jax.vmap(function)(*of_keys)

            return run

        def halls(keys, variety):
            return over(lambda key: hall_of(key, hall, variety))(keys)

        def plays(keys, variety):
            return over(lambda key: play_of(key, spec, hall, variety))(keys)

        def takes(keys, drawn, play, *, shaken):
            chosen = functools.partial(take, spec=spec, hall=hall, aligned=shaken)
            return over(chosen)(keys, drawn, play)

        def clips(drawn, taken, *, shaken):
            painted = functools.partial(clips_of, spec=spec, hall=hall, shaken=shaken)
            found = over(painted)(drawn, taken)
            return merged(found)

        self._halls, self._plays = jax.jit(halls), jax.jit(plays)
        self._takes = jax.jit(takes, static_argnames="shaken")
        self._clips = jax.jit(clips, static_argnames="shaken")

    def __call__(
        self,
        keys: Key[Array, " k"],
        variety: Float[Array, ""] | np.floating | float | None = None,
    ) -> Clip:
        """The stacks of all keys, those of a key one after the other.

        variety: in the place of the hall's own; another value compiles nothing again.
        """
        halls, plays, takes, clips = self._programs(keys, variety)
        if variety is not None:
            variety = np.float32(variety)
        drawn, play = halls(keys, variety), plays(keys, variety)
        return clips(drawn, takes(keys, drawn, play))

    def compile(
        self,
        keys: Key[Array, " k"],
        variety: Float[Array, ""] | np.floating | float | None = None,
    ) -> None:
        """Compiles for so many keys; calls then begin at once."""
        self._programs(keys, variety)

    @property
    def compilations(self) -> int:
        """How often all four programs were compiled."""
        return len(self._compiled)

    def _programs(self, keys, variety) -> tuple[Any, ...]:
        """The four compiled programs for so many keys."""
        if variety is not None:
            variety = np.float32(variety)
        kind = (len(keys), variety is None)
        with self._compiling:
            if kind not in self._compiled:
                self._compiled[kind] = self._compile(keys, variety)
        return self._compiled[kind]

    def _compile(self, keys, variety) -> tuple[Any, ...]:
        shaken = self._varied or variety is not None
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:

            def begin(function, *arguments, **static):
                lowered = function.lower(*arguments, **static)
                return pool.submit(lowered.compile), lowered.out_info

            halls, drawn = begin(self._halls, keys, variety)
            plays, play = begin(self._plays, keys, variety)
            takes, taken = begin(self._takes, keys, drawn, play, shaken=shaken)
            clips, _ = begin(self._clips, drawn, taken, shaken=shaken)
            return tuple(each.result() for each in (halls, plays, takes, clips))
