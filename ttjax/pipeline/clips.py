"""Labelled clips in folders as a source of samples and of recordings."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Int64

from ttjax import caches
from ttjax.formats import tracknet
from ttjax.pipeline import frames, recording, store, windows
from ttjax.pipeline.loader import Batches, Loader, Stratum
from ttjax.pipeline.recording import Hidden
from ttjax.samples import (
    UNKNOWN,
    VISIBLE,
    Clip,
    ClipSpec,
    FrameLabels,
    Recording,
    Source,
    Split,
)


@dataclasses.dataclass(frozen=True)
class TrackNetClips:
    """Clips `root/<group>/<name>.{mp4,csv}` (`ttjax.formats.tracknet`).

    Groups (halls) part training from test, for clips of one hall are too much alike.
    Videos are decoded once into the cache directory.

    train_groups: empty takes every group that is not for the test.
    validation_share: of the clips of each training group; they are not trained on.
    validation_samples: at most so many windows, spread evenly over those clips.
    hidden: what a ball marked as not visible is: absent from the picture, or unknown.
    ball_less_share: of the training samples, those whose ball is absent.
    jitter: how far from the middle of a training canvas the ball is placed at most, 1
        for its border. Validation places it anywhere.
    away: share of the training canvases that are drawn anywhere in the frame.
    threads: readers of the training batches.
    cache: False decodes into a temporary directory.
    """

    root: pathlib.Path
    train_groups: tuple[str, ...] = ()
    test_groups: tuple[str, ...] = ()
    validation_share: float = 0.15
    validation_samples: int = 256
    hidden: Hidden = "absent"
    ball_less_share: float = 0.15
    jitter: float = 0.7
    away: float = 0.1
    threads: int = 2
    cache: bool = True

    def __post_init__(self):
        """Checks the ranges.

        Raises:
            ValueError: a share outside 0..1, or a group on both sides.
        """
        for name in ("validation_share", "ball_less_share", "jitter", "away"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"`{name}` is a share from 0 to 1, got {getattr(self, name)}."
                )
        both = set(self.train_groups) & set(self.test_groups)
        if both:
            raise ValueError(
                f"A group serves training or the test, {sorted(both)} are in both: "
                "take them out of one."
            )

    def train(self, spec: ClipSpec, *, batch_size: int, seed: int) -> Source:
        """Windows that end at any frame of the training clips.

        Raises:
            ValueError: labels that do not fit their video, a clip shorter than a stack,
                frames smaller than the canvas.
        """
        records = self._records("train", spec, jitter=self.jitter, away=self.away)
        seen, none = (np.flatnonzero(records.visible == flag) for flag in (True, False))
        share = self.ball_less_share if none.size else 0.0
        strata = [Stratum(seen, 1 - share), Stratum(none, share)]
        return Loader(
            records,
            batch_size=batch_size,
            seed=seed,
            strata=strata,
            threads=self.threads,
        )

    def validation(self, spec: ClipSpec, *, batch_size: int) -> Iterable[Clip]:
        """Windows of the held-out clips of the training groups, always the same.

        Their canvases hold the ball at an even chance anywhere, so that the middle of
        the canvas says nothing of it.
        """
        if not self.entries("validation"):
            return ()
        records = self._records("validation", spec, jitter=1.0, away=0.0)
        count = min(self.validation_samples, len(records))
        even = np.linspace(0, len(records) - 1, count).round().astype(np.int64)
        return Batches(dataclasses.replace(records, chosen=even), batch_size)

    def recordings(self, split: Split) -> Iterator[Recording]:
        """Whole clips with their labels."""
        for entry in self.entries(split):
            yield recording.of_clip(entry, self.hidden)

    def entries(self, split: Split) -> tuple[tracknet.Entry, ...]:
        """The clips of a split, in the order of their names.

        Raises:
            ValueError: a group that does not exist.
        """
        found = tracknet.find(self.root)
        groups = {entry.group for entry in found}
        unknown = {*self.train_groups, *self.test_groups} - groups
        if unknown:
            raise ValueError(
                f"Groups are the folders of {str(self.root)!r}, {sorted(groups)}, got "
                f"{sorted(unknown)}: correct `train_groups` and `test_groups`."
            )
        if split == "test":
            return tuple(e for e in found if e.group in self.test_groups)
        train = set(self.train_groups) or groups - set(self.test_groups)
        kept = {
            entry
            for group in train
            for entry in held_out(
                [e for e in found if e.group == group], self.validation_share
            )
        }
        wanted = split == "validation"
        return tuple(e for e in found if e.group in train and (e in kept) is wanted)

    def _records(
        self, split: Split, spec: ClipSpec, *, jitter: float, away: float
    ) -> "ClipWindows":
        entries = self.entries(split)
        if not entries:
            raise ValueError(
                f"There are clips to {split} with, {str(self.root)!r} leaves none: "
                "correct `train_groups`, `test_groups` and `validation_share`."
            )
        recordings = [recording.of_clip(entry, self.hidden) for entry in entries]
        for one in recordings:
            _check(one, spec)
        root = (caches.directory() if self.cache else store.temporary()) / "frames"
        opened = frames.open_all(
            [one.reader for one in recordings],
            [one.labels.length for one in recordings],
            frame_hw=spec.frame_hw,
            full=spec.canvas_hw is not None,
            root=root,
        )
        tables = [one.labels for one in recordings]
        places = [
            np.stack([np.full(len(ends), clip), ends], axis=1)
            for clip, table in enumerate(tables)
            for ends in [known_ends(table, spec)]
        ]
        return ClipWindows(
            spec=spec,
            frames=tuple(opened),
            tables=tuple(tables),
            places=np.concatenate(places),
            jitter=jitter,
            away=away,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class ClipWindows:
    """The windows of some clips as `ttjax.pipeline.loader.Records`.

    places: number of the clip and newest frame of each window.
    chosen: the windows that count; None for all.
    """

    spec: ClipSpec
    frames: tuple[frames.Frames, ...]
    tables: tuple[FrameLabels, ...]
    places: Int64[np.ndarray, "n 2"]
    jitter: float
    away: float
    chosen: Int64[np.ndarray, " k"] | None = None

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.places if self.chosen is None else self.chosen)

    @property
    def visible(self) -> np.ndarray:
        """Per window: its ball is seen."""
        offset = self.spec.window.offset(int(self.spec.window.ball_at or 0))
        states = [self.tables[c].ball_state[end + offset] for c, end in self.places]
        return np.array(states) == VISIBLE

    def sample(self, index: int, rng: np.random.Generator) -> Clip:
        """One window; `rng` places its canvas."""
        place = index if self.chosen is None else int(self.chosen[index])
        clip, end = (int(value) for value in self.places[place])
        window, source = self.spec.window, self.frames[clip]
        labels = windows.labels(self.tables[clip], end, self.spec)
        numbers = windows.frames(end, window)
        canvas, corner = None, (0, 0)
        if self.spec.canvas_hw is not None:
            at = int(window.ball_at or 0)
            seen = labels.ball_state[at] == VISIBLE
            corner = canvas_corner(
                rng,
                np.asarray(labels.ball_xy_px)[at] if seen else None,
                size_hw=source.size_hw,
                canvas_hw=self.spec.canvas_hw,
                jitter=self.jitter,
                away=self.away,
            )
            canvas = source.region(numbers, corner, self.spec.canvas_hw)
        return Clip(
            frames=source.stack(numbers),
            canvas=canvas,
            canvas_xy=np.array(corner, np.int32),
            source_hw=np.array(source.size_hw, np.int32),
            labels=labels,
        )


def held_out(
    entries: Sequence[tracknet.Entry], share: float
) -> tuple[tracknet.Entry, ...]:
    """A share of the clips by their names alone, at least one if there are two."""
    count = round(share * len(entries))
    if share > 0 and len(entries) > 1:
        count = min(max(count, 1), len(entries) - 1)

    def order(entry: tracknet.Entry) -> str:
        return hashlib.sha256(entry.name.encode()).hexdigest()

    return tuple(sorted(entries, key=order)[:count])


def known_ends(table: FrameLabels, spec: ClipSpec) -> Int64[np.ndarray, " n"]:
    """The newest frames of the windows whose ball is labelled, seen or not."""
    ends = windows.ends(table.length, spec.window)
    at = ends + spec.window.offset(int(spec.window.ball_at or 0))
    return ends[table.ball_state[at] != UNKNOWN]


def canvas_corner(
    rng: np.random.Generator,
    ball_xy_px: np.ndarray | None,
    *,
    size_hw: tuple[int, int],
    canvas_hw: tuple[int, int],
    jitter: float,
    away: float,
) -> tuple[int, int]:
    """Left upper corner of a canvas inside the frame, even on both axes.

    The ball is placed uniformly within `jitter` of half the canvas around its middle.
    The canvas lies anywhere in the frame where there is no ball, and with chance
    `away`.
    """
    room = np.array(size_hw[::-1]) - np.array(canvas_hw[::-1])
    draw, elsewhere = rng.random(2), rng.random() < away
    if ball_xy_px is None or elsewhere:
        corner = draw * (room + 1)
    else:
        # Two pixels are left for the rounding to even, so that the ball stays inside.
        half = np.array(canvas_hw[::-1]) / 2
        reach = jitter * (half - 2)
        corner = ball_xy_px - half + (2 * draw - 1) * reach
    x, y = np.clip(2 * np.round(corner / 2), 0, room - room % 2).astype(int)
    return int(x), int(y)


def _check(one: recording.VideoRecording, spec: ClipSpec) -> None:
    """Raises ValueError, with the clip's name, for a clip that the spec cannot use."""
    try:
        windows.ends(one.labels.length, spec.window)
    except ValueError as error:
        raise ValueError(f"{one.name}: {error}") from error
    canvas = spec.canvas_hw or (0, 0)
    if any(have < need for have, need in zip(one.size_hw, canvas, strict=True)):
        raise ValueError(
            f"A canvas of {canvas[0]} x {canvas[1]} px lies inside the frame, "
            f"{one.name} has frames of {one.size_hw[0]} x {one.size_hw[1]} px: take a "
            "smaller crop in the task, or larger videos."
        )
