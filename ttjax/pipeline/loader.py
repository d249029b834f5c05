"""Records at random access -> an endless, shuffled, resumable stream of batches.

Threads only: with worker processes a saved position is bound to their number, and on
few cores they are slower.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import grain
import jax
import numpy as np


@runtime_checkable
class Records(Protocol):
    """Examples at random access."""

    def __len__(self) -> int:
        """Number of records."""
        ...

    def sample(self, index: int, rng: np.random.Generator) -> Any:
        """One example of numpy arrays, a function of the record and the draws of `rng`.

        Called from several threads at once.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Stratum:
    """A group of records, and its share of the stream; shares need not sum to 1.

    name: under which the state counts what was drawn; empty for no count.
    """

    records: np.ndarray
    share: float
    name: str = ""


class Loader:
    """A `ttjax.samples.Source`: batches of records, reshuffled at every pass.

    The stream is a function of records, strata, batch size, seed and shard; neither the
    number of threads nor a stop and restart changes a bit of it.
    """

    def __init__(
        self,
        records: Records,
        *,
        batch_size: int,
        seed: int,
        strata: Sequence[Stratum] | None = None,
        threads: int = 2,
        buffer: int = 2,
        shard: tuple[int, int] | None = None,
    ):
        """Begins at the first batch.

        batch_size: examples that this process gets per batch.
        strata: None takes all records alike.
        threads: readers; 0 reads in the calling thread. `buffer`: batches read ahead.
        shard: this process' number and their count; None asks jax.

        Raises:
            ValueError: fewer records than shards, or none.
        """
        self._facts = {
            "records": len(records),
            "batch_size": batch_size,
            "seed": seed,
            "shard": list(shard or (jax.process_index(), jax.process_count())),
        }
        if strata is None:
            strata = [Stratum(np.arange(len(records)), 1.0)]
        number, count = self._facts["shard"]
        parts = [part for part in strata if part.share > 0]
        if not parts or any(len(part.records) < count for part in parts):
            sizes = [len(part.records) for part in parts]
            raise ValueError(
                f"Each stratum has a record for each of {count} processes, got {sizes} "
                "records: give more data or fewer processes."
            )
        sequence = np.random.SeedSequence([seed, number])
        first, *seeds = (int(s) for s in sequence.generate_state(len(parts) + 1))
        self._names = [part.name for part in parts]
        self._drawn = np.zeros(len(parts), np.int64)
        size = len(records)
        streams = [
            grain.MapDataset.source((place * size + part.records).tolist())[
                number::count
            ]
            .seed(shuffle)
            .shuffle()
            .repeat()
            for place, (part, shuffle) in enumerate(zip(parts, seeds, strict=True))
        ]

        def read(index: int, rng: np.random.Generator) -> tuple[int, Any]:
            place, record = divmod(int(index), size)
            return place, records.sample(record, rng)

        mixed = streams[0]
        if len(streams) > 1:
            shares = [part.share for part in parts]
            mixed = grain.MapDataset.mix(streams, weights=shares)
        stream = (
            mixed.seed(first)
            .random_map(read)
            .batch(batch_size, drop_remainder=True, batch_fn=_stack_placed)
        )
        options = grain.ReadOptions(
            num_threads=threads, prefetch_buffer_size=buffer if threads else 0
        )
        self._iterator = iter(stream.to_iter_dataset(options))

    def next_batch(self) -> Any:
        """The next batch of numpy arrays."""
        places, batch = next(self._iterator)
        np.add.at(self._drawn, places, 1)
        return batch

    def state(self) -> dict[str, Any]:
        """The position after the batches given so far, as JSON values."""
        state = {**self._facts, "position": self._iterator.get_state()}
        if any(self._names):
            counts = self._drawn.tolist()
            state["drawn"] = dict(zip(self._names, counts, strict=True))
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Returns to a saved position.

        Raises:
            ValueError: the position belongs to another stream.
        """
        theirs = {name: state.get(name) for name in self._facts}
        if theirs != self._facts:
            raise ValueError(
                "A position belongs to the stream it was saved from, this is "
                f"{self._facts}, the saved one {theirs}: take the same data, batch "
                "size and seed, or begin a new run."
            )
        self._iterator.set_state(state["position"])
        drawn = state.get("drawn", {})
        self._drawn[:] = [drawn.get(name, 0) for name in self._names]


@dataclasses.dataclass(frozen=True)
class Batches:
    """All records once, in order and in whole batches; the same at every walk.

    Raises:
        ValueError: there are records, but too few for one batch.
    """

    records: Records
    batch_size: int

    def __post_init__(self):
        """Checks that a batch can be filled."""
        if 0 < len(self.records) < self.batch_size:
            raise ValueError(
                f"A batch holds {self.batch_size} samples, there are only "
                f"{len(self.records)} for validation: take a smaller batch or more "
                "data."
            )

    def __len__(self) -> int:
        """Number of batches; a rest that fills none is left out."""
        return len(self.records) // self.batch_size

    def __iter__(self) -> Iterator[Any]:
        """From the first record on; each has a generator of its own."""
        for begin in range(0, len(self) * self.batch_size, self.batch_size):
            yield stack(
                [
                    self.records.sample(index, np.random.default_rng([index]))
                    for index in range(begin, begin + self.batch_size)
                ]
            )


def stack(samples: Sequence[Any]) -> Any:
    """One batch of single examples."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *samples)


def _stack_placed(samples: Sequence[tuple[int, Any]]) -> tuple[list[int], Any]:
    places, clips = zip(*samples, strict=True)
    return list(places), stack(clips)
