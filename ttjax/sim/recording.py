"""A simulated recording: whole frames in order, rendered while they are read."""

import collections
import concurrent.futures
import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8

from ttjax.samples import ABSENT, VISIBLE, FrameLabels
from ttjax.sim import actors, primitives, rally, raster, render, scene
from ttjax.sim import camera as rigs
from ttjax.sim.sample import Hall
from ttjax.typing import PRNGKey

MASK_HW = (128, 320)
"""Size of labelled masks, that of OpenTTGames."""
CHUNK = 600
"""Frames and steps of play computed by one compiled call: one compilation serves every
length."""


def stream_key(stream: int, *numbers: int) -> PRNGKey:
    """The key of a place in a stream: every number is folded in, in turn."""
    key = jax.random.fold_in(jax.random.key(20_200), stream)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


def setting(hall: Hall, number: int) -> tuple[tuple[int, int], str, float]:
    """Size, rig and frame rate of recording `number`: all of them in turn."""
    rates = hall.rates()
    number, rig = divmod(number, len(hall.rigs))
    number, size = divmod(number, len(hall.sizes))
    height, width = hall.sizes[size]
    return (height, width), hall.rigs[rig], rates[number % len(rates)]


@functools.lru_cache(maxsize=4)
def _functions(size_hw: tuple[int, int], tiled: bool, shaken: bool):
    """Compiled renderers of whole frames, masks and labels for one size of frames."""
    view = raster.crop(size_hw, tiled=tiled, shaken=shaken, source_width=size_hw[1])
    small = raster.scaled(MASK_HW, tiled=tiled, shaken=shaken)
    step = (size_hw[1] / MASK_HW[1], size_hw[0] / MASK_HW[0])
    corner = jnp.zeros(2, jnp.int32)

    def draw(key, rig, variety, fps):
        return scene.draw(key, size_hw, rig, variety, (fps, fps))

    def frame(drawn, still, shapes, number):
        planes = render.frame(drawn, still, shapes, number, view)
        return render.expose(drawn, still, planes, number, view)

    def masks(drawn, still, shapes, number):
        return render.masks(render.frame(drawn, still, shapes, number, small))

    def act(drawn, play, numbers):
        moments = actors.moments(drawn, play, numbers)
        return jax.vmap(lambda m, n: actors.act(drawn, m, n))(moments, numbers)

    return {
        "scene": jax.jit(draw),
        "static": jax.jit(lambda drawn: render.static(drawn, view, corner)),
        "static_small": jax.jit(
            lambda drawn: render.static(drawn, small, corner, step)
        ),
        "frame": jax.jit(frame),
        "masks": jax.jit(masks),
        "act": jax.jit(act),
    }


@functools.lru_cache(maxsize=8)
def _simulator(steps: int):
    return jax.jit(lambda key, variety: rally.simulate(key, steps, variety=variety))


def _whole(count: float) -> int:
    """The next multiple of `CHUNK`."""
    return -(-int(np.ceil(count)) // CHUNK) * CHUNK


class SimulatedRecording:
    """`ttjax.samples.Recording` of one hall and `count` frames of play.

    Labels are exact: the ball in every frame (`label_convention`) with its blur,
    `bounce` and `net` events, and masks of every `masks_every`-th frame at 128 x 320.
    `threads` frames are rendered at once. The first `lead` frames, from the moment
    before the first serve, are left out. `number` says which of the hall's sizes, rigs
    and rates it is of.
    """

    label_convention = actors.LABEL_CONVENTION

    def __init__(
        self,
        name: str,
        key: PRNGKey,
        hall: Hall,
        *,
        count: int,
        lead: int = 0,
        number: int = 0,
        masks_every: int = 12,
        threads: int = 2,
    ):
        """Simulates the play; pictures are rendered later, by `frames`."""
        scene_key, play_key = jax.random.split(key)
        self.name, self.count, self._threads = name, count, max(1, threads)
        self.size_hw, self.rig, self.fps = setting(hall, number)
        self._functions = _functions(self.size_hw, hall.tiled, hall.variety > 0.0)
        variety = jnp.float32(hall.variety)
        self.scene = self._functions["scene"](
            scene_key, jnp.int32(rigs.RIGS.index(self.rig)), variety, self.fps
        )
        steps = _whole((lead + count + 1) / self.fps * rally.CONTROL_HZ)
        self.play = _simulator(steps)(play_key, variety)
        self._numbers = lead + np.arange(count, dtype=np.int32)
        parts = []
        for start in range(lead, lead + max(count, 1), CHUNK):
            numbers = jnp.arange(start, start + CHUNK, dtype=jnp.int32)
            parts.append(self._functions["act"](self.scene, self.play, numbers))
        self._shapes, self._seen = jax.tree.map(
            lambda *leaves: np.concatenate(leaves)[:count], *parts
        )
        self._masks_every = masks_every
        self._labels: FrameLabels | None = None

    def _at(self, index: int):
        """What moves in a frame, and the number of the frame."""
        shapes = jax.tree.map(lambda leaf: leaf[index], self._shapes)
        return shapes, self._numbers[index]

    def _frames_of(self, kind: str) -> np.ndarray:
        """The frames that are nearest to events of a kind."""
        seconds = np.asarray(rally.event_times(self.play, kind), np.float64)
        found = np.rint(seconds[np.isfinite(seconds)] * self.fps).astype(np.int64)
        found = np.unique(found) - (self._numbers[0] if self.count else 0)
        return found[(found >= 0) & (found < self.count)]

    def mask(self, numbers) -> Iterator[tuple[int, UInt8[np.ndarray, "128 320 3"]]]:
        """0/1 masks (table, humans, scoreboard) of some frames."""
        still = self._functions["static_small"](self.scene)
        for number in numbers:
            masks = self._functions["masks"](self.scene, still, *self._at(number))
            yield int(number), np.asarray(masks)

    def frame_labels(self, mask_frames) -> FrameLabels:
        """Labels of every frame, with the masks of `mask_frames`."""
        state = np.where(self._seen.visible, VISIBLE, ABSENT)
        return FrameLabels(
            ball_xy_px=self._seen.xy_px.astype(np.float32),
            ball_state=state.astype(np.int8),
            events={kind: self._frames_of(kind) for kind in rally.EVENTS},
            masks=dict(self.mask(mask_frames)),
            mask_names=primitives.MASKS,
        )

    @property
    def blur_px(self) -> Float32[np.ndarray, "n 2"]:
        """Way of the ball in the picture during the exposure of every frame."""
        return self._seen.blur_px.astype(np.float32)

    @property
    def strokes(self) -> np.ndarray:
        """Frames in which a racket hits the ball."""
        return self._frames_of("stroke")

    @property
    def labels(self) -> FrameLabels:
        """Labels of every frame; masks are rendered at the first call."""
        if self._labels is None:
            numbers = range(self._masks_every - 1, self.count, self._masks_every)
            self._labels = self.frame_labels(numbers)
        return self._labels

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """RGB frames in order; a few are rendered ahead."""
        still = self._functions["static"](self.scene)

        def one(number):
            image = self._functions["frame"](self.scene, still, *self._at(number))
            return np.asarray(image)

        if self.count:
            yield one(0)
        pool = concurrent.futures.ThreadPoolExecutor(self._threads)
        ahead = collections.deque()
        for number in range(1, self.count):
            ahead.append(pool.submit(one, number))
            if len(ahead) > 2 * self._threads:
                yield ahead.popleft().result()
        pool.shutdown(wait=False)
        while ahead:
            yield ahead.popleft().result()
