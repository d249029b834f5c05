"""Samples drawn once from endless data, kept on disk, served shuffled for ever.

Drawing a simulated sample costs as much as a training step; reading it back costs
nothing.
"""

import dataclasses
import json
import pathlib
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import jax
import numpy as np

from ttjax import caches
from ttjax.pipeline import store
from ttjax.pipeline.loader import Batches, Loader
from ttjax.pipeline.npy import NpyWriter
from ttjax.samples import (
    Data,
    Recording,
    Source,
    Split,
    licences_of,
)

DataT = TypeVar("DataT", bound=Data)

_VALIDATION_SEED = 1_000_003
"""Added to the seed of the kept training samples: no training stream begins there."""


_RECORD_S = 20.0
"""Seconds between two records of progress: what a kill may cost."""


class CacheError(ValueError):
    """The wrapped data gives something else than its spec says."""


@dataclasses.dataclass(frozen=True)
class Cached(Generic[DataT]):
    """`ttjax.samples.Data` that keeps samples of other data on disk.

    Samples are trees of arrays of any kind, as the spec's `batch` says.

    samples: drawn for training. validation_samples: drawn for validation from a stream
        of another seed; 0 asks the wrapped data for its own validation set.
    batch_size: how many are drawn at once.
    minutes: wall time after which drawing for training stops with what there is.
    enabled: False passes everything through, and nothing is written.
    threads: readers of the served batches.
    """

    data: DataT
    samples: int = 2048
    validation_samples: int = 256
    batch_size: int = 8
    minutes: float | None = None
    enabled: bool = True
    threads: int = 2

    @property
    def licences(self) -> tuple[str, ...]:
        """Those of the wrapped data."""
        return licences_of(self.data)

    def train(self, spec: Any, *, batch_size: int, seed: int) -> Source:
        """The kept samples, shuffled anew at every pass; drawn first if need be.

        Raises:
            CacheError: the wrapped data does not meet the spec.
            OSError: the disk is full.
        """
        if not self.enabled:
            return self.data.train(spec, batch_size=batch_size, seed=seed)
        kept = self.kept(spec, seed=seed)
        if len(kept) < batch_size:
            raise CacheError(
                f"A batch holds {batch_size} samples, {len(kept)} are kept: allow more "
                "`minutes` or `samples`."
            )
        return Loader(kept, batch_size=batch_size, seed=seed, threads=self.threads)

    def kept(self, spec: Any, *, seed: int) -> "Kept":
        """The training samples of a seed, drawn first if need be.

        Raises:
            CacheError: the wrapped data does not meet the spec.
            OSError: the disk is full.
        """
        return self._kept(spec, seed, self.samples, self.minutes, "training samples")

    def validation(self, spec: Any, *, batch_size: int) -> Iterable[Any]:
        """All whole batches of the kept validation samples, the same at every call."""
        if not self.enabled or not self.validation_samples:
            return self.data.validation(spec, batch_size=batch_size)
        count = self.validation_samples
        kept = self._kept(spec, _VALIDATION_SEED, count, None, "validation samples")
        return Batches(kept, batch_size)

    def recordings(self, split: Split) -> Iterable[Recording]:
        """Those of the wrapped data."""
        return self.data.recordings(split)

    def folder(
        self, spec: Any, *, seed: int, samples: int, minutes: float | None
    ) -> pathlib.Path:
        """Where these samples are kept, named after all that determines them."""
        code = code_of(type(self.data))
        parts = (self.data, spec, seed, samples, self.batch_size, minutes, code)
        name = f"{type(self.data).__name__.lower()}-{store.key(*parts)}"
        return caches.directory() / "samples" / name

    def _kept(
        self, spec: Any, seed: int, samples: int, minutes: float | None, what: str
    ) -> "Kept":
        folder = self.folder(spec, seed=seed, samples=samples, minutes=minutes)

        def draw(part: pathlib.Path) -> dict[str, Any]:
            source = self.data.train(spec, batch_size=self.batch_size, seed=seed)
            return _draw(source, spec, part, samples, self.batch_size, minutes, what)

        about = store.fill(folder, draw)
        store.announce(f"{about['samples']} {what}", folder)
        return Kept(folder, spec, about["samples"])


class Kept:
    """The samples of a complete folder as `ttjax.pipeline.loader.Records`."""

    def __init__(self, folder: pathlib.Path, spec: Any, samples: int):
        """Maps the first `samples` rows of the files into memory."""
        leaves, self._structure = jax.tree_util.tree_flatten_with_path(spec.batch(1))
        self._arrays = [
            np.load(folder / _file(path), mmap_mode="r")[:samples] for path, _ in leaves
        ]
        self._samples = samples

    def __len__(self) -> int:
        """Number of samples."""
        return self._samples

    def sample(self, index: int, rng: np.random.Generator | None = None) -> Any:
        """One kept sample; nothing is drawn."""
        rows = [np.array(array[index]) for array in self._arrays]
        return jax.tree.unflatten(self._structure, rows)


def code_of(cls: type) -> str:
    """A hash of the source that a class lives in: its package's folder, or its file.

    A changed simulator must not be served from what an older one has drawn.
    """
    module = sys.modules[cls.__module__]
    file = getattr(module, "__file__", None)
    if file is None:
        return ""
    path = pathlib.Path(file)
    files = sorted(path.parent.glob("*.py")) if module.__package__ else [path]
    return store.key(*(one.read_bytes() for one in files))


def _draw(
    source: Source,
    spec: Any,
    part: pathlib.Path,
    samples: int,
    batch_size: int,
    minutes: float | None,
    what: str,
) -> dict[str, Any]:
    """Draws into files of rows; goes on where a stopped run was.

    Progress is written when the samples that it counts are on the disk, so that it
    never claims more than there is: every `_RECORD_S` seconds, and when drawing stops.
    """
    wanted = jax.tree_util.tree_leaves_with_path(spec.batch(samples))
    record = part / "progress.json"
    now = {"samples": 0, "seconds": 0.0}
    if record.is_file():
        now = json.loads(record.read_text())
        source.restore(now["source"])
    else:
        bytes_each = sum(leaf.size * leaf.dtype.itemsize for _, leaf in wanted)
        store.need_bytes(part, bytes_each)
    new = not now["samples"]
    files = [
        NpyWriter(part / _file(path), np.dtype(leaf.dtype), leaf.shape, new=new)
        for path, leaf in wanted
    ]

    def save() -> None:
        for file in files:
            file.sync()
        store.write_json(record, now)

    limit = np.inf if minutes is None else 60 * minutes
    start = saved = time.monotonic()
    spent = now["seconds"]
    with store.progress(f"drawing {what}", samples, now["samples"]) as advance:
        try:
            while now["samples"] < samples and (
                not now["samples"] or now["seconds"] < limit
            ):
                batch = source.next_batch()
                _check(batch, spec, batch_size)
                done = now["samples"]
                count = min(batch_size, samples - done)
                for file, leaf in zip(files, jax.tree.leaves(batch), strict=True):
                    file.write(done, np.asarray(leaf)[:count])
                now = {
                    "samples": done + count,
                    "seconds": spent + time.monotonic() - start,
                    "source": source.state(),
                }
                advance(count)
                if time.monotonic() - saved > _RECORD_S:
                    save()
                    saved = time.monotonic()
        finally:
            if now["samples"]:
                save()
            for file in files:
                file.close()
    return {
        "samples": now["samples"],
        "asked": samples,
        "seconds": round(now["seconds"], 1),
    }


def _check(batch: Any, spec: Any, batch_size: int) -> None:
    def shapes(tree: Any) -> Mapping[str, Any]:
        leaves = jax.tree_util.tree_leaves_with_path(tree)
        return {
            _name(path): f"{np.dtype(leaf.dtype).name}{list(leaf.shape)}"
            for path, leaf in leaves
        }

    found, due = shapes(batch), shapes(spec.batch(batch_size))
    if found != due:
        wrong = [n for n in {**due, **found} if due.get(n) != found.get(n)]
        raise CacheError(
            "Data gives what the spec asks for, "
            + "; ".join(f"{n} is {found.get(n)} instead of {due.get(n)}" for n in wrong)
            + ": correct the data, or the sizes in the task."
        )


def _name(path: Any) -> str:
    return ".".join(str(getattr(part, "name", part)) for part in path)


def _file(path: Any) -> str:
    return f"{_name(path)}.npy"
