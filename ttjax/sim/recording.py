"""A simulated recording: whole frames in order, rendered while they are read."""

import collections
import concurrent.futures
import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from ttjax.samples import ABSENT, VISIBLE, FrameLabels
from ttjax.sim import actors, primitives, rally, render, scene
from ttjax.sim.sample import Hall
from ttjax.typing import PRNGKey

MASK_HW = (128, 320)
"""Size of labelled masks, that of OpenTTGames."""
CHUNK = 600
"""Frames simulated by one compiled call: one compilation serves every length."""


def stream_key(stream: int, *numbers: int) -> PRNGKey:
    """The key of a place in a stream: every number is folded in, in turn."""
    key = jax.random.fold_in(jax.random.key(20_200), stream)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


@functools.lru_cache(maxsize=4)
def _functions(hall: Hall):
    """Compiled renderers of whole frames, masks and labels for one kind of hall."""
    view = render.crop(hall.source_hw, tiled=hall.tiled)
    small = render.scaled(hall.source_hw, MASK_HW, tiled=hall.tiled)
    corner = jnp.zeros(2, jnp.int32)

    def frame(drawn, background, moment, number):
        planes = render.frame(drawn, background, moment, number, hall.fps, view, corner)
        return render.expose(drawn, planes, number, view, corner)

    def masks(drawn, background, moment, number):
        planes = render.frame(
            drawn, background, moment, number, hall.fps, small, corner
        )
        return render.masks(planes)

    def labels(drawn, play):
        return jax.vmap(
            lambda moment: actors.ball_label(drawn, moment, hall.fps, hall.source_hw)
        )(play)

    return {
        "scene": jax.jit(lambda key: scene.draw(key, hall.source_hw)),
        "static": jax.jit(lambda drawn: render.static(drawn, view, corner)),
        "static_small": jax.jit(lambda drawn: render.static(drawn, small, corner)),
        "frame": jax.jit(frame),
        "masks": jax.jit(masks),
        "labels": jax.jit(labels),
    }


@functools.lru_cache(maxsize=8)
def _simulator(count: int, fps: float):
    return jax.jit(lambda key: rally.simulate(key, count, fps))


class SimulatedRecording:
    """`ttjax.samples.Recording` of one hall and `count` frames of play.

    Labels are exact: the ball in every frame, `bounce` and `net` events, and masks of
    every `masks_every`-th frame at 128 x 320. `threads` frames are rendered at once.
    The first `lead` frames, from the moment before the first serve, are left out.
    """

    def __init__(
        self,
        name: str,
        key: PRNGKey,
        hall: Hall,
        *,
        count: int,
        lead: int = 0,
        masks_every: int = 12,
        threads: int = 2,
    ):
        """Simulates the play; pictures are rendered later, by `frames`."""
        scene_key, play_key = jax.random.split(key)
        self.name, self.fps, self.size_hw = name, hall.fps, hall.source_hw
        self.count, self._threads = count, max(1, threads)
        self._functions = _functions(hall)
        self._scene = self._functions["scene"](scene_key)
        length = -(-(lead + count) // CHUNK) * CHUNK
        kept = slice(lead, lead + count)
        play = _simulator(length, hall.fps)(play_key)
        xy, seen = self._functions["labels"](self._scene, play)
        self._play = jax.tree.map(lambda leaf: np.asarray(leaf)[kept], play)
        self._xy, self._seen = np.asarray(xy)[kept], np.asarray(seen)[kept]
        self._masks_every = masks_every
        self._labels: FrameLabels | None = None

    def _moment(self, number: int):
        return jax.tree.map(lambda leaf: leaf[number], self._play)

    def mask(self, numbers) -> Iterator[tuple[int, UInt8[np.ndarray, "128 320 3"]]]:
        """0/1 masks (table, humans, scoreboard) of some frames."""
        background = self._functions["static_small"](self._scene)
        for number in numbers:
            masks = self._functions["masks"](
                self._scene, background, self._moment(number), np.int32(number)
            )
            yield int(number), np.asarray(masks)

    def frame_labels(self, mask_frames) -> FrameLabels:
        """Labels of every frame, with the masks of `mask_frames`."""
        return FrameLabels(
            ball_xy_px=self._xy.astype(np.float32),
            ball_state=np.where(self._seen, VISIBLE, ABSENT).astype(np.int8),
            events={
                "bounce": np.flatnonzero(self._play.bounce),
                "net": np.flatnonzero(self._play.net),
            },
            masks=dict(self.mask(mask_frames)),
            mask_names=primitives.MASKS,
        )

    @property
    def strokes(self) -> np.ndarray:
        """Frames in which a racket hits the ball."""
        return np.flatnonzero(self._play.stroke)

    @property
    def labels(self) -> FrameLabels:
        """Labels of every frame; masks are rendered at the first call."""
        if self._labels is None:
            numbers = range(self._masks_every - 1, self.count, self._masks_every)
            self._labels = self.frame_labels(numbers)
        return self._labels

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """RGB frames in order; a few are rendered ahead."""
        background = self._functions["static"](self._scene)

        def one(number):
            image = self._functions["frame"](
                self._scene, background, self._moment(number), np.int32(number)
            )
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
