"""A trained model, applied to frames: to one window, or to a whole video as a stream.

Whole RGB frames of any size go in. Each is copied to the device once, downscaled there,
and stays in a ring as long as a window needs it; answers come back in source pixels.
The predictor knows a family only through its `Task`.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

from ttjax.samples import OnDevice
from ttjax.task import Task
from ttjax.typing import Variables

Item = TypeVar("Item")

Frame = UInt8[np.ndarray | Array, "h w 3"]


@flax.struct.dataclass
class Kept:
    """What stays of a frame: its view, and itself where crops are cut from it."""

    view: Any
    frame: OnDevice | None


class Predictor:
    """A task with its variables, on the default device.

    Predictions are the task's own, with a batch axis of one. A field `masks`, where the
    family has one, is computed on demand only: it is the dear part, and changes slowly.
    """

    def __init__(
        self,
        task: Task,
        variables: Variables,
        *,
        metadata: dict[str, Any] | None = None,
    ):
        """Moves the variables to the device; compiles nothing yet.

        metadata: what the checkpoint says of itself.
        """
        self.task = task
        self.variables = jax.device_put(variables)
        self.metadata = metadata or {}
        self._compiled: dict[tuple[tuple[int, int], bool], Any] = {}
        self._view = jax.jit(task.sample.view)

    def stream(
        self,
        size_hw: tuple[int, int],
        *,
        pad_first: bool = False,
        masks_every: int = 0,
    ) -> "Stream":
        """A fresh stream of frames of one size; compiles for this size if it must.

        pad_first: the frames before the first are taken to equal it, so that there are
            predictions from the first frame on.
        masks_every: every so many frames, from the first on, have masks; 0 means none.

        Raises:
            ValueError: the frames are smaller than what the network looks at.
        """
        for masks in {masks_every == 1, masks_every > 0}:
            self.compile(size_hw, masks=masks)
        return Stream(self, size_hw, pad_first=pad_first, masks_every=masks_every)

    def predict(self, frames: UInt8[np.ndarray | Array, "t h w 3"]) -> Any:
        """The predictions for one window, oldest frame first, with masks.

        Raises:
            ValueError: another number of frames than the window holds, or frames that
                are smaller than what the network looks at.
        """
        wanted = self.task.window.frames
        if len(frames) != wanted:
            raise ValueError(
                f"A window of this model holds {wanted} frames, got {len(frames)}: "
                "give exactly those, or use `stream` for a whole video."
            )
        height, width = frames.shape[1:3]
        size_hw = (int(height), int(width))
        step = self.compile(size_hw, masks=True)
        placed = [self._placed(frame, size_hw) for frame in frames]
        older = tuple(self._kept(frame) for frame in placed[:-1])
        return step(self.variables, older, placed[-1])[1]

    def compile(self, size_hw: tuple[int, int], *, masks: bool = False) -> Any:
        """The compiled step for frames of one size; repeated calls give the same one.

        `step(variables, older, frame) -> (view, predictions)`: `older` holds what was
        kept of the window's other frames, oldest first; `frame` is `[1, h, w, 3]`.

        Raises:
            ValueError: the frames are smaller than what the network looks at.
        """
        sample = self.task.sample
        key = (size_hw, masks and sample.has_masks)
        if key not in self._compiled:
            sample.check_frame(size_hw)
            step = self._step_with_masks if masks else self._step
            frame: Any = jax.ShapeDtypeStruct((1, *size_hw, 3), np.uint8)
            view: Any = jax.eval_shape(sample.view, frame)
            kept = Kept(view, frame if sample.keeps_frames else None)
            older = (kept,) * (self.task.window.frames - 1)
            lowered = jax.jit(step).lower(self.variables, older, frame)
            self._compiled[key] = lowered.compile()
        return self._compiled[key]

    def _placed(self, frame: Frame, size_hw: tuple[int, int]) -> OnDevice:
        """The frame on the device: a copy, the caller may write into his own."""
        if tuple(frame.shape) != (*size_hw, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"Every frame is {size_hw[0]} x {size_hw[1]} px in RGB bytes as the "
                f"first, got {frame.dtype} {tuple(frame.shape)}: open another stream "
                "for it."
            )
        # A copy that nobody else holds: JAX may share a numpy array's memory, or read
        # it later, even where it is told to copy.
        private = np.array(frame) if isinstance(frame, np.ndarray) else frame
        return jax.device_put(private[None])

    def _kept(self, frame: OnDevice) -> Kept:
        keeps = self.task.sample.keeps_frames
        return Kept(self._view(frame), frame if keeps else None)

    def _step(
        self, variables: Variables, older: tuple[Kept, ...], frame: OnDevice
    ) -> tuple[Any, Any]:
        view, predictions = self._step_with_masks(variables, older, frame)
        # What nobody asks for is left out of the compiled program.
        if hasattr(predictions, "masks"):
            predictions = dataclasses.replace(predictions, masks=None)
        return view, predictions

    def _step_with_masks(
        self, variables: Variables, older: tuple[Kept, ...], frame: OnDevice
    ) -> tuple[Any, Any]:
        sample = self.task.sample
        view = sample.view(frame)
        frames: Any = [*(kept.frame for kept in older), frame]
        example = sample.example(
            [*(kept.view for kept in older), view],
            frames if sample.keeps_frames else None,
            (frame.shape[1], frame.shape[2]),
        )
        inputs = self.task.inputs(example, None, jnp.float32(1.0))
        outputs = self.task.config.model.apply(variables, inputs)
        return view, self.task.decode(outputs, inputs)


class Stream:
    """A video, pushed frame by frame; holds one window of frames on the device."""

    def __init__(
        self,
        predictor: Predictor,
        size_hw: tuple[int, int],
        *,
        pad_first: bool = False,
        masks_every: int = 0,
    ):
        """Starts before the first frame; `Predictor.stream` explains the options."""
        self.size_hw = size_hw
        self.pushed = 0
        self._predictor = predictor
        self._pad_first = pad_first
        self._masks_every = masks_every
        self._older: collections.deque[Kept] = collections.deque(
            maxlen=predictor.task.window.span - 1
        )

    def push(self, frame: Frame, *, masks: bool | None = None) -> Any:
        """The predictions of the window that this frame ends; None until it is full.

        They are on the device and may still be under way.

        masks: whether this window's masks are computed; None: as `masks_every` says.

        Raises:
            ValueError: a frame of another size.
        """
        predictor, every = self._predictor, self._masks_every
        placed = predictor._placed(frame, self.size_hw)
        number, self.pushed = self.pushed, self.pushed + 1
        room = predictor.task.window.span - 1
        if self._pad_first and not number:
            self._older.extend([predictor._kept(placed)] * room)
        if len(self._older) < room:
            self._older.append(predictor._kept(placed))
            return None
        if masks is None:
            masks = every > 0 and number % every == 0
        step = predictor.compile(self.size_hw, masks=masks)
        older = tuple(self._older)[:: predictor.task.window.stride]
        view, predictions = step(predictor.variables, older, placed)
        keeps = predictor.task.sample.keeps_frames
        self._older.append(Kept(view, placed if keeps else None))
        return predictions


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


def load(path: pathlib.Path | str, which: str = "best") -> Predictor:
    """The predictor of a run's best checkpoint, its latest one, or of one directory.

    Raises:
        FileNotFoundError: there is no whole checkpoint.
        ValueError: it names a class that is not registered.
    """
    from ttjax import checkpoints

    task, variables, metadata = checkpoints.load(path, which)  # pyright: ignore[reportArgumentType]
    return Predictor(task, variables, metadata=metadata)
