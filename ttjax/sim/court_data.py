"""Simulated basketball as data: training batches, validation batches, recordings."""

import dataclasses
import functools
from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import UInt8

from ttjax.samples import Source, Split
from ttjax.scenes import Scene, SceneSpec, SourceLabels
from ttjax.sim import court_sample
from ttjax.sim.court import Court
from ttjax.sim.data import SPLITS, Generator
from ttjax.sim.recording import stream_key
from ttjax.typing import PRNGKey


@functools.lru_cache(maxsize=8)
def renderer(spec: SceneSpec, court: Court):
    """A compiled function of a batch of keys: each scene in an arena of its own."""

    def run(keys):
        pairs = jax.vmap(jax.random.split)(keys)
        return court_sample.scenes(pairs[:, 0], pairs[:, 1], spec, court)

    return jax.jit(run)


@functools.lru_cache(maxsize=4)
def _one(spec: SceneSpec, court: Court):
    """A compiled `court_sample.scene` of an arena's key and an instant's."""
    return jax.jit(lambda arena, key: court_sample.scene(arena, key, spec, court))


@dataclasses.dataclass(frozen=True)
class CourtLabels:
    """The labels of a recording of pictures, each rendered when first asked for."""

    recording: "CourtRecording"

    @property
    def length(self) -> int:
        """Number of pictures, all of which are labelled."""
        return self.recording.count

    def example_labels(self, index: int) -> SourceLabels:
        """Labels of one picture: numpy arrays without a batch axis, in its pixels."""
        labels = self.recording.scene(index).labels
        assert labels is not None
        return SourceLabels(scene=labels)


class CourtRecording:
    """`count` instants of games in one arena, seen by its camera turned anywhere.

    Pictures follow each other without a motion: windows hold one of them. A picture
    and its labels are rendered when first asked for, and kept.
    """

    def __init__(
        self, name: str, key: PRNGKey, spec: SceneSpec, court: Court, *, count: int
    ):
        """Renders nothing yet."""
        court_sample.check(spec, court)
        self.name, self.fps, self.size_hw = name, 1.0, spec.image_hw
        self.count = count
        self._arena_key, self._key = jax.random.split(key)
        self._render = _one(spec, court)
        self._kept: dict[int, Scene] = {}

    @property
    def labels(self) -> CourtLabels:
        """Of every picture."""
        return CourtLabels(self)

    def scene(self, index: int) -> Scene:
        """One picture with its labels: numpy arrays without a batch axis.

        Raises:
            IndexError: there is no such picture.
        """
        if not 0 <= index < self.count:
            raise IndexError(
                f"Pictures of {self.name} are counted from 0 to {self.count - 1}, got "
                f"{index}: ask for one of them or record more `scenes`."
            )
        if index not in self._kept:
            key = jax.random.fold_in(self._key, index)
            drawn = self._render(self._arena_key, key)
            self._kept[index] = jax.tree.map(np.asarray, drawn)
        return self._kept[index]

    def scenes(self) -> Iterator[Scene]:
        """All pictures with their labels, in order."""
        for index in range(self.count):
            yield self.scene(index)

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """RGB pictures in order."""
        for scene in self.scenes():
            yield np.asarray(scene.image)


@dataclasses.dataclass(frozen=True)
class CourtSimulation:
    """Simulated basketball as `ttjax.samples.Data`, each training scene in a new arena.

    source_hw: of the recordings' pictures; training and validation pictures have the
        size that their spec asks for, with the same part of the court in them.
    people, span_m: as `ttjax.sim.court.Court`.
    players: rows of the recordings' labels.
    scenes: pictures of a recording, all of one arena. train_recordings,
        validation_recordings, test_recordings: how many.
    validation_batches: how many batches `validation` gives.
    threads: parts of a batch that are rendered at once on a CPU.
    """

    source_hw: tuple[int, int] = (321, 321)
    people: tuple[int, int] = (2, 12)
    span_m: tuple[float, float] = (6.0, 12.0)
    players: int = 32
    scenes: int = 25
    train_recordings: int = 2
    validation_recordings: int = 2
    test_recordings: int = 8
    validation_batches: int = 4
    threads: int = 2

    @property
    def court(self) -> Court:
        """What scenes vary in, and the painting that suits the default device."""
        tiled = jax.default_backend() == "cpu"
        return Court(self.people, self.span_m, tiled)

    def train(self, spec: SceneSpec, *, batch_size: int, seed: int) -> Source:
        """Endless batches.

        Raises:
            ValueError: `spec` has fewer rows than there may be people.
        """
        return self._generator(spec, batch_size, SPLITS["train"], seed)

    def validation(self, spec: SceneSpec, *, batch_size: int) -> Iterator[Scene]:
        """The same batches at every call, from arenas that are in no other split."""
        source = self._generator(spec, batch_size, SPLITS["validation"], 0)
        for _ in range(self.validation_batches):
            yield source.next_batch()

    def _generator(
        self, spec: SceneSpec, batch_size: int, stream: int, seed: int
    ) -> Generator:
        court = self.court
        court_sample.check(spec, court)
        render = renderer(spec, court)
        return Generator(
            render,
            prepare=lambda keys: render.lower(keys).compile(),
            batch_size=batch_size,
            stream=stream,
            seed=seed,
            threads=max(1, self.threads if court.tiled else 1),
        )

    def recordings(self, split: Split) -> Iterator[CourtRecording]:
        """Recordings of different arenas, rendered while they are read."""
        counts = {
            "train": self.train_recordings,
            "validation": self.validation_recordings,
            "test": self.test_recordings,
        }
        height, width = self.source_hw
        spec = SceneSpec((height, width), self.players)
        for number in range(counts[split]):
            yield CourtRecording(
                name=f"{split}_{number + 1}",
                key=stream_key(3 + SPLITS[split], number),
                spec=spec,
                court=self.court,
                count=self.scenes,
            )
