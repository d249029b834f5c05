"""A video, pushed frame by frame; its last frames lie on the device."""

import collections
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Array, UInt8

from ttjax.predictor.network import Network
from ttjax.predictor.programs import Shape, StreamPrograms

Item = TypeVar("Item")

Frame = UInt8[np.ndarray | Array, "*shape"]
"""`[h, w, 3]` RGB or `[3 * h / 2, w]` NV12; of several streams stacked."""


class Stream:
    """One video, or several at once in step; holds one window of frames of each."""

    def __init__(
        self,
        network: Network,
        shape: Shape,
        programs: StreamPrograms,
        *,
        pad_first: bool = False,
        masks_every: int = 0,
    ):
        """Starts before the first frame; `Predictor.stream` explains the options."""
        self.size_hw = shape.size_hw
        self.pushed = 0
        self._network, self._shape, self._programs = network, shape, programs
        self._pad_first, self._masks_every = pad_first, masks_every
        self._ring: Any = None

    def push(self, frame: Frame, *, masks: bool | None = None) -> Any:
        """The predictions of the window that this frame ends; None until it is full.

        They are on the device and may still be under way. Their batch axis counts the
        streams.

        masks: whether this window's masks are computed; None: as `masks_every` says.

        Raises:
            ValueError: a frame of another size.
        """
        placed = self._placed(frame)
        number, self.pushed = self.pushed, self.pushed + 1
        if masks is None:
            masks = self._masks_every > 0 and number % self._masks_every == 0
        full = self._pad_first or self.pushed >= self._network.task.window.span
        if self._ring is None:
            self._ring = self._programs.start(placed)
        if not full:
            self._ring = self._programs.advance(self._ring, placed)
            return None
        step = self._programs.step(masks=masks)
        self._ring, predictions = step(self._network.variables, self._ring, placed)
        return predictions

    def _placed(self, frame: Frame) -> UInt8[Array, "b *one"]:
        """The frame on the device: a copy, the caller may write into his own."""
        shape, streams = self._shape.frame, self._shape.streams
        wanted = shape if streams == 1 else (streams, *shape)
        if tuple(frame.shape) != wanted or frame.dtype != np.uint8:
            h, w = self.size_hw
            kind = "RGB" if self._shape.matrix is None else "NV12"
            raise ValueError(
                f"Every frame is {h} x {w} px in {kind} bytes as the first, that is "
                f"{wanted}, got {frame.dtype} {tuple(frame.shape)}: open another "
                "stream for it."
            )
        return jax.device_put(private(frame).reshape(streams, *shape))


def private(frame: Frame) -> Frame:
    """A copy that nobody else holds.

    JAX may share a numpy array's memory, or read it later, even where it is told to
    copy.
    """
    return np.array(frame) if isinstance(frame, np.ndarray) else frame


def one_behind(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each given once the next has been made.

    The device works on the newest while the host is busy with the one before.
    """
    waiting: collections.deque[Item] = collections.deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting
