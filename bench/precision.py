"""What fewer bits change: a network in bfloat16 or float16 beside itself in float32.

    python -m bench.precision CHECKPOINT [--rallies N] [--dtype DTYPE ...] [--json PATH]

Simulated rallies that nothing was trained on, through a checkpoint of TTNet. Rows say
how far the ball moves where both see one, how events' probabilities differ (p99 of all,
and how many decisions at 1/2 change where float32 is surer than .45 to .55), and the
overlap of masks. `passes` is false where one of them is beyond `BOUNDS`.
"""

import argparse
import pathlib
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from bench import rows
from ttjax import timing

BOUNDS = {
    "ball_px_max": 0.25,
    "presence_changed": 0.0,
    "events_p99": 0.02,
    "decisions_changed": 0.0,
    "masks_iou_min": 0.99,
}
"""Of px, of shares and of probabilities; the last is a lower bound."""

UNSURE = (0.45, 0.55)
"""A probability in between decides nothing."""

SECONDS = 1.25
"""Of every rally."""


def difference(exact: Any, found: Any) -> dict[str, float]:
    """Figures of predictions beside those of float32, of the same windows.

    Balls, presence and events of all windows; masks where there are any.
    """
    sure = _sure(exact.ball.probability) & _sure(found.ball.probability)
    present = exact.ball.present & found.ball.present
    moved = np.linalg.norm(exact.ball.xy_px - found.ball.xy_px, axis=-1)[present]
    result = {
        "windows": len(present),
        "balls": int(present.sum()),
        "ball_px_max": float(moved.max(initial=0.0)),
        "ball_px_p99": float(np.percentile(moved, 99)) if len(moved) else 0.0,
        "presence_changed": int((exact.ball.present != found.ball.present)[sure].sum()),
    }
    if exact.events is not None:
        apart = np.abs(exact.events - found.events)
        other = (exact.events >= 0.5) != (found.events >= 0.5)
        result["events_p99"] = float(np.percentile(apart, 99))
        result["events_max"] = float(apart.max())
        result["decisions_changed"] = int(other[_sure(exact.events)].sum())
    if exact.masks is not None:
        result["masks_iou_min"] = min(overlaps(exact.masks, found.masks))
    return result


def overlaps(exact: np.ndarray, found: np.ndarray) -> list[float]:
    """Intersection over union of each class over all frames; 1 of two empty ones."""
    ours, theirs = (np.asarray(masks) >= 0.5 for masks in (exact, found))
    axes = tuple(range(ours.ndim - 1))
    both, either = (ours & theirs).sum(axes), (ours | theirs).sum(axes)
    return [float(b / e) if e else 1.0 for b, e in zip(both, either, strict=True)]


def passes(figures: dict[str, float]) -> bool:
    """Whether none is beyond its bound."""
    return all(
        figures[name] >= bound if name.endswith("_min") else figures[name] <= bound
        for name, bound in BOUNDS.items()
        if name in figures
    )


def row(checkpoint: pathlib.Path, dtype: str, *, rallies: int) -> dict[str, Any]:
    """Both networks on the same frames of so many rallies.

    Raises:
        FileNotFoundError: there is no checkpoint.
        ValueError: it is not of a family that looks for one ball with events.
    """
    from ttjax import predictor
    from ttjax.sim.data import Simulation

    networks = [predictor.load(checkpoint, dtype=d) for d in ("float32", dtype)]
    task: Any = networks[0].task
    simulation = Simulation(test_recordings=rallies, seconds=SECONDS)
    parts: list[list[Any]] = [[], []]
    for recording in simulation.recordings("test"):
        frames = list(recording.frames())
        for found, network in zip(parts, networks, strict=True):
            found += (
                jax.tree.map(np.asarray, part)
                for part in network.windows(frames, masks=True)
            )
    exact, found = (
        jax.tree.map(lambda *leaves: np.concatenate(leaves), *part) for part in parts
    )
    figures = difference(exact, found)
    backend = jax.default_backend()
    return {
        "name": f"ttnet.precision.{dtype}/{backend}",
        **timing.stamp(),
        "command": shlex.join(["python", "-m", "bench.precision", *sys.argv[1:]]),
        **{name: round(value, 5) for name, value in figures.items()},
        "heads": list(task.config.heads),
        "passes": passes(figures),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per dtype, and merges them into a file if asked."""
    parser = argparse.ArgumentParser(description="What fewer bits change.")
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--rallies", type=int, default=2)
    parser.add_argument("--dtype", nargs="+", default=["bfloat16", "float16"])
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    options = parser.parse_args(argv)
    measured = []
    for dtype in options.dtype:
        measured.append(row(options.checkpoint, dtype, rallies=options.rallies))
        for name, value in measured[-1].items():
            if name not in ("versions", "command", "heads"):
                print(f"{name:20} {value}", flush=True)
    if options.json:
        rows.merge(options.json, measured)


def _sure(probability: np.ndarray) -> np.ndarray:
    low, high = UNSURE
    return (probability < low) | (probability > high)


if __name__ == "__main__":
    main()
