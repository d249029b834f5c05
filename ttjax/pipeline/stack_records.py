"""Prepared data sets of stacks as a source of samples."""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

from ttjax import caches
from ttjax.pipeline import layouts, stack_clips, stack_pixels, store
from ttjax.pipeline.kinds import Kinds
from ttjax.pipeline.loader import Batches, Loader
from ttjax.pipeline.recording import VideoRecording
from ttjax.pipeline.stack_clips import StackClips
from ttjax.pipeline.stack_pixels import Decoded, Encoded, StackReader
from ttjax.pipeline.stack_set import Index, StackSet
from ttjax.samples import Clip, ClipSpec, Source, Split


@dataclasses.dataclass(frozen=True)
class StackRecords:
    """What `ttjax.datasets` has built, as `ttjax.samples.Data`.

    root: folder of the prepared records, or one above it.
    videos: folder of the original videos with their labels: `recordings` streams those
        whose records are in the split. None: there are no recordings.
    kinds: how often the windows of each class are drawn for training.
    validation_samples: at most so many windows, spread evenly over the split.
    jitter: how far from the middle of a training canvas the ball is placed at most, 1
        for its border. Validation places it anywhere.
    away: share of the training canvases that are drawn anywhere in the recorded one.
    strides: multiples of the window's stride, one drawn for each training window: with
        (1, 2) half the windows are those of half the frame rate. The stacks must have
        been built with as many frames (17, for windows of 9).
    threads: readers of the training batches.
    cache: False uses no decoded records, and keeps no index.
    """

    root: pathlib.Path
    videos: pathlib.Path | None = None
    kinds: Kinds = Kinds()
    validation_samples: int = 2048
    jitter: float = 0.7
    away: float = 0.1
    strides: tuple[int, ...] = (1,)
    threads: int = 2
    cache: bool = True

    def __post_init__(self):
        """Checks the ranges.

        Raises:
            ValueError: a share outside 0..1.
        """
        for name in ("jitter", "away"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"`{name}` is a share from 0 to 1, got {getattr(self, name)}."
                )

    @property
    def licences(self) -> tuple[str, ...]:
        """Of the recordings, as the builder states it."""
        stated = StackSet(self.root).licence
        return (stated,) if stated else ()

    def train(self, spec: ClipSpec, *, batch_size: int, seed: int) -> Source:
        """The records of the split `train`, reshuffled at every pass.

        Raises:
            FileNotFoundError: nothing is prepared in `root`.
            ValueError: the records do not fit the spec, or are not whole.
        """
        records = self.windows(
            "train", spec, jitter=self.jitter, away=self.away, strides=self.strides
        )
        for _ in self.recordings("test"):
            pass  # what is scored in the end must be there in the beginning
        return Loader(
            records,
            batch_size=batch_size,
            seed=seed,
            strata=self.kinds.strata(self.index("train").kinds),
            threads=self.threads,
        )

    def validation(self, spec: ClipSpec, *, batch_size: int) -> Iterable[Clip]:
        """Records of the split `validation`, always the same.

        Their canvases hold the ball at an even chance anywhere, so that the middle of
        the canvas says nothing of it.
        """
        if not StackSet(self.root).count("validation"):
            return ()
        records = self.windows("validation", spec, jitter=1.0, away=0.0)
        count = min(self.validation_samples, len(records))
        even = np.linspace(0, len(records) - 1, count).round().astype(np.int64)
        return Batches(dataclasses.replace(records, chosen=even), batch_size)

    def recordings(self, split: Split) -> Iterator[VideoRecording]:
        """The videos in `videos` that records of this split were cut from.

        Raises:
            ValueError: a recording of the split has no video there.
        """
        if self.videos is None or not StackSet(self.root).count(split):
            return
        wanted = set(self.index(split).clips)
        for one in layouts.recordings(self.videos):
            if one.name in wanted:
                wanted.remove(one.name)
                yield one
        if wanted:
            raise ValueError(
                f"Each recording of a split has its video, {sorted(wanted)} of "
                f"{split!r} are not in {str(self.videos)!r}: correct `videos`, or "
                "leave it out."
            )

    def index(self, split: Split) -> Index:
        """Kinds and clips of the records of a split."""
        return StackSet(self.root).index(split, self._kept())

    def windows(
        self,
        split: Split,
        spec: ClipSpec,
        *,
        jitter: float,
        away: float,
        strides: tuple[int, ...] = (1,),
    ) -> StackClips:
        """The records of a split, cut for a spec.

        Raises:
            ValueError: the first record does not fit the spec, or the split is not
                whole.
        """
        built = StackSet(self.root)
        stacks = self.stacks(split)
        first = stacks[0]
        recorded = len(first.facts.ball_state)
        where = f"{split!r} of {str(built.folder)!r}"
        stack_clips.check_window(spec, recorded, built.stride, where, strides)
        stack_clips.check_frames(first, first.frames(slice(-1, None)), spec)
        if spec.canvas_hw is not None:
            stack_clips.check_canvas(first, first.canvas(), spec.canvas_hw)
        return StackClips(
            spec=spec,
            stacks=stacks,
            events=built.events,
            masks=built.masks,
            jitter=jitter,
            away=away,
            stride=built.stride,
            strides=strides,
        )

    def stacks(self, split: Split) -> StackReader:
        """The stacks of a split: decoded ones where there are, else the records."""
        folder = self.decoded_folder(split)
        if self.cache and store.facts(folder) is not None:
            found = Decoded(folder)
            store.announce(f"{len(found)} decoded stacks of {split!r}", folder)
            return found
        return Encoded(StackSet(self.root).records(split))

    def decode(self, split: Split) -> pathlib.Path:
        """Decodes the records of a split into the cache directory, once.

        Raises:
            ValueError: records are damaged, or have different shapes.
            OSError: the disk has no room.
        """
        built, folder = StackSet(self.root), self.decoded_folder(split)
        what = f"{built.name} {split}"
        stacks = Encoded(built.records(split))
        about = stack_pixels.decode(stacks, folder, what, threads=self.threads)
        store.announce(f"{about['stacks']} decoded stacks of {split!r}", folder)
        return folder

    def decoded_folder(self, split: Split) -> pathlib.Path:
        """Where decoded records are kept, named after the files they come from."""
        built = StackSet(self.root)
        name = f"{built.name}-{split}-{built.key(split)}"
        return caches.directory() / "stacks" / name

    def _kept(self) -> pathlib.Path:
        return caches.directory() if self.cache else store.temporary()
