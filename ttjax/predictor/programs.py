"""The compiled programs of a predictor: pure functions of a network and of frames.

One program takes a ring, the newest frame and the variables, and gives the ring and the
answers: bytes in, a few hundred bytes out, nothing on the host between. Another takes
consecutive frames and answers for all windows that end in them.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

from ttjax.media import nv12
from ttjax.predictor import ring
from ttjax.predictor.network import Network
from ttjax.predictor.ring import Ring
from ttjax.samples import FramePool
from ttjax.typing import Variables


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a stream's programs are compiled for.

    matrix: of the colours where frames come as NV12; None: they are RGB.
    streams: how many at once.
    """

    size_hw: tuple[int, int]
    matrix: nv12.Matrix | None = None
    streams: int = 1

    @property
    def frame(self) -> tuple[int, ...]:
        """The shape of one pushed frame, of one stream."""
        h, w = self.size_hw
        return (h, w, 3) if self.matrix is None else (3 * h // 2, w)

    def check(self) -> None:
        """Raises ValueError where frames of this size do not exist."""
        h, w = self.size_hw
        if self.matrix is not None:
            nv12.check((3 * h // 2 if h % 2 == 0 else h, w))
        if self.streams < 1:
            raise ValueError(
                f"There is at least one stream, got streams={self.streams}."
            )


class StreamPrograms:
    """Compiled for one shape; each donates the ring that it takes.

    start: `(frame) -> ring`, all of whose frames are this one.
    advance: `(ring, frame) -> ring`.
    """

    def __init__(self, network: Network, shape: Shape):
        """Compiles all but the steps.

        Raises:
            ValueError: frames that are smaller than what the network looks at.
        """
        shape.check()
        network.task.sample.check_frame(shape.size_hw)
        self._network, self._shape = network, shape
        self._frame: Any = jax.ShapeDtypeStruct((shape.streams, *shape.frame), np.uint8)
        self.start: Any = jax.jit(self._start).lower(self._frame).compile()
        self._kept = jax.eval_shape(self._start, self._frame)
        advance = jax.jit(self._advance, donate_argnums=0)
        self.advance: Any = advance.lower(self._kept, self._frame).compile()
        self._steps: dict[bool, Any] = {}

    def step(self, *, masks: bool) -> Any:
        """`(variables, ring, frame) -> (ring, predictions)`; compiled once."""
        masks = masks and self._network.task.sample.has_masks
        if masks not in self._steps:
            step = functools.partial(self._step, masks=masks)
            lowered = jax.jit(step, donate_argnums=1).lower(
                self._network.variables, self._kept, self._frame
            )
            self._steps[masks] = lowered.compile()
        return self._steps[masks]

    def _start(self, frame: Array) -> Ring:
        return ring.full_of(self._network.task.sample, _rgb(frame, self._shape))

    def _advance(self, old: Ring, frame: Array) -> Ring:
        return ring.pushed(old, self._network.task.sample, _rgb(frame, self._shape))

    def _step(
        self, variables: Variables, old: Ring, frame: Array, *, masks: bool
    ) -> tuple[Ring, Any]:
        new, sample = self._advance(old, frame), self._network.task.sample
        views, frames = ring.window_of(new, sample.window)
        example = sample.example(views, frames, self._shape.size_hw)
        return new, self._network.answer(variables, example, masks=masks)


def windows(
    network: Network,
    variables: Variables,
    tail: tuple[Any, Any],
    frames: UInt8[Array, "b h w 3"],
    *,
    masks: bool,
) -> tuple[tuple[Any, Any], Any]:
    """Answers for the windows that end in each of these frames.

    tail: views and frames before them, one less than a window spans; `seen` makes the
        first. Its successor is given back.
    """
    sample = network.task.sample
    window, count = sample.window, len(frames)
    views = jax.tree.map(_joined, tail[0], sample.view(frames))
    whole = _joined(tail[1], frames) if sample.keeps_frames else None
    at = jnp.arange(count)[:, None] + jnp.arange(window.frames)[None] * window.stride
    pool = None if whole is None else FramePool(whole, at.astype(jnp.int32))
    example = sample.example(
        jax.tree.map(lambda leaf: leaf[at], views),
        pool,
        (frames.shape[1], frames.shape[2]),
    )
    new = jax.tree.map(lambda leaf: leaf[count:], (views, whole))
    return new, network.answer(variables, example, masks=masks)


def seen(network: Network, frames: UInt8[Array, "n h w 3"]) -> tuple[Any, Any]:
    """What `windows` has to know of the frames before the first window's last."""
    sample = network.task.sample
    return sample.view(frames), frames if sample.keeps_frames else None


def _joined(before: Array, after: Array) -> Array:
    return jnp.concatenate([before, after], axis=0)


def _rgb(frame: Array, shape: Shape) -> Array:
    return frame if shape.matrix is None else nv12.rgb(frame, shape.matrix)
