"""Recorded stacks -> the clips that a spec asks for."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from ttjax.pipeline import clips
from ttjax.pipeline.stack_pixels import Images, OpenStack, StackReader
from ttjax.samples import NO_EVENT, VISIBLE, Clip, ClipSpec, Labels


@dataclasses.dataclass(frozen=True, eq=False)
class StackClips:
    """Recorded stacks as `ttjax.pipeline.loader.Records`.

    events, masks: names of the records' classes, in their order.
    jitter: how far from the middle of a canvas the ball is placed at most, 1 for its
        border; the canvas stays inside the recorded one.
    away: share of the canvases that are drawn anywhere in the recorded one.
    chosen: the stacks that count; None for all.
    """

    spec: ClipSpec
    stacks: StackReader
    events: tuple[str, ...]
    masks: tuple[str, ...]
    jitter: float
    away: float
    chosen: Int64[np.ndarray, " k"] | None = None

    def __len__(self) -> int:
        """Number of stacks."""
        return len(self.stacks if self.chosen is None else self.chosen)

    def sample(self, index: int, rng: np.random.Generator) -> Clip:
        """One clip; `rng` places its canvas.

        Raises:
            ValueError: the record does not fit the spec, or is damaged.
        """
        place = index if self.chosen is None else int(self.chosen[index])
        stack = self.stacks[place]
        frames = stack.frames()
        check_frames(stack, frames, self.spec)
        canvas, corner = None, np.zeros(2, np.int32)
        if self.spec.canvas_hw is not None:
            canvas, corner = self._canvas(stack, self.spec.canvas_hw, rng)
        return Clip(
            frames=frames if isinstance(frames, np.ndarray) else np.stack(frames),
            canvas=canvas,
            canvas_xy=corner,
            source_hw=np.array(stack.facts.source_hw, np.int32),
            labels=self._labels(stack),
        )

    def _canvas(
        self, stack: OpenStack, hw: tuple[int, int], rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "t hc wc 3"], np.ndarray]:
        """The cut canvas, and its left upper corner in source px."""
        whole, at = stack.canvas(), self.spec.window.ball_at
        check_canvas(stack, whole, hw)
        facts = stack.facts
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

    def _labels(self, stack: OpenStack) -> Labels:
        facts, spec = stack.facts, self.spec
        offset = np.full(len(spec.events), NO_EVENT, np.float32)
        event_known = np.zeros(len(spec.events), np.bool_)
        for place, name in enumerate(spec.events):
            if name in self.events:
                of = self.events.index(name)
                offset[place] = facts.event_offset[of]
                event_known[place] = facts.event_known[of]
        masks = np.zeros((*spec.frame_hw, len(spec.masks)), np.uint8)
        masks_known = np.zeros(len(spec.masks), np.bool_)
        given = stack.masks() if spec.masks else None
        for place, name in enumerate(spec.masks):
            if given is not None and name in self.masks:
                masks[..., place] = given[..., self.masks.index(name)]
                masks_known[place] = True
        return Labels(
            ball_xy_px=np.array(facts.ball_xy_px),
            ball_state=np.array(facts.ball_state),
            event_offset=offset,
            event_known=event_known,
            masks=masks,
            masks_known=masks_known,
        )


def check_window(spec: ClipSpec, frames: int, stride: int, where: str) -> None:
    """Checks that stacks of so many frames at this stride are those of the spec.

    Raises:
        ValueError: they are not; `where` names them.
    """
    window = spec.window
    if (window.frames, window.stride) != (frames, stride):
        raise ValueError(
            f"Recorded stacks are used whole, {where} holds stacks of {frames} frames "
            f"at stride {stride}, the task takes {window.frames} at stride "
            f"{window.stride}: set `Window(frames={frames}, stride={stride})` or build "
            "the data set with the other window."
        )
    if spec.masks and window.ball_at != frames - 1:
        raise ValueError(
            f"Masks are recorded of the newest frame, {frames - 1}, of a stack, the "
            f"task takes those of frame {window.ball_at}: leave `ball_at` out, or "
            "train without masks."
        )
    if spec.events and window.event_at != frames // 2:
        raise ValueError(
            f"Events are recorded from the middle frame, {frames // 2}, of a stack, "
            f"the task counts from frame {window.event_at}: leave `event_at` out, or "
            "train without events."
        )


def check_frames(stack: OpenStack, frames: Images, spec: ClipSpec) -> None:
    """Checks number and size of a stack's whole frames.

    Raises:
        ValueError: the spec takes others.
    """
    if len(frames) != spec.window.frames or frames[0].shape[:2] != spec.frame_hw:
        raise ValueError(
            f"A task takes {spec.window.frames} frames of {_size(spec.frame_hw)}, "
            f"{stack.facts.place} has {len(frames)} of {_size(frames[0].shape)}: "
            "set the task's `frame_hw` and window to these, or build the data set "
            "again."
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
