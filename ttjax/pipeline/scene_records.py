"""Prepared data sets of pictures of people as a source of scenes."""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ttjax.formats import scene_record
from ttjax.pipeline import scene_points, scene_views
from ttjax.pipeline.loader import Batches, Loader
from ttjax.pipeline.scene_set import SceneSet
from ttjax.samples import Source, Split
from ttjax.scenes import Scene, SceneSpec, SourceLabels


@dataclasses.dataclass(frozen=True)
class SceneRecords:
    """What `ttjax.datasets` has built of pictures, as `ttjax.samples.Data`.

    root: folder of the prepared records, or one above it.
    zoom: training pictures are shown up to so many times larger than as a whole, and
        never enlarged; 1 shows them whole.
    near: share of the training pictures that are cut so that a person or the ball is in
        them.
    validation_samples: at most so many pictures, spread evenly over the split, whole.
    threads: readers of the training batches.
    """

    root: pathlib.Path
    zoom: float = 2.0
    near: float = 0.8
    validation_samples: int = 512
    threads: int = 2

    def __post_init__(self):
        """Checks the ranges.

        Raises:
            ValueError: a zoom below 1, or a share outside 0..1.
        """
        if not 1 <= self.zoom < np.inf:
            raise ValueError(f"`zoom` is at least 1, got {self.zoom}.")
        if not 0 <= self.near <= 1:
            raise ValueError(f"`near` is a share from 0 to 1, got {self.near}.")

    @property
    def licences(self) -> tuple[str, ...]:
        """Of the pictures, as the builder states it."""
        stated = SceneSet(self.root).licence
        return (stated,) if stated else ()

    def train(self, spec: SceneSpec, *, batch_size: int, seed: int) -> Source:
        """The pictures of the split `train`, cut and reshuffled at every pass.

        Raises:
            FileNotFoundError: nothing is prepared in `root`.
            ValueError: a picture shows more people than there are rows, or the split is
                not whole.
        """
        pictures = self.pictures("train", spec, zoom=self.zoom)
        return Loader(pictures, batch_size=batch_size, seed=seed, threads=self.threads)

    def validation(self, spec: SceneSpec, *, batch_size: int) -> Iterable[Scene]:
        """Whole pictures of the split `validation`, always the same."""
        if not SceneSet(self.root).count("validation"):
            return ()
        pictures = self.pictures("validation", spec, zoom=1.0)
        count = min(self.validation_samples, len(pictures))
        even = np.linspace(0, len(pictures) - 1, count).round().astype(np.int64)
        return Batches(dataclasses.replace(pictures, chosen=even), batch_size)

    def pictures(self, split: Split, spec: SceneSpec, *, zoom: float) -> "Pictures":
        """The pictures of a split, cut for a spec.

        Raises:
            ValueError: one shows more people than there are rows, or the split is not
                whole.
        """
        built = SceneSet(self.root)
        built.check_rows(split, spec.players)
        records = built.records(split)
        return Pictures(records, spec, zoom=zoom, near=self.near)

    def recordings(self, split: Split) -> Iterator["PictureRecording"]:
        """Every picture of a split as a recording of one frame, at its own size."""
        built = SceneSet(self.root)
        if built.count(split):
            for record in built.records(split):
                yield PictureRecording(record)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Scenes at random access, as the loader takes them.

    chosen: indices of the records; None takes all.
    """

    records: Sequence[Any]
    spec: SceneSpec
    zoom: float = 1.0
    near: float = 0.0
    chosen: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.records if self.chosen is None else self.chosen)

    def sample(self, index: int, rng: np.random.Generator) -> Scene:
        """One picture, whole where the zoom is 1.

        Raises:
            ValueError: it is damaged, or shows more people than there are rows.
        """
        place = index if self.chosen is None else int(self.chosen[index])
        picture = scene_record.decode(self.records[place])
        height, width = picture.image.shape[:2]
        self.spec.check_frame((height, width))
        view = scene_views.whole((height, width), self.spec)
        if self.zoom > 1:
            view = scene_views.drawn(
                rng, picture.facts, self.spec, zoom=self.zoom, near=self.near
            )
        return scene_views.show(picture, view, self.spec)


class PictureRecording:
    """One picture as a `ttjax.samples.Recording`; decoded when it is looked at."""

    fps = 1.0

    def __init__(self, record: Any):
        """Reads the labels only."""
        self._record = record
        self.facts = scene_record.read_facts(record)

    @property
    def name(self) -> str:
        """That of the picture."""
        return self.facts.name

    @property
    def size_hw(self) -> tuple[int, int]:
        """Of the picture."""
        height, width = (int(side) for side in self.facts.size_hw)
        return height, width

    @property
    def labels(self) -> "PictureLabels":
        """Of the one frame."""
        return PictureLabels(self)

    def picture(self) -> scene_record.Picture:
        """Pixels, ids and labels.

        Raises:
            ValueError: it is damaged.
        """
        return scene_record.decode(self._record)

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """The one frame."""
        yield self.picture().image


@dataclasses.dataclass(frozen=True)
class PictureLabels:
    """The labels of a recording of one picture, as `ttjax.samples.ExampleLabels`."""

    recording: PictureRecording

    @property
    def length(self) -> int:
        """The one frame is labelled."""
        return 1

    def example_labels(self, number: int) -> SourceLabels:
        """Labels in px of the picture itself, and what scores alone need; unbatched.

        Raises:
            IndexError: another frame than the first.
            ValueError: the picture or its labels are damaged.
        """
        if number != 0:
            raise IndexError(
                f"{self.recording.name!r} is one picture, frame 0, got {number}."
            )
        return scene_points.source_labels(self.recording.picture())
