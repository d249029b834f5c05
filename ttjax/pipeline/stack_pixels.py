"""The pixels of recorded stacks: decoded when asked for, or once for all.

A decoded stack is a few megabytes (nine frames at both scales: 3.9 MB), a recorded one
a tenth of it; reading it needs no decoder.
"""

import concurrent.futures
import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from ttjax.formats import stack_record
from ttjax.formats.stack_record import ARRAYS, FRAME_HW, Facts
from ttjax.pipeline import store

Images = Sequence[UInt8[np.ndarray, "h w 3"]] | np.ndarray
"""One picture per frame of a stack, oldest first."""
EVERY = slice(None)
"""All frames of a stack."""


@runtime_checkable
class OpenStack(Protocol):
    """One stack: its labels, and its pixels when they are asked for."""

    @property
    def facts(self) -> Facts:
        """All but the pixels."""
        ...

    def frames(self, picked: slice = EVERY) -> Images:
        """The downscaled whole frames."""
        ...

    def canvas(self, picked: slice = EVERY) -> Images:
        """The same region of every frame at full resolution."""
        ...

    def masks(self) -> UInt8[np.ndarray, "h w m"] | None:
        """0/1 masks of the newest frame; None where they are not known."""
        ...


@runtime_checkable
class StackReader(Protocol):
    """Stacks at random access, from several threads."""

    def __len__(self) -> int:
        """Number of stacks."""
        ...

    def __getitem__(self, index: int) -> OpenStack:
        """One of them."""
        ...


@dataclasses.dataclass(frozen=True)
class EncodedStack:
    """A record whose images are decoded when they are asked for."""

    record: Mapping[str, Any]
    facts: Facts

    def frames(self, picked: slice = EVERY) -> Images:
        """Decodes whole frames.

        Raises:
            ValueError: an image is damaged, or of another size than frames have.
        """
        images = self._decoded("frames", picked)
        sizes = sorted({image.shape[:2] for image in images})
        if sizes != [FRAME_HW]:
            raise ValueError(
                f"Whole frames are recorded at {FRAME_HW} (h, w), {self.facts.place} "
                f"has {sizes}: build the data set again."
            )
        return images

    def canvas(self, picked: slice = EVERY) -> Images:
        """Decodes the full-resolution region."""
        return self._decoded("canvas", picked)

    def masks(self) -> UInt8[np.ndarray, "h w m"] | None:
        """Decodes the masks."""
        data = bytes(self.record["masks"])
        if not data:
            return None
        return (stack_record.decode_image(data, self.facts.place) > 127).astype(
            np.uint8
        )

    def _decoded(self, name: str, picked: slice) -> Images:
        return [
            stack_record.decode_image(bytes(data), self.facts.place)
            for data in self.record[name][picked]
        ]


@dataclasses.dataclass(frozen=True)
class Encoded:
    """Records as stacks: every reading decodes anew."""

    records: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        """Number of records."""
        return len(self.records)

    def __getitem__(self, index: int) -> EncodedStack:
        """Reads a record; decodes nothing yet."""
        record = self.records[index]
        return EncodedStack(record, stack_record.read_facts(record))


@dataclasses.dataclass(frozen=True)
class DecodedStack:
    """Rows of memory-mapped arrays."""

    facts: Facts
    rows: Mapping[str, np.ndarray]

    def frames(self, picked: slice = EVERY) -> Images:
        """The whole frames, not copied."""
        return self.rows["frames"][picked]

    def canvas(self, picked: slice = EVERY) -> Images:
        """The full-resolution region, not copied."""
        return self.rows["canvas"][picked]

    def masks(self) -> UInt8[np.ndarray, "h w m"] | None:
        """The masks, not copied."""
        return self.rows["masks"] if self.rows["masks_known"] else None


class Decoded:
    """The stacks of a folder that `decode` has filled, mapped into memory."""

    def __init__(self, folder: pathlib.Path):
        """Opens its files; reads the labels alone."""
        self.folder = folder
        self._pixels = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r")
            for name in ("frames", "canvas", "masks")
        }
        self._labels = {
            name: np.load(folder / f"{name}.npy")
            for name in (*ARRAYS, "masks_known", "kind", "frame", "clip")
        }
        self._texts = json.loads((folder / "texts.json").read_text())

    def __len__(self) -> int:
        """Number of stacks."""
        return len(self._labels["frame"])

    def __getitem__(self, index: int) -> DecodedStack:
        """One stack; its pixels are read from the disk when they are looked at."""
        labels = {name: array[index] for name, array in self._labels.items()}
        clip, group = self._texts[int(labels["clip"])]
        facts = Facts(
            clip=clip,
            frame=int(labels["frame"]),
            group=group,
            kind=int(labels["kind"]),
            **{name: labels[name] for name in ARRAYS},
        )
        rows = {name: array[index] for name, array in self._pixels.items()}
        return DecodedStack(facts, {**rows, "masks_known": labels["masks_known"]})


def decode(
    stacks: Encoded, folder: pathlib.Path, what: str, *, threads: int = 2
) -> dict[str, Any]:
    """Decodes all stacks into `folder`, once; gives the facts of the folder.

    what: names them on the progress bar. A folder that is complete is left as it is.

    Raises:
        ValueError: an image is damaged, or stacks have different shapes.
        OSError: the disk has no room.
    """

    def write(part: pathlib.Path) -> dict[str, Any]:
        shapes = _shapes(stacks[0])
        each = sum(int(np.prod(shape)) for shape in shapes.values())
        store.need_bytes(part, each * len(stacks))
        pixels = {
            name: np.lib.format.open_memmap(
                part / f"{name}.npy", "w+", np.uint8, (len(stacks), *shape)
            )
            for name, shape in shapes.items()
        }

        def one(number: int) -> dict[str, Any]:
            stack = stacks[number]
            for name, value in _rows(stack, shapes).items():
                pixels[name][number] = value
            return _labels_of(stack)

        texts: dict[tuple[str, str], int] = {}
        labels: dict[str, list[Any]] = {}
        with (
            concurrent.futures.ThreadPoolExecutor(threads) as pool,
            store.progress(f"decoding {what}", len(stacks)) as advance,
        ):
            for row in pool.map(one, range(len(stacks))):
                row["clip"] = texts.setdefault(row["clip"], len(texts))
                for name, value in row.items():
                    labels.setdefault(name, []).append(value)
                advance(1)
        for array in pixels.values():
            array.flush()
        for name, values in labels.items():
            np.save(part / f"{name}.npy", np.array(values, ARRAYS.get(name)))
        store.write_json(part / "texts.json", list(texts))
        return {"of": what, "stacks": len(stacks)}

    return store.fill(folder, write)


def _shapes(stack: EncodedStack) -> dict[str, tuple[int, ...]]:
    """Of a stack's pixels. Masks take their place whether they are known or not."""
    frames, canvas = stack.frames(), stack.canvas()
    return {
        "frames": (len(frames), *frames[0].shape),
        "canvas": (len(canvas), *canvas[0].shape),
        "masks": (*FRAME_HW, len(stack_record.MASKS)),
    }


def _rows(
    stack: EncodedStack, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    masks = stack.masks()
    if masks is None:
        masks = np.zeros(shapes["masks"], np.uint8)
    rows = {
        "frames": np.stack(list(stack.frames())),
        "canvas": np.stack(list(stack.canvas())),
        "masks": masks,
    }
    wrong = [name for name, row in rows.items() if row.shape != shapes[name]]
    if wrong:
        told = [f"{name} {rows[name].shape} for {shapes[name]}" for name in wrong]
        raise ValueError(
            "Stacks that are decoded into one file have one shape, "
            f"{stack.facts.place} has {', '.join(told)}: train from the records "
            "themselves, or build them alike."
        )
    return rows


def _labels_of(stack: EncodedStack) -> dict[str, Any]:
    facts = stack.facts
    return {
        **{name: getattr(facts, name) for name in ARRAYS},
        "masks_known": bool(stack.record["masks"]),
        "kind": facts.kind,
        "frame": facts.frame,
        "clip": (facts.clip, facts.group),
    }
