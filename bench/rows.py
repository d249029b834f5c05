"""Results of benchmarks: rows in a JSON file, one per name."""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any


def merge(path: pathlib.Path, rows: Sequence[dict[str, Any]]) -> None:
    """Writes `{"rows": [...]}`, sorted; a row replaces that of the same `name`.

    Raises:
        ValueError: a row has no name, or the file holds something else.
    """
    if not all(row.get("name") for row in rows):
        raise ValueError("Rows are merged by name, got one without: set `name`.")
    held: dict[str, dict[str, Any]] = {}
    if path.exists():
        try:
            held = {row["name"]: row for row in json.loads(path.read_text())["rows"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'Results are {{"rows": [...]}} with a `name` each, {path} is not: '
                "choose another path."
            ) from error
    merged = held | {row["name"]: row for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed: an interrupted run leaves the old results whole.
    beside = path.with_name(path.name + ".new")
    body = {"rows": [merged[name] for name in sorted(merged)]}
    beside.write_text(json.dumps(body, indent=1) + "\n")
    os.replace(beside, path)


def line(row: dict[str, Any]) -> str:
    """A row for people: name, quantiles, rate."""
    return (
        f"{row['name']:34} p50 {row['p50_ms']:9.2f} ms   p90 {row['p90_ms']:9.2f} ms   "
        f"p99 {row['p99_ms']:9.2f} ms   {row['samples_per_s']:8.1f} samples/s"
    )
