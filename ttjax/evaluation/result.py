"""The table of an evaluation: printed, as Markdown, as JSON."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from ttjax import timing

SCHEMA = 1
"""Of `evaluation.json`."""

JSON, MARKDOWN = "evaluation.json", "evaluation.md"

MOST_SIZES = 4
"""Sizes of frames that are listed one by one."""

WIDEST = 200
"""Columns that a printed table may take."""

Scores = dict[str, dict[str, float]]
"""Of an evaluator: `{metric: {"value", "n", "baseline", "low", "high"}}`."""


@dataclasses.dataclass(frozen=True)
class Scored:
    """What was scored of one recording."""

    name: str
    frames: int
    windows: int
    fps: float
    size_hw: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores, and what they were measured on.

    scores: of the model, by metric.
    rivals: of what was scored beside it on the same windows, by name.
    sampling: which windows of the recordings count, in words.
    pictures: how many there are, where recordings are of pictures that do not follow
        each other; 0 for videos.
    """

    scores: Scores
    rivals: dict[str, Scores]
    sampling: str
    recordings: tuple[Scored, ...]
    seconds: float
    checkpoint: str = ""
    pictures: int = 0

    @property
    def sizes(self) -> str:
        """Sizes of the source frames, in whose pixels positions are scored."""
        sizes = dict.fromkeys((r.size_hw[1], r.size_hw[0]) for r in self.recordings)
        texts = [f"{w} x {h}" for w, h in sizes]
        if len(texts) > MOST_SIZES:
            small, *_, large = sorted(sizes, key=lambda size: size[0] * size[1])
            ends = (f"{w} x {h}" for w, h in (small, large))
            return f"{len(texts)} sizes, {' to '.join(ends)}"
        return ", ".join(texts)

    @property
    def facts(self) -> list[str]:
        """Lines that belong to the table."""
        frames = sum(recording.frames for recording in self.recordings)
        rate = frames / max(self.seconds, 1e-9)
        count = self.pictures or len(self.recordings)
        what = "picture" if self.pictures else "recording"
        many = "" if count == 1 else "s"
        lines = [
            f"recordings: {len(self.recordings)}, {frames} frames of {self.sizes} px",
            f"windows: {self.sampling}",
            f"interval: 95 % over {count} {what}{many}; "
            "constant: the best constant predictor",
            f"speed: {rate:.1f} frames/s on {timing.stamp()['device']}, all included",
        ]
        return ([f"checkpoint: {self.checkpoint}"] if self.checkpoint else []) + lines

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Column names, and one row of texts per metric."""
        head = ["metric", "value", "95 % interval", "constant", *self.rivals, "n"]
        return head, [self._row(metric) for metric in self.scores]

    def _row(self, metric: str) -> list[str]:
        score = self.scores[metric]
        interval = ""
        if "low" in score and "high" in score:
            interval = f"{number(score['low'])} to {number(score['high'])}"
        others = [table.get(metric, {}).get("value") for table in self.rivals.values()]
        return [
            metric,
            number(score["value"]),
            interval,
            number(score.get("baseline")),
            *map(number, others),
            f"{score['n']:.0f}",
        ]

    def markdown(self) -> str:
        """The table and its facts."""
        head, rows = self.table()
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        facts = "\n".join(f"- {fact}" for fact in self.facts)
        return f"# Evaluation\n\n{table}\n\n{facts}\n"

    def json(self) -> dict[str, Any]:
        """JSON values; a score that is not finite is null."""
        content = {
            "schema": SCHEMA,
            "checkpoint": self.checkpoint,
            "sampling": self.sampling,
            "recordings": [dataclasses.asdict(r) for r in self.recordings],
            "scores": self.scores,
            "rivals": self.rivals,
            "seconds": round(self.seconds, 2),
            "stamp": timing.stamp(),
        }
        return _finite(content)

    def write(self, directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
        """Writes `evaluation.json` and `evaluation.md`; gives their paths.

        Raises:
            OSError: the directory cannot be written.
        """
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.json(), indent=1, allow_nan=False)
        (directory / JSON).write_text(text + "\n", encoding="utf-8")
        (directory / MARKDOWN).write_text(self.markdown(), encoding="utf-8")
        return directory / JSON, directory / MARKDOWN

    def show(self, console: Any = None) -> None:
        """Prints the table, by default on standard output."""
        import rich.console
        import rich.table

        console = console or rich.console.Console(highlight=False)
        # No figure is cut off where a terminal is narrow: it wraps the lines.
        console.width = max(console.width, WIDEST)
        head, rows = self.table()
        table = rich.table.Table(box=None, pad_edge=False, header_style="bold")
        for index, name in enumerate(head):
            numeric = index > 0
            table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        for fact in self.facts:
            console.print(fact, markup=False, soft_wrap=True)


def number(value: float | None) -> str:
    """Three digits that count, and no more than the value deserves."""
    if value is None or math.isnan(value):
        return ""
    size = abs(value)
    if size < 1.0005:
        return f"{value:.3f}"
    return f"{value:.2f}" if size < 100 else f"{value:.1f}"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
