"""What data and simulation give, and what families of models take.

A `Clip` is a stack of frames at two scales with its labels; a `Recording` is a whole
video with a label table; a `Source` yields batches of clips; `Data` opens sources and
recordings. Points are xy in source pixels (pixel *i* spans [i, i + 1)), sizes (h, w).
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float32, Int8, Int32, UInt8

from ttjax.nn import resize
from ttjax.typing import Stacks

ABSENT, VISIBLE, UNKNOWN = 0, 1, -1
"""States of the ball in a frame: not in the picture, seen, not labelled."""

NO_EVENT = np.float32(np.inf)
"""`Labels.event_offset` where no event of that kind is near."""

Split = Literal["train", "validation", "test"]


@dataclasses.dataclass(frozen=True)
class Window:
    """Which frames a stack holds, and to which of them its labels belong.

    `ball_at` (ball, masks) defaults to the last frame and `event_at` to the middle one,
    of an even count the later. `stride` counts source frames between two frames of a
    stack.
    """

    frames: int = 9
    stride: int = 1
    # Never None once made, and so for the type checker.
    ball_at: int = None  # pyright: ignore[reportAssignmentType]
    event_at: int = None  # pyright: ignore[reportAssignmentType]

    def __post_init__(self):
        """Fills in the defaults and checks the ranges."""
        if not 1 <= self.frames <= 64:
            raise ValueError(
                f"A window holds 1 to 64 frames, got {self.frames}: set `frames`."
            )
        if self.stride < 1:
            raise ValueError(f"A window's stride is at least 1, got {self.stride}.")
        if self.ball_at is None:
            object.__setattr__(self, "ball_at", self.frames - 1)
        if self.event_at is None:
            object.__setattr__(self, "event_at", self.frames // 2)
        for name in ("ball_at", "event_at"):
            if not 0 <= getattr(self, name) < self.frames:
                raise ValueError(
                    f"`{name}` is one of the frames 0..{self.frames - 1} of the "
                    f"window, got {getattr(self, name)}: set it to one of them."
                )

    @property
    def span(self) -> int:
        """Source frames from the first to the last frame of a stack, both counted."""
        return (self.frames - 1) * self.stride + 1

    def offset(self, index: int) -> int:
        """Source frames from the newest frame of the stack to frame `index` (<= 0)."""
        return (index - self.frames + 1) * self.stride


_TIE = 2.0**-10
"""Grey levels; means that lie between two levels go up, however they were added."""


@flax.struct.dataclass
class FramePool:
    """Whole frames that windows share, on the device once.

    pixels: k frames in any order. at: which of them is frame t of window b.
    """

    pixels: UInt8[Array | np.ndarray, "k h w 3"]
    at: Int32[Array | np.ndarray, "b t"]


@dataclasses.dataclass(frozen=True)
class ClipSpec:
    """What a family asks of its data: the window, the sizes, the names of the classes.

    `canvas_hw` is None where no full-resolution pixels are needed.
    """

    window: Window
    frame_hw: tuple[int, int]
    canvas_hw: tuple[int, int] | None
    events: tuple[str, ...]
    masks: tuple[str, ...]

    @property
    def keeps_frames(self) -> bool:
        """Whether crops are cut from the whole frames."""
        return self.canvas_hw is not None

    @property
    def has_masks(self) -> bool:
        """Whether masks are predicted: the dear part, which changes slowly."""
        return bool(self.masks)

    def check_frame(self, size_hw: tuple[int, int]) -> None:
        """Checks the size of source frames.

        Raises:
            ValueError: they are smaller than the network's view.
        """
        if any(got < least for got, least in zip(size_hw, self.frame_hw, strict=True)):
            raise ValueError(
                f"Frames are at least as large as the network's view of "
                f"{self.frame_hw[0]} x {self.frame_hw[1]} px, got {size_hw[0]} x "
                f"{size_hw[1]}: enlarge the video."
            )

    def view(self, frame: UInt8[Array, "b h w 3"]) -> UInt8[Array, "b hs ws 3"]:
        """The frames downscaled."""
        mean = resize.area(frame, self.frame_hw)
        return jnp.floor(mean + (0.5 + _TIE)).astype(jnp.uint8)

    def example(
        self,
        views: UInt8[Array, "b t hs ws 3"],
        frames: FramePool | None,
        size_hw: tuple[int, int],
    ) -> "Clip":
        """Clips without labels, their canvas the whole frames."""
        b, t = views.shape[:2]
        e, m = len(self.events), len(self.masks)
        return Clip(
            frames=views,
            canvas=frames,
            canvas_xy=jnp.zeros((b, 2), jnp.int32),
            source_hw=jnp.broadcast_to(jnp.array(size_hw, jnp.int32), (b, 2)),
            labels=Labels(
                ball_xy_px=jnp.zeros((b, t, 2), jnp.float32),
                ball_state=jnp.full((b, t), UNKNOWN, jnp.int8),
                event_offset=jnp.full((b, e), NO_EVENT, jnp.float32),
                event_known=jnp.zeros((b, e), jnp.bool_),
                masks=jnp.zeros((b, *self.frame_hw, m), jnp.uint8),
                masks_known=jnp.zeros((b, m), jnp.bool_),
            ),
        )

    def batch(self, batch_size: int) -> "Clip":
        """`jax.ShapeDtypeStruct`s of a batch of clips."""

        def leaf(dtype: Any, *shape: int) -> Any:
            return jax.ShapeDtypeStruct((batch_size, *shape), dtype)

        t, e, m = self.window.frames, len(self.events), len(self.masks)
        canvas = (
            None if self.canvas_hw is None else leaf(np.uint8, t, *self.canvas_hw, 3)
        )
        return Clip(
            frames=leaf(np.uint8, t, *self.frame_hw, 3),
            canvas=canvas,
            canvas_xy=leaf(np.int32, 2),
            source_hw=leaf(np.int32, 2),
            labels=Labels(
                ball_xy_px=leaf(np.float32, t, 2),
                ball_state=leaf(np.int8, t),
                event_offset=leaf(np.float32, e),
                event_known=leaf(np.bool_, e),
                masks=leaf(np.uint8, *self.frame_hw, m),
                masks_known=leaf(np.bool_, m),
            ),
        )


@flax.struct.dataclass
class Labels:
    """What is known of a stack. Leading axes are free: one example or a batch.

    ball_xy_px: ball centre in every frame of the stack, source px; any finite value
        where the ball is not visible.
    ball_state: `VISIBLE`, `ABSENT` or `UNKNOWN` per frame.
    event_offset: window steps from the window's event frame to the nearest event of
        each kind, signed; `NO_EVENT` where none is near.
    event_known: False where events of that kind were not annotated around this window.
    masks: 0 or 1 per class at the size of `Clip.frames`, of the frame `window.ball_at`.
    masks_known: False where that class was not annotated in this frame.
    """

    ball_xy_px: Float32[Array | np.ndarray, "*b t 2"]
    ball_state: Int8[Array | np.ndarray, "*b t"]
    event_offset: Float32[Array | np.ndarray, "*b e"]
    event_known: Bool[Array | np.ndarray, "*b e"]
    masks: UInt8[Array | np.ndarray, "*b h w m"]
    masks_known: Bool[Array | np.ndarray, "*b m"]


@flax.struct.dataclass
class Clip:
    """A frame stack at two scales, with its labels.

    frames: the whole frame, downscaled (area average) to the network's input.
    canvas: full-resolution pixels of a part of the frame, the same part in all frames;
        a whole frame is the case `canvas_xy == (0, 0)`. A `FramePool` holds whole
        frames that are never copied into one array per window.
    canvas_xy: source px of the canvas' left upper corner.
    source_hw: size of the whole source frame.
    """

    frames: Stacks
    canvas: UInt8[Array | np.ndarray, "*b t hc wc 3"] | FramePool | None
    canvas_xy: Int32[Array | np.ndarray, "*b 2"]
    source_hw: Int32[Array | np.ndarray, "*b 2"]
    labels: Labels


@dataclasses.dataclass(frozen=True)
class FrameLabels:
    """The label table of a recording of n frames.

    events: kind -> frame numbers, ascending; a kind that is missing was not annotated.
    masks: frame number -> 0/1 masks `[h, w, m]` at any one size, channels named
        `mask_names`.
    """

    ball_xy_px: Float32[np.ndarray, "n 2"]
    ball_state: Int8[np.ndarray, " n"]
    events: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    masks: Mapping[int, np.ndarray] = dataclasses.field(default_factory=dict)
    mask_names: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Number of labelled frames."""
        return len(self.ball_state)


@runtime_checkable
class ExampleLabels(Protocol):
    """The labels of a recording whose every frame is an example of its own."""

    @property
    def length(self) -> int:
        """Number of labelled frames."""
        ...

    def example_labels(self, number: int) -> Any:
        """What is known of one frame, as the family's evaluator takes it; unbatched."""
        ...


@runtime_checkable
class Recording(Protocol):
    """A video, read once from its first frame to its last."""

    @property
    def name(self) -> str:
        """Unique in its split."""
        ...

    @property
    def fps(self) -> float:
        """Mean frame rate."""
        ...

    @property
    def size_hw(self) -> tuple[int, int]:
        """Of its frames."""
        ...

    @property
    def labels(self) -> FrameLabels | ExampleLabels | None:
        """None where there are none."""
        ...

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """RGB frames in order, read lazily."""
        ...


@runtime_checkable
class Source(Protocol):
    """An endless stream of batches whose position can be saved."""

    def next_batch(self) -> Any:
        """The next batch, in the shapes that the task's sample spec gives."""
        ...

    def state(self) -> dict[str, Any]:
        """The position in the stream, as JSON values.

        What it may hold as `drawn`, class of sample -> samples so far, goes into the
        run's log; a class within another is called "other/class".
        """
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Returns to a saved position: the same batches follow, bit for bit."""
        ...


@runtime_checkable
class Data(Protocol):
    """Where a run's samples come from.

    It may have `licences`, texts: they go into every checkpoint that saw the data.
    """

    def train(self, spec: Any, *, batch_size: int, seed: int) -> Source:
        """Training batches, endless."""
        ...

    def validation(self, spec: Any, *, batch_size: int) -> Iterable[Any]:
        """The same finite batches at every call; none without a validation set."""
        ...

    def recordings(self, split: Split) -> Iterable[Recording]:
        """Whole labelled videos, for evaluation from untrimmed frames."""
        ...


def licences_of(data: Data) -> tuple[str, ...]:
    """The licences of recordings that the samples show; empty where none is stated."""
    return tuple(getattr(data, "licences", ()))
