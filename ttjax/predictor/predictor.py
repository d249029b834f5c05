"""The predictor: a trained task, its compiled programs, and the ways to feed it."""

import functools
import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

from ttjax import weights
from ttjax.media import nv12 as colours
from ttjax.predictor import programs
from ttjax.predictor.network import Network
from ttjax.predictor.programs import Shape, StreamPrograms
from ttjax.predictor.stream import Stream
from ttjax.task import Task
from ttjax.typing import Variables

BATCH = 8
"""Windows that an accelerator answers at once where the whole clip is there. On CPUs it
is one: what passes between layers then stays in the cache, and a window takes 135 ms
instead of 171 (full network, 2 cores; bench/README.md)."""


class Predictor:
    """A task with its variables, on the default device.

    Predictions are the task's own. A field `masks`, where the family has one, is
    computed on demand only: it is the dear part, and changes slowly.
    """

    def __init__(
        self,
        task: Task,
        variables: Variables,
        *,
        dtype: str | None = None,
        metadata: dict[str, Any] | None = None,
    ):
        """Moves the variables to the device; compiles nothing yet.

        dtype: in which the network computes, "float32", "bfloat16" or "float16"; None:
            float16, on CPUs as the task says.
        metadata: what the checkpoint says of itself.
        """
        self.network: Network = Network.of(task, variables, dtype)
        self.metadata = metadata or {}
        self._streams: dict[Shape, StreamPrograms] = {}
        self._windows: dict[bool, Any] = {}

    @property
    def task(self) -> Task:
        """As it computes; its answers are those of the task that was given."""
        return self.network.task

    @property
    def variables(self) -> Variables:
        """Of `task`, folded for inference, on the device."""
        return self.network.variables

    def stream(
        self,
        size_hw: tuple[int, int],
        *,
        pad_first: bool = False,
        masks_every: int = 0,
        nv12: colours.Matrix | None = None,
        streams: int = 1,
    ) -> Stream:
        """A fresh stream of frames of one size; compiles for this size if it must.

        pad_first: the frames before the first are taken to equal it, so that there are
            predictions from the first frame on.
        masks_every: every so many frames, from the first on, have masks; 0 means none.
        nv12: frames come as the bytes that `ttjax.media.nv12` describes, half of RGB's,
            and this is their colour matrix.
        streams: so many videos, whose frames are pushed together.

        Raises:
            ValueError: the frames are smaller than what the network looks at, or of an
                odd size where that cannot be.
        """
        shape = Shape(size_hw, nv12, streams)
        if shape not in self._streams:
            self._streams[shape] = StreamPrograms(self.network, shape)
        for masks in {masks_every == 1, masks_every > 0}:
            self._streams[shape].step(masks=masks)
        return Stream(
            self.network,
            shape,
            self._streams[shape],
            pad_first=pad_first,
            masks_every=masks_every,
        )

    def predict(self, frames: UInt8[np.ndarray | Array, "t h w 3"]) -> Any:
        """The predictions for one window, oldest frame first, with masks.

        Raises:
            ValueError: another number of frames than the window holds, or frames that
                are smaller than what the network looks at.
        """
        window = self.task.window
        if len(frames) != window.frames:
            raise ValueError(
                f"A window of this model holds {window.frames} frames, got "
                f"{len(frames)}: give exactly those, or use `stream` for a whole video."
            )
        # Frames between those of a window are not looked at.
        spread = [frame for frame in frames for _ in range(window.stride)]
        return next(self.windows(spread[window.stride - 1 :], batch=1, masks=True))

    def clip(
        self,
        frames: UInt8[np.ndarray | Array, "n h w 3"],
        *,
        batch: int | None = None,
        masks: bool = False,
    ) -> Any:
        """The predictions of every window of a clip, in order, as numpy arrays.

        What `stream` would give one by one: windows n - span + 1.

        batch: windows that are answered at once; None: `BATCH`, on CPUs one.

        Raises:
            ValueError: the clip is shorter than a window, or its frames too small.
        """
        found = [
            jax.tree.map(np.asarray, part)
            for part in self.windows(frames, batch=batch, masks=masks)
        ]
        return jax.tree.map(lambda *parts: np.concatenate(parts), *found)

    def windows(
        self,
        frames: Iterable[UInt8[np.ndarray | Array, "h w 3"]],
        *,
        batch: int | None = None,
        masks: bool = False,
    ) -> Iterator[Any]:
        """Predictions of `batch` windows after the other; the last part may be smaller.

        batch: None: `BATCH`, on CPUs one.

        Every frame is copied to the device once, and no more than a batch with one
        window's frames before it lies there, however long the video is.

        Raises:
            ValueError: fewer frames than a window spans, or frames that are too small.
        """
        if batch is None:
            batch = 1 if jax.default_backend() == "cpu" else BATCH
        coming, span = iter(frames), self.task.window.span
        first = list(itertools.islice(coming, span - 1))
        part = list(itertools.islice(coming, batch))
        if not part:
            raise ValueError(
                f"A window of this model spans {span} frames, got {len(first)}: give a "
                "longer clip."
            )
        size_hw = (int(part[0].shape[0]), int(part[0].shape[1]))
        self.task.sample.check_frame(size_hw)
        if batch == 1:
            # A ring moves one frame at a time; a tail would be copied for each.
            stream = self.stream(size_hw)
            pushed = (stream.push(f, masks=masks) for f in (*first, *part))
            later = (stream.push(frame, masks=masks) for frame in coming)
            yield from (p for p in itertools.chain(pushed, later) if p is not None)
            return
        tail = self._seen(_together(first, size_hw))
        while part:
            count = len(part)
            full = part + [part[-1]] * (batch - count)
            tail, predictions = self._answered(masks)(
                self.variables, tail, _together(full, size_hw)
            )
            yield _upto(predictions, count)
            part = list(itertools.islice(coming, batch))

    @functools.cached_property
    def _seen(self) -> Any:
        return jax.jit(functools.partial(programs.seen, self.network))

    def _answered(self, masks: bool) -> Any:
        if masks not in self._windows:
            answered = functools.partial(programs.windows, self.network, masks=masks)
            self._windows[masks] = jax.jit(answered)
        return self._windows[masks]


def _together(
    frames: list[UInt8[np.ndarray | Array, "h w 3"]], size_hw: tuple[int, ...]
) -> UInt8[Array, "n h w 3"]:
    """On the device, in one array that nobody else holds."""
    if not frames:
        return jnp.zeros((0, *size_hw, 3), jnp.uint8)
    if isinstance(frames[0], np.ndarray):
        return jax.device_put(np.stack(frames))
    return jnp.stack(frames)


def _upto(predictions: Any, count: int) -> Any:
    """The first rows of every array."""
    return jax.tree.map(
        lambda leaf: leaf if len(leaf) == count else leaf[:count], predictions
    )


def load(
    path: pathlib.Path | str, which: str = "best", *, dtype: str | None = None
) -> Predictor:
    """The predictor of weights that ship, of a run, or of one checkpoint.

    path: the name of weights that ship (`ttjax.weights.names()`), where no file or
        folder is called so; else the directory of a run, of a checkpoint, or of
        published weights. which: checkpoint of a run, "best" or "latest".
    dtype: as of `Predictor`.

    Raises:
        FileNotFoundError: there is no such name, and no whole checkpoint.
        ValueError: it names a class that is not registered, or a file is damaged.
    """
    task, variables, metadata = weights.load(path, which)  # pyright: ignore[reportArgumentType]
    return Predictor(task, variables, dtype=dtype, metadata=metadata)
