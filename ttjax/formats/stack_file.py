"""Records of one clip in a file that is whole or not there.

A line with the format's name; then per record the length of its head and its head, a
JSON object of the labels with the lengths of the images, then the images; at the end an
empty head and the number of records. A file appears under its name when it is complete.
"""

import json
import os
import pathlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from ttjax.formats import stack_record

MAGIC = b"ttjax stacks 1\n"
_LENGTH, _COUNT = struct.Struct("<I"), struct.Struct("<Q")
_IMAGES = ("frames", "canvas")
_BYTES = ("clip", "group")
_SCALARS = {"frame": np.int64, "kind": np.int8}


def write(path: pathlib.Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Writes all records; returns their number."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count = path.with_name(path.name + ".part"), 0
    with partial.open("wb") as out:
        out.write(MAGIC)
        for record in records:
            images = [bytes(i) for name in _IMAGES for i in record[name]]
            images.append(bytes(record["masks"]))
            head = {name: record[name].decode() for name in _BYTES}
            head |= {name: int(record[name]) for name in _SCALARS}
            head |= {
                name: np.asarray(record[name]).tolist() for name in stack_record.ARRAYS
            }
            head["images"] = [len(image) for image in images]
            text = json.dumps(head).encode()
            out.write(_LENGTH.pack(len(text)) + text + b"".join(images))
            count += 1
        out.write(_LENGTH.pack(0) + _COUNT.pack(count))
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, path)
    return count


def heads(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The labels of every record alone: `clip`, `group`, `frame`, `kind` and more.

    Raises:
        ValueError: the file is damaged.
    """
    with pathlib.Path(path).open("rb") as file:
        for head in _heads(file, path):
            file.seek(sum(head["images"]), os.SEEK_CUR)
            yield head


def read(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """All records in order, as `stack_record.encode` made them.

    Raises:
        ValueError: the file is damaged.
    """
    with pathlib.Path(path).open("rb") as file:
        for head in _heads(file, path):
            images = [_take(file, length, path) for length in head["images"]]
            t = len(head["ball_state"])
            record = {name: head[name].encode() for name in _BYTES}
            record |= {name: kind(head[name]) for name, kind in _SCALARS.items()}
            for name, kind in stack_record.ARRAYS.items():
                record[name] = np.array(head[name], kind)
            record["frames"], record["canvas"] = images[:t], images[t : 2 * t]
            record["masks"] = images[2 * t]
            yield record


def _heads(file: BinaryIO, path: pathlib.Path) -> Iterator[dict[str, Any]]:
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError(
            f"{path} does not begin as a file of records: remove it, it will be built "
            "again."
        )
    count = 0
    while length := _LENGTH.unpack(_take(file, _LENGTH.size, path))[0]:
        yield json.loads(_take(file, length, path))
        count += 1
    (announced,) = _COUNT.unpack(_take(file, _COUNT.size, path))
    if announced != count:
        raise ValueError(f"{path} announces {announced} records and has {count}.")


def _take(file: BinaryIO, length: int, path: pathlib.Path) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise ValueError(f"{path} ends within a record: remove it and build again.")
    return data
