"""Results of benchmarks: rows in a JSON file, one per name."""

import json
import os
import pathlib
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from ttjax import timing

WIDTH = 180
"""Columns of a printed table, at most."""


def about(program: str, name: str, *, quick: bool = False) -> dict[str, Any]:
    """How a row begins: its name, and what it belongs to.

    program: the module in `bench` that measures it. name: without the backend, which is
    added. quick: so that a trial's row never takes the place of a measured one.
    """
    backend = jax.default_backend()
    return {
        "name": f"{name}/{backend}" + ("/quick" if quick else ""),
        **timing.stamp(),
        "backend": backend,
        "load": round(os.getloadavg()[0], 2),
        "flags": os.environ.get("XLA_FLAGS", ""),
        "command": shlex.join(["python", "-m", f"bench.{program}", *sys.argv[1:]]),
    }


def merge(path: pathlib.Path, rows: Sequence[dict[str, Any]]) -> None:
    """Writes `{"rows": [...]}`, sorted; a row replaces that of the same `name`.

    Raises:
        ValueError: a row has no name, or the file holds something else.
    """
    if not all(row.get("name") for row in rows):
        raise ValueError("Rows are merged by name, got one without: set `name`.")
    held: dict[str, dict[str, Any]] = {}
    if path.exists():
        held = {row["name"]: row for row in read(path)}
    merged = held | {row["name"]: row for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed: an interrupted run leaves the old results whole.
    beside = path.with_name(path.name + ".new")
    body = {"rows": [merged[name] for name in sorted(merged)]}
    beside.write_text(json.dumps(body, indent=1) + "\n")
    os.replace(beside, path)


def keep(path: pathlib.Path | None, rows: Sequence[dict[str, Any]]) -> None:
    """Merges rows where a file was asked for."""
    if path is not None:
        merge(path, rows)


def read(path: pathlib.Path) -> list[dict[str, Any]]:
    """The rows of a file.

    Raises:
        ValueError: it holds something else.
    """
    try:
        found = json.loads(path.read_text())["rows"]
        _ = [row["name"] for row in found]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'Results are {{"rows": [...]}} with a `name` each, {path} is not: '
            "choose another path."
        ) from error
    return found


def line(row: dict[str, Any]) -> str:
    """A row for people: name, quantiles, rate."""
    return (
        f"{row['name']:34} p50 {row['p50_ms']:9.2f} ms   p90 {row['p90_ms']:9.2f} ms   "
        f"p99 {row['p99_ms']:9.2f} ms   {row['samples_per_s']:8.1f} samples/s"
    )


def table(title: str, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Prints rows for people, as wide as they are; what a row lacks stays empty."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, box=box.SIMPLE, title_justify="left")
    drawn.add_column("name", no_wrap=True)
    for column in columns:
        drawn.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        drawn.add_row(row["name"], *(_cell(row.get(column)) for column in columns))
    Console(width=WIDTH).print(drawn)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, dict):
        return "\n".join(f"{name} {_cell(each)}" for name, each in value.items())
    return str(value)
