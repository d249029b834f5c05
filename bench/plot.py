"""Latency against batch, ours and PyTorch's, as a picture.

    python bench/plot.py RESULTS.json [OUT.png] [--family NAME] [--title TEXT]

Reads the rows that `bench/latency.py --batch 1 2 4 8 --baselines` merged into the file.
Shown is the time of a batch, for that is what each of its answers waits for. OpenCV
draws.
"""

import argparse
import pathlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from bench import rows
from ttjax.train import curves

OUT = pathlib.Path(__file__).with_name("latency.png")
"""Beside the README, which shows it."""

MODE = {"ttnet": "stack", "deepsportlab": "all"}
"""The rows of one window each, by family."""

SIZE_HW = (480, 860)
"""Of the picture, in pixels."""


def series(
    found: Sequence[Mapping[str, Any]], family: str
) -> dict[str, list[tuple[float, float]]]:
    """Points (batch, median in ms) by what ran, of the paper's network of a family.

    Ours is called by its dtype; PyTorch's variants by their names.

    Raises:
        ValueError: there is no such row.
    """
    pattern = re.compile(rf"{family}\.{MODE[family]}\.b(\d+)\.(\w+)/[a-z]+(/quick)?")
    points: dict[str, dict[float, float]] = {}
    for row in found:
        match = pattern.fullmatch(row["name"])
        if match is None:
            continue
        batch, ours = float(match[1]), f"ours {match[2]}"
        points.setdefault(ours, {})[batch] = row["p50_ms"]
        for name, p50_ms in row.get("baseline_ms", {}).items():
            label = name.replace("torch_", "PyTorch ").replace("_", " ")
            points.setdefault(label, {})[batch] = p50_ms
    if not points:
        raise ValueError(
            f"A plot is of rows {family}.{MODE[family]}.bN.DTYPE/BACKEND, got none of "
            "them: measure some with `python bench/latency.py --json`."
        )
    return {name: sorted(of.items()) for name, of in sorted(points.items())}


def main(argv: Sequence[str] | None = None) -> None:
    """Draws the picture."""
    parser = argparse.ArgumentParser(description="Latency against batch.")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path, nargs="?", default=OUT)
    parser.add_argument("--family", choices=tuple(MODE), default="ttnet")
    parser.add_argument("--title", help="instead of the device's name")
    options = parser.parse_args(argv)
    found = rows.read(options.results)
    points = series(found, options.family)
    title = options.title or f"{options.family} on {found[0]['device']}: ms per batch"
    picture = curves.draw(points, title=title, x_label="batch", size_hw=SIZE_HW)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    curves.write(options.out, picture)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
