"""A prepared data set of stacks: a folder of TFDS, read without TensorFlow."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int8, Int32

from ttjax.formats import stack_record
from ttjax.pipeline import store

_INFO = "dataset_info.json"


@dataclasses.dataclass(frozen=True)
class Index:
    """What is known of the records of a split without their pixels.

    kinds: one of `stack_record.KINDS` per record.
    clips: names of the recordings, and `clip` the place of each record's among them.
    """

    kinds: Int8[np.ndarray, " n"]
    clips: tuple[str, ...]
    clip: Int32[np.ndarray, " n"]


class Prepared:
    """The records of one folder that a builder has prepared.

    facts: the class of their labels; each of its fields is one of the record.
    """

    facts: type = stack_record.Facts

    def __init__(self, root: pathlib.Path):
        """Opens the folder, or the only prepared one below it; reads no record.

        Raises:
            FileNotFoundError: nothing is prepared there.
            ValueError: more than one data set is, or one that is not read here.
        """
        self.folder = find(root)
        import tensorflow_datasets as tfds

        self._builder = tfds.builder_from_directory(str(self.folder))
        missing = {field.name for field in dataclasses.fields(self.facts)}
        features: Any = self._builder.info.features
        missing = sorted(missing - set(features or ()))
        if missing:
            raise ValueError(
                f"Records have the fields of `{self.facts.__module__}`, those in "
                f"{str(self.folder)!r} lack {missing}: build the data set with "
                "`ttjax.datasets`, or take the reader of such records."
            )

    @property
    def name(self) -> str:
        """The builder's, such as "openttgames"."""
        return self._builder.name

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the builder tells of all records."""
        return dict(self._builder.info.metadata or {})

    @property
    def licence(self) -> str:
        """Of the recordings; empty where the builder states none."""
        stated = self._builder.info.redistribution_info
        return str(stated.license).strip() if stated else ""

    def count(self, split: str) -> int:
        """Records of a split; 0 where there is none of that name."""
        found = self._builder.info.splits.get(split)
        return 0 if found is None else found.num_examples

    def records(self, split: str) -> "SplitRecords":
        """The records of a split at random access.

        Raises:
            ValueError: there is no such split, or a part of it is missing.
        """
        if not self.count(split):
            raise ValueError(
                f"A split has records, {split!r} of {str(self.folder)!r} has none; its "
                f"splits are {sorted(self._builder.info.splits)}: build it, or take "
                "another."
            )
        files = [
            pathlib.Path(path) for path in self._builder.info.splits[split].filepaths
        ]
        missing = [path.name for path in files if not path.is_file()]
        if missing:
            raise ValueError(
                f"A prepared split is whole, {split!r} of {str(self.folder)!r} lacks "
                f"{', '.join(missing)}: build it again."
            )
        builder: Any = self._builder  # decorated: its signature does not show
        source = builder.as_data_source(split=split)
        return SplitRecords(source, f"split {split!r} of {str(self.folder)!r}")

    def key(self, split: str) -> str:
        """A short name for the content of a split, by its files' sizes and times."""
        files = self._builder.info.splits[split].filepaths
        about = [
            (path.name, path.stat().st_size, path.stat().st_mtime_ns)
            for path in map(pathlib.Path, files)
        ]
        return store.key(str(self.folder.resolve()), *about)


class StackSet(Prepared):
    """Records of stacks.

    The metadata that it reads: `stride` (1), `events` and `masks` (names, in the order
    of the records).
    """

    @property
    def stride(self) -> int:
        """Source frames between two frames of a stack."""
        return int(self.metadata.get("stride", 1))

    @property
    def events(self) -> tuple[str, ...]:
        """The kinds of events, in the order of the records."""
        return tuple(self.metadata.get("events", stack_record.EVENTS))

    @property
    def masks(self) -> tuple[str, ...]:
        """The classes of masks, in the order of the channels."""
        return tuple(self.metadata.get("masks", stack_record.MASKS))

    def index(self, split: str, root: pathlib.Path) -> Index:
        """Kinds and clips of a split: read once through all records, kept in `root`."""
        folder = root / "index" / f"{self.name}-{split}-{self.key(split)}"

        def write(part: pathlib.Path) -> dict[str, Any]:
            records = self.records(split)
            kinds = np.zeros(len(records), np.int8)
            clip = np.zeros(len(records), np.int32)
            names: dict[str, int] = {}
            title = f"indexing {self.name} {split}"
            with store.progress(title, len(records)) as advance:
                for number in range(len(records)):
                    facts = stack_record.read_facts(records[number])
                    kinds[number] = facts.kind
                    clip[number] = names.setdefault(facts.clip, len(names))
                    advance(1)
            np.save(part / "kinds.npy", kinds)
            np.save(part / "clip.npy", clip)
            return {"folder": str(self.folder), "clips": list(names)}

        about = store.fill(folder, write)
        kinds, clip = (np.load(folder / f"{name}.npy") for name in ("kinds", "clip"))
        return Index(kinds, tuple(about["clips"]), clip)


class SplitRecords(Sequence[Mapping[str, Any]]):
    """Records as `ttjax.formats.stack_record` reads them; several threads may."""

    def __init__(self, source: Any, place: str):
        """`place` names the split in errors."""
        self._source = source
        self.place = place

    def __len__(self) -> int:
        """Number of records."""
        return len(self._source)

    def __getitem__(self, index: Any) -> Any:
        """One record.

        Raises:
            IndexError: there are fewer.
            ValueError: the file is damaged there.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"{self.place} has {len(self)} records, got {index}.")
        try:
            return self._source[index]
        except RuntimeError as error:
            raise ValueError(
                f"Prepared records can be read, record {index} of {self.place} cannot "
                f"({error}): build it again."
            ) from error


def find(root: pathlib.Path) -> pathlib.Path:
    """The folder with prepared records: `root` itself, or the only one below.

    Raises:
        FileNotFoundError: there is none.
        ValueError: there are several.
    """
    root = pathlib.Path(root)
    found = [root] if (root / _INFO).is_file() else []
    found = found or sorted(
        path.parent
        for path in root.rglob(_INFO)
        if not any("incomplete." in part for part in path.parts)
    )
    if not found:
        raise FileNotFoundError(
            f"A prepared data set is a folder with {_INFO}, {str(root)!r} holds none: "
            "build it with `ttjax.datasets`, or correct the path."
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise ValueError(
            f"A path names one prepared data set, {str(root)!r} holds several "
            f"({names}): give the folder of one."
        )
    return found[0]
