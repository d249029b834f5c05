"""One set of samples for tasks of several windows: each takes the newest frames."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ttjax.pipeline.cache import Cached, Kept
from ttjax.pipeline.loader import Loader
from ttjax.samples import (
    Clip,
    ClipSpec,
    Data,
    Recording,
    Source,
    Split,
    licences_of,
)

DataT = TypeVar("DataT", bound=Data)


@dataclasses.dataclass(frozen=True)
class FixedSet(Generic[DataT]):
    """`ttjax.samples.Data` whose training samples are the same for all that compare.

    They are drawn once, kept on disk, and served to every task that asks for no more
    than they hold: fewer frames, fewer classes, no canvas. The seed of a run changes
    their order alone.

    whole: what every sample holds.
    events_at: the event frames of `whole` for which samples are drawn, in equal parts.
        The event frame of a shorter window lies later in the whole one, up to its last
        frame. Where half of the samples are drawn for the middle frame and half for
        the last, each window sees as many events near its own event frame.
    samples: in all. seed: from which they are drawn.
    draw_size: how many are drawn at once. threads: readers of the batches.
    """

    data: DataT
    whole: ClipSpec
    events_at: tuple[int, ...] = ()
    samples: int = 8192
    seed: int = 0
    draw_size: int = 64
    threads: int = 4

    def __post_init__(self):
        """Checks that the set divides; fills in the event frame of `whole`."""
        if not self.events_at:
            object.__setattr__(self, "events_at", (self.whole.window.event_at,))
        if self.samples < 1 or self.samples % len(self.events_at):
            raise ValueError(
                f"`samples` divide into {len(self.events_at)} equal parts, one for "
                f"each of `events_at`, got {self.samples}: take a multiple."
            )

    @property
    def licences(self) -> tuple[str, ...]:
        """Those of the wrapped data."""
        return licences_of(self.data)

    def train(self, spec: ClipSpec, *, batch_size: int, seed: int) -> Source:
        """The samples, cut to `spec`, shuffled anew at every pass.

        Raises:
            ValueError: the samples do not hold what `spec` asks for.
        """
        check(self.whole, spec)
        cached: Cached[Any] = Cached(
            self.data,
            samples=self.samples // len(self.events_at),
            batch_size=self.draw_size,
        )
        parts = [
            (whole, cached.kept(whole, seed=self.seed))
            for whole in map(self._whole_at, self.events_at)
        ]
        return Loader(
            Cut(parts, spec), batch_size=batch_size, seed=seed, threads=self.threads
        )

    def validation(self, spec: ClipSpec, *, batch_size: int) -> Iterable[Any]:
        """None: what compares is scored on recordings."""
        del spec, batch_size
        return ()

    def recordings(self, split: Split) -> Iterable[Recording]:
        """Those of the wrapped data."""
        return self.data.recordings(split)

    def _whole_at(self, event_at: int) -> ClipSpec:
        window = dataclasses.replace(self.whole.window, event_at=event_at)
        return dataclasses.replace(self.whole, window=window)


class Cut:
    """`ttjax.pipeline.loader.Records`: kept samples, each cut to what is asked for."""

    def __init__(self, parts: Sequence[tuple[ClipSpec, Kept]], spec: ClipSpec):
        """Several kept sets in a row, each with what it holds."""
        self._parts, self._spec = parts, spec
        self._ends = np.cumsum([len(kept) for _, kept in parts])

    def __len__(self) -> int:
        """Number of samples."""
        return int(self._ends[-1])

    def sample(self, index: int, rng: np.random.Generator | None = None) -> Clip:
        """One sample; nothing is drawn."""
        place = int(np.searchsorted(self._ends, index, side="right"))
        whole, kept = self._parts[place]
        first = int(self._ends[place]) - len(kept)
        return cut(kept.sample(index - first, rng), whole, self._spec)


def check(whole: ClipSpec, spec: ClipSpec) -> None:
    """Checks that samples of `whole` hold all that `spec` asks for.

    Raises:
        ValueError: they do not.
    """
    ours, theirs = whole.window, spec.window
    differences = {
        "frames at most": (ours.frames, theirs.frames, theirs.frames <= ours.frames),
        "stride": (ours.stride, theirs.stride, theirs.stride == ours.stride),
        "frames from the ball's to the newest": (
            ours.frames - 1 - ours.ball_at,
            theirs.frames - 1 - theirs.ball_at,
            ours.frames - ours.ball_at == theirs.frames - theirs.ball_at,
        ),
        "frame_hw": (whole.frame_hw, spec.frame_hw, whole.frame_hw == spec.frame_hw),
        "canvas_hw": (
            whole.canvas_hw,
            spec.canvas_hw,
            spec.canvas_hw in (None, whole.canvas_hw),
        ),
        "events": (whole.events, spec.events, set(spec.events) <= set(whole.events)),
        "masks": (whole.masks, spec.masks, set(spec.masks) <= set(whole.masks)),
    }
    wrong = [
        f"{what} {held}, got {asked}"
        for what, (held, asked, fits) in differences.items()
        if not fits
    ]
    if wrong:
        raise ValueError(
            f"A fixed set serves what its samples hold: {'; '.join(wrong)}: change "
            "the task, or the `whole` of the set."
        )


def cut(clip: Clip, whole: ClipSpec, spec: ClipSpec) -> Clip:
    """The newest frames of a sample of `whole`, with the labels of `spec`.

    Its event offset counts from the event frame of the shorter window to the event that
    is nearest to that of the whole one: the same, unless two of a kind lie closer
    together than twice the frames between the two event frames.
    """
    first = whole.window.frames - spec.window.frames
    shift = first + spec.window.event_at - whole.window.event_at
    kinds = [whole.events.index(name) for name in spec.events]
    classes = [whole.masks.index(name) for name in spec.masks]
    labels = clip.labels
    canvas: Any = clip.canvas
    return Clip(
        frames=clip.frames[first:],
        canvas=None if spec.canvas_hw is None else canvas[first:],
        canvas_xy=clip.canvas_xy,
        source_hw=clip.source_hw,
        labels=dataclasses.replace(
            labels,
            ball_xy_px=labels.ball_xy_px[first:],
            ball_state=labels.ball_state[first:],
            event_offset=labels.event_offset[kinds] - np.float32(shift),
            event_known=labels.event_known[kinds],
            masks=labels.masks[..., classes],
            masks_known=labels.masks_known[classes],
        ),
    )
