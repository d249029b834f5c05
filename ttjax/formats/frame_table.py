"""JSON objects that map frame numbers to labels, read strictly and written whole."""

import json
import os
import pathlib
from typing import Any, NoReturn

LAST_FRAME = 2**31 - 1
"""No recording is longer: half a year at 120 frames per second."""


def frame_number(path: pathlib.Path, key: str) -> int:
    """A key as the number of a frame.

    Raises:
        ValueError: it is none.
    """
    if not (key.isascii() and key.isdigit() and int(key) <= LAST_FRAME):
        raise ValueError(f"{path}: keys are 0-based frame numbers, got {key[:40]!r}.")
    return int(key)


def read(path: pathlib.Path) -> dict[int, Any]:
    """Frame number -> label, ascending.

    Raises:
        ValueError: no JSON object, numbers that JSON does not know (NaN, Infinity), a
            key that is no frame number, or a frame that comes twice.
    """
    path = pathlib.Path(path)

    def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        twice = next((key for key, _ in pairs if key in seen or seen.add(key)), None)
        if twice is not None:
            raise ValueError(
                f"{path}: a key stands for one label, {twice!r} comes twice: remove "
                "the wrong one."
            )
        return dict(pairs)

    def number(name: str) -> NoReturn:
        raise ValueError(
            f"{path} is no valid JSON: labels are finite numbers, got {name}."
        )

    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=whole, parse_constant=number)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no valid JSON: it is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no valid JSON: {error}.") from error
    except RecursionError as error:
        raise ValueError(f"{path} is no label file: it is nested too deep.") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} must hold an object that maps frames to labels, got a "
            f"{type(content).__name__}."
        )
    table: dict[int, Any] = {}
    for key, label in content.items():
        frame = frame_number(path, key)
        if frame in table:
            raise ValueError(
                f"{path}: a frame has one label, frame {frame} has two (as {key!r}): "
                "remove the wrong one."
            )
        table[frame] = label
    return dict(sorted(table.items()))


def check_end(path: pathlib.Path, last: int, length: int) -> None:
    """Checks that frame `last` of a label file exists in a video of `length` frames.

    Raises:
        ValueError: it does not.
    """
    if last >= length:
        raise ValueError(
            f"Labels belong to frames of their video, {path} has frame {last} and the "
            f"video {length} frames (0 to {length - 1}): they belong to another cut of "
            "it."
        )


def write(path: pathlib.Path, data: bytes) -> None:
    """All or nothing: a reader never sees a half-written file."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    os.replace(partial, path)
