"""Several sources of samples in one stream."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from ttjax.pipeline.loader import stack
from ttjax.samples import Data, Recording, Source, Split, licences_of


@dataclasses.dataclass(frozen=True)
class Part:
    """Data in a mixture.

    weight: its share of the samples is this over the sum of all weights.
    name: under which the log counts its samples; by default that of its class.
    """

    data: Data
    weight: float = 1.0
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Mixed:
    """Several `ttjax.samples.Data` as one.

    Every batch holds samples of all parts, by their weights. The first part is what the
    run is for: validation set and recordings are its own.
    """

    parts: tuple[Part, ...]

    def __post_init__(self):
        """Checks the weights.

        Raises:
            ValueError: no parts, a weight that is not positive, or two parts of a name.
        """
        if not self.parts or any(part.weight <= 0 for part in self.parts):
            raise ValueError(
                "A mixture has parts of positive weights, got "
                f"{[part.weight for part in self.parts]}: leave out what is not wanted."
            )
        if len(set(self.names)) < len(self.parts):
            raise ValueError(
                f"The parts of a mixture have different names, got {self.names}: set "
                "their `name`."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts."""
        return tuple(part.name or type(part.data).__name__ for part in self.parts)

    @property
    def licences(self) -> tuple[str, ...]:
        """Of all parts, each once."""
        found = [one for part in self.parts for one in licences_of(part.data)]
        return tuple(dict.fromkeys(found))

    def train(self, spec: Any, *, batch_size: int, seed: int) -> Source:
        """Batches of samples of all parts; each part has a seed of its own."""
        return MixedSource(
            [
                part.data.train(spec, batch_size=batch_size, seed=seed + place)
                for place, part in enumerate(self.parts)
            ],
            weights=[part.weight for part in self.parts],
            names=self.names,
            batch_size=batch_size,
        )

    def validation(self, spec: Any, *, batch_size: int) -> Iterable[Any]:
        """That of the first part."""
        return self.parts[0].data.validation(spec, batch_size=batch_size)

    def recordings(self, split: Split) -> Iterable[Recording]:
        """Those of the first part."""
        return self.parts[0].data.recordings(split)


class MixedSource:
    """A `ttjax.samples.Source` that takes samples from several, by weight.

    After every sample the number taken from each part is within one of its share.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        weights: Sequence[float],
        names: Sequence[str],
        batch_size: int,
    ):
        """Begins with the first sample of each; all give batches of `batch_size`."""
        self._queues = [_Queue(source, batch_size) for source in sources]
        self._shares = np.array(weights, np.float64) / sum(weights)
        self._names = list(names)
        self._batch_size = batch_size

    def next_batch(self) -> Any:
        """The next batch, the parts' samples among each other."""
        return stack([self._pick().next() for _ in range(self._batch_size)])

    def state(self) -> dict[str, Any]:
        """The position in each part, as JSON values."""
        drawn = {}
        for name, queue in zip(self._names, self._queues, strict=True):
            drawn[name] = queue.given
            for kind, count in queue.source.state().get("drawn", {}).items():
                drawn[f"{name}/{kind}"] = count
        return {"parts": [queue.state() for queue in self._queues], "drawn": drawn}

    def restore(self, state: dict[str, Any]) -> None:
        """Returns to a saved position.

        Raises:
            ValueError: the position belongs to another mixture.
        """
        saved = state.get("parts", [])
        if len(saved) != len(self._queues):
            raise ValueError(
                "A position belongs to the mixture it was saved from, this one has "
                f"{len(self._queues)} parts, the saved one {len(saved)}: take the same "
                "parts, or begin a new run."
            )
        for queue, one in zip(self._queues, saved, strict=True):
            queue.restore(one)

    def _pick(self) -> "_Queue":
        """The part that is furthest behind its share."""
        given = np.array([queue.given for queue in self._queues])
        behind = self._shares * (given.sum() + 1) - given
        return self._queues[int(np.argmax(behind))]


class _Queue:
    """A source sample by sample; its position is that before the batch in hand."""

    def __init__(self, source: Source, batch_size: int):
        self.source = source
        self.given = 0
        self._batch_size = batch_size
        self._rows: Iterator[Any] = iter(())
        self._before = source.state()

    def next(self) -> Any:
        if self.given % self._batch_size == 0:
            self._fetch()
        self.given += 1
        return next(self._rows)

    def state(self) -> dict[str, Any]:
        whole = self.given % self._batch_size == 0
        before = self.source.state() if whole else self._before
        return {"given": self.given, "before": before}

    def restore(self, state: dict[str, Any]) -> None:
        self.source.restore(state["before"])
        self.given = int(state["given"])
        used = self.given % self._batch_size
        if used:
            self._fetch()
            for _ in range(used):
                next(self._rows)

    def _fetch(self) -> None:
        self._before = self.source.state()
        batch = jax.tree.map(np.asarray, self.source.next_batch())
        self._rows = (
            jax.tree.map(lambda leaf, row=row: leaf[row], batch)
            for row in range(self._batch_size)
        )
