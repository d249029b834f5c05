"""Recorded stacks -> the clips that a spec asks for."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from ttjax.pipeline import clips
from ttjax.pipeline.stack_pixels import Images, OpenStack, StackReader
from ttjax.samples import NO_EVENT, VISIBLE, Clip, ClipSpec, Labels, Window


@dataclasses.dataclass(frozen=True, eq=False)
class StackClips:
    """Recorded stacks as `ttjax.pipeline.loader.Records`.

    events, masks: names of the records' classes, in their order.
    jitter: how far from the middle of a canvas the ball is placed at most, 1 for its
        border; the canvas stays inside the recorded one.
    away: share of the canvases that are drawn anywhere in the recorded one.
    stride: source frames between two frames of a recorded stack.
    strides: multiples of the spec's stride, one of them drawn for each clip.
    chosen: the stacks that count; None for all.
    """

    spec: ClipSpec
    stacks: StackReader
    events: tuple[str, ...]
    masks: tuple[str, ...]
    jitter: float
    away: float
    stride: int = 1
    strides: tuple[int, ...] = (1,)
    chosen: Int64[np.ndarray, " k"] | None = None

    def __len__(self) -> int:
        """Number of stacks."""
        return len(self.stacks if self.chosen is None else self.chosen)

    def sample(self, index: int, rng: np.random.Generator) -> Clip:
        """One clip; `rng` draws its stride and places its canvas.

        Raises:
            ValueError: the record does not fit the spec, or is damaged.
        """
        place = index if self.chosen is None else int(self.chosen[index])
        stack = self.stacks[place]
        multiple = self.strides[rng.integers(len(self.strides))]
        recorded = len(stack.facts.ball_state)
        picked = pick(self.spec.window, recorded, self.stride, multiple)
        if picked is None:
            raise _too_short(self.spec, recorded, self.stride, stack.facts.place)
        frames = stack.frames(picked)
        check_frames(stack, frames, self.spec)
        canvas, corner = None, np.zeros(2, np.int32)
        if self.spec.canvas_hw is not None:
            canvas, corner = self._canvas(stack, picked, self.spec.canvas_hw, rng)
        return Clip(
            frames=frames if isinstance(frames, np.ndarray) else np.stack(frames),
            canvas=canvas,
            canvas_xy=corner,
            source_hw=np.array(stack.facts.source_hw, np.int32),
            labels=self._labels(stack, picked),
        )

    def _canvas(
        self,
        stack: OpenStack,
        picked: slice,
        hw: tuple[int, int],
        rng: np.random.Generator,
    ) -> tuple[UInt8[np.ndarray, "t hc wc 3"], np.ndarray]:
        """The cut canvas, and its left upper corner in source px."""
        whole, facts = stack.canvas(picked), stack.facts
        check_canvas(stack, whole, hw)
        at = picked.start + picked.step * self.spec.window.ball_at
        ball = facts.ball_xy_px[at] - facts.canvas_xy
        x, y = clips.canvas_corner(
            rng,
            ball if facts.ball_state[at] == VISIBLE else None,
            size_hw=(whole[0].shape[0], whole[0].shape[1]),
            canvas_hw=hw,
            jitter=self.jitter,
            away=self.away,
        )
        rows, columns = slice(y, y + hw[0]), slice(x, x + hw[1])
        if isinstance(whole, np.ndarray):  # not copied: the batch will be a copy
            cut = whole[:, rows, columns]
        else:
            cut = np.stack([image[rows, columns] for image in whole])
        return cut, facts.canvas_xy + np.array([x, y], np.int32)

    def _labels(self, stack: OpenStack, picked: slice) -> Labels:
        facts, spec = stack.facts, self.spec
        # Recorded offsets count from the middle frame of the whole stack.
        middle = picked.start + picked.step * spec.window.event_at
        later = middle - len(facts.ball_state) // 2
        offset = np.full(len(spec.events), NO_EVENT, np.float32)
        event_known = np.zeros(len(spec.events), np.bool_)
        for place, name in enumerate(spec.events):
            if name in self.events:
                of = self.events.index(name)
                offset[place] = (facts.event_offset[of] - later) / picked.step
                event_known[place] = facts.event_known[of]
        masks = np.zeros((*spec.frame_hw, len(spec.masks)), np.uint8)
        masks_known = np.zeros(len(spec.masks), np.bool_)
        given = stack.masks() if spec.masks else None
        for place, name in enumerate(spec.masks):
            if given is not None and name in self.masks:
                masks[..., place] = given[..., self.masks.index(name)]
                masks_known[place] = True
        return Labels(
            ball_xy_px=np.array(facts.ball_xy_px[picked]),
            ball_state=np.array(facts.ball_state[picked]),
            event_offset=offset,
            event_known=event_known,
            masks=masks,
            masks_known=masks_known,
        )


def pick(window: Window, frames: int, stride: int, multiple: int = 1) -> slice | None:
    """Which of a recorded stack's frames are a window's: the newest is that of both.

    frames, stride: of the recorded stack.
    multiple: of the window's stride.

    None where it does not hold so many frames so far apart.
    """
    step, between = divmod(window.stride * multiple, stride)
    oldest = frames - 1 - (window.frames - 1) * step
    return None if between or oldest < 0 else slice(oldest, frames, step)


def check_window(
    spec: ClipSpec,
    frames: int,
    stride: int,
    where: str,
    strides: Sequence[int] = (1,),
) -> None:
    """Checks that the windows of the spec can be cut from recorded stacks.

    frames, stride: of the recorded stacks; `where` names them.
    strides: multiples of the window's stride that are drawn.

    Raises:
        ValueError: they cannot.
    """
    window = spec.window
    if not strides or min(strides) < 1:
        raise ValueError(
            f"`strides` are multiples of the window's stride, got {tuple(strides)}: "
            "name at least one, each 1 or more."
        )
    for multiple in strides:
        if pick(window, frames, stride, multiple) is None:
            raise _too_short(spec, frames, stride, where, multiple)
    if spec.masks and window.ball_at != window.frames - 1:
        raise ValueError(
            f"Masks are recorded of the newest frame, {window.frames - 1}, of a stack, "
            f"the task takes those of frame {window.ball_at}: leave `ball_at` out, or "
            "train without masks."
        )


def _too_short(
    spec: ClipSpec, frames: int, stride: int, where: str, multiple: int = 1
) -> ValueError:
    window, times = spec.window, f" times {multiple}" if multiple > 1 else ""
    return ValueError(
        f"A task's window is cut from a recorded stack, {where} holds stacks of "
        f"{frames} frames at stride {stride}, the task takes {window.frames} at stride "
        f"{window.stride}{times}: set `Window(frames={frames}, stride={stride})` or "
        "build the data set with more frames."
    )


def check_frames(stack: OpenStack, frames: Images, spec: ClipSpec) -> None:
    """Checks the size of a stack's whole frames.

    Raises:
        ValueError: the spec takes another.
    """
    if frames[0].shape[:2] != spec.frame_hw:
        raise ValueError(
            f"A task takes frames of {_size(spec.frame_hw)}, {stack.facts.place} has "
            f"them of {_size(frames[0].shape)}: set the task's `frame_hw` to this, or "
            "build the data set again."
        )


def check_canvas(stack: OpenStack, canvas: Images, hw: tuple[int, int]) -> None:
    """Checks that a canvas of this size can be cut from the recorded one.

    Raises:
        ValueError: it is larger.
    """
    have = canvas[0].shape[:2]
    if have[0] < hw[0] or have[1] < hw[1]:
        raise ValueError(
            f"A canvas is cut from the recorded one, {stack.facts.place} has "
            f"{_size(have)}, the task takes {_size(hw)}: take a smaller crop or margin "
            "in the task, or build the data set with larger canvases."
        )


def _size(hw: Sequence[int]) -> str:
    return f"{hw[0]} x {hw[1]} px"
