"""Ablations in the paper's layout: ours beside the printed values, and what differs."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ttjax.metrics.ranking import Verdict, judge
from ttjax.ttnet.paper import Row, Table

Runs = Sequence[Mapping[str, float]]
"""The scores of one variant by metric, seed by seed."""

NONE = "-"
"""In the place of a value that is not there."""


def entry(table: Table, found: Sequence[Runs]) -> dict[str, Any]:
    """JSON values: per row and column what is printed, and ours over the seeds.

    found: one per column. `sd` is the sample's; it is missing of one seed.
    """
    rows = []
    for row in table.rows:
        columns = []
        for name, printed, runs in zip(table.columns, row.values, found, strict=True):
            columns.append({"column": name, "printed": printed, **_spread(runs, row)})
        rows.append({"label": row.label, "metric": row.metric, "columns": columns})
    return {"title": table.title, "rows": rows, "ranking": sentence(table, found)}


def markdown(table: Table, found: Sequence[Runs]) -> str:
    """Title, table and sentence; ours as mean ± standard deviation over the seeds."""
    head = [table.head]
    for column in table.columns:
        head += [f"{column}, paper", f"{column}, ours"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in table.rows:
        cells = [row.label]
        for printed, runs in zip(row.values, found, strict=True):
            cells += [_number(printed, row.digits), _cell(runs, row)]
        lines.append(cells)
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"## {table.title}\n\n{text}\n\n{sentence(table, found)}\n"


def sentence(table: Table, found: Sequence[Runs]) -> str:
    """Where our ranking differs from the printed one, beyond the spread of the seeds.

    Every pair of columns that a printed row tells apart is judged by itself
    (`ttjax.metrics.ranking`); where the paper ranks nothing, what ours ranks.
    """
    counts = [len(runs) for runs in found]
    if max(counts) < 2:
        return "A ranking needs repeats: fewer than two seeds tell nothing from chance."
    claims = list(_claims(table))
    if not claims:
        return _own(table, found)
    verdicts = [
        judge(
            _values(found[better], row),
            _values(found[worse], row),
            higher=row.higher,
        )
        for row, better, worse in claims
    ]
    swapped: dict[str, list[str]] = {}
    for (row, better, worse), verdict in zip(claims, verdicts, strict=True):
        if verdict is Verdict.SWAPPED:
            pair = f"{table.columns[worse]} before {table.columns[better]}"
            swapped.setdefault(_short(row), []).append(pair)
    other = verdicts.count(Verdict.SWAPPED)
    where = "; ".join(f"{label}: {', '.join(p)}" for label, p in swapped.items())
    known = sum(verdict is not None for verdict in verdicts)
    text = (
        f"Of {len(claims)} pairs that the paper ranks, ours has "
        f"{other or 'none'} the other way round{f' ({where})' if where else ''}, "
        f"{verdicts.count(Verdict.SAME)} the same way, and "
        f"{verdicts.count(Verdict.WITHIN)} within the spread of the "
        f"{_range(counts)} seeds"
    )
    missing = len(claims) - known
    return text + (f"; {missing} lack a score." if missing else ".")


def _own(table: Table, found: Sequence[Runs]) -> str:
    """What is better in which rows, where the paper ranks nothing."""
    ahead: dict[str, list[str]] = {column: [] for column in table.columns}
    rest = []
    for row in table.rows:
        for one, other in itertools.combinations(range(len(found)), 2):
            verdict = judge(
                _values(found[one], row), _values(found[other], row), higher=row.higher
            )
            if verdict in (Verdict.SAME, Verdict.SWAPPED):
                best = one if verdict is Verdict.SAME else other
                ahead[table.columns[best]].append(_short(row))
            elif verdict is Verdict.WITHIN:
                rest.append(_short(row))
    parts = [
        f"{name} is better in {', '.join(rows)}" for name, rows in ahead.items() if rows
    ]
    if rest:
        counts = [len(runs) for runs in found]
        parts.append(
            f"{', '.join(dict.fromkeys(rest))} differ within the spread of the "
            f"{_range(counts)} seeds"
        )
    return f"The paper ranks none; of ours {'; '.join(parts) or 'no score is known'}."


def _claims(table: Table) -> list[tuple[Row, int, int]]:
    """(row, better column, worse column) of all printed values that differ."""
    found = []
    for row in table.rows:
        for one, other in itertools.combinations(range(len(table.columns)), 2):
            a, b = row.values[one], row.values[other]
            if a is None or b is None or a == b:
                continue
            first = (a > b) == row.higher
            found.append((row, *((one, other) if first else (other, one))))
    return found


def _values(runs: Runs, row: Row) -> list[float]:
    known = [run[row.metric] for run in runs if row.metric in run]
    return [float(value) for value in known if math.isfinite(value)]


def _spread(runs: Runs, row: Row) -> dict[str, Any]:
    values = _values(runs, row)
    found: dict[str, Any] = {"n": len(values), "values": values}
    if values:
        found["mean"] = statistics.fmean(values)
    if len(values) > 1:
        found["sd"] = statistics.stdev(values)
    return found


def _cell(runs: Runs, row: Row) -> str:
    found = _spread(runs, row)
    text = _number(found.get("mean"), row.digits)
    return text + (f" ± {_number(found['sd'], row.digits)}" if "sd" in found else "")


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _short(row: Row) -> str:
    return row.label.partition(",")[0]


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(high) if low == high else f"{low} to {high}"
