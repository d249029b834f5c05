"""The run's log: one JSON object a line, in step with the checkpoints."""

import json
import math
import os
import pathlib
from typing import Any

FILE = "log.jsonl"


class Journal:
    """Appends to `log.jsonl`, each line whole on disk before the next.

    Every line has "kind" and "step"; numbers that are not finite are written as null.
    """

    def __init__(self, out: pathlib.Path, *, step: int = 0):
        """Opens the log, forgetting lines after `step`: a killed run wrote them."""
        self.path = out / FILE
        if self.path.exists():
            kept = [line for line in read(out) if line["step"] <= step]
            replacement = self.path.with_suffix(".tmp")
            replacement.write_text("".join(_line(line) for line in kept))
            os.replace(replacement, self.path)
        self._file = self.path.open("a", buffering=1)

    def __enter__(self) -> "Journal":
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self._file.close()

    def write(self, kind: str, step: int, **fields: Any) -> None:
        """Writes one line."""
        self._file.write(_line({"kind": kind, "step": step, **fields}))


def read(out: pathlib.Path) -> list[dict[str, Any]]:
    """The whole lines of a run's log; the last may have been cut by a kill."""
    lines = (out / FILE).read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("}\n")]


def _line(values: dict[str, Any]) -> str:
    return json.dumps(_finite(values)) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
