"""Latency of DeepSportLab's decoder: from raw outputs to ball, masks and poses.

    python -m bench.decode [ROW ...] [--json PATH] [--quick]

Pictures of 641x641 with players who stand about, and the outputs of a good network for
them (`made_fields`): the decoder on the device at votes' own places and on maps of the
picture's size, and one in NumPy on the host. `players_found` counts the players whose
mask overlaps theirs by more than half and who have at least half of their joints within
2 px.
"""

import argparse
import dataclasses
import pathlib
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from bench import made_fields, numpy_decoder, rows
from ttjax import timing
from ttjax.deepsportlab import decode
from ttjax.deepsportlab.arrays import Inputs, Outputs
from ttjax.deepsportlab.decoder import Decoder

ROWS = ("sparse.players10", "sparse.players30", "dense.players10", "numpy.players10")
IMAGE_HW, QUICK_HW = (641, 641), (193, 193)


def found(
    made: made_fields.Players,
    ids: np.ndarray,
    joints_px: np.ndarray,
    joint_score: np.ndarray,
) -> int:
    """How many players the answer has, with their masks and poses.

    ids: at every second pixel; row n has the id n + 1.
    """
    truth, count = made.ids[::2, ::2], 0
    for player, joints in enumerate(made.joints_px):
        mask = truth == player + 1
        overlapped = np.bincount(ids[mask], minlength=2)[1:]
        if not overlapped.any():
            continue
        row = int(overlapped.argmax())
        union = (mask | (ids == row + 1)).sum()
        error = np.hypot(*(joints_px[row] - joints).T)
        right = (joint_score[row] > 0) & (error <= 2.0)
        count += bool(overlapped[row] / union > 0.5 and 2 * right.sum() >= len(joints))
    return count


def row(name: str, *, quick: bool, seconds: float) -> dict[str, Any]:
    """Times one decoder, and counts what it finds.

    name: one of `ROWS`. quick: small pictures of 3 players, 3 calls.
    seconds: no further call begins after so long.

    Raises:
        ValueError: there is no such row.
    """
    if name not in ROWS:
        raise ValueError(f"Rows are {', '.join(ROWS)}; got {name}: choose one.")
    kind, _, players = name.partition(".players")
    count = 3 if quick else int(players)
    image_hw = QUICK_HW if quick else IMAGE_HW
    rng = np.random.default_rng(count)
    made = made_fields.spread(rng, count, image_hw)
    outputs, inputs = made_fields.fields(made, noise=rng), made_fields.inputs(made)
    calls = 3 if quick else 100
    if kind == "numpy":
        took, answer = _on_host(outputs, image_hw, calls, seconds)
        backend = "cpu"
    else:
        function = decode.predictions if kind == "sparse" else decode.dense_predictions
        took, answer = _on_device(function, outputs, inputs, calls, seconds)
        backend = jax.default_backend()
    return {
        "name": f"decode.{name}/{image_hw[0]}x{image_hw[1]}/{backend}",
        **timing.stamp(),
        "command": shlex.join(["python", "-m", "bench.decode", *sys.argv[1:]]),
        **took.row(),
        "samples_per_s": round(1e3 / took.p50_ms, 2),
        "players": count,
        "players_found": found(made, *answer),
    }


def _on_device(
    function: Callable[[Outputs, Inputs, Decoder], Any],
    outputs: Outputs,
    inputs: Inputs,
    calls: int,
    seconds: float,
) -> tuple[timing.Timing, tuple[np.ndarray, ...]]:
    on_device = jax.device_put((outputs, inputs))
    start = time.perf_counter()
    run = jax.jit(lambda outputs, inputs: function(outputs, inputs, Decoder()))
    run = run.lower(*on_device).compile()
    compile_ms = 1e3 * (time.perf_counter() - start)
    took = timing.repeat(lambda: run(*on_device), calls=calls, seconds=seconds)
    took = dataclasses.replace(took, compile_ms=compile_ms)
    got = run(*on_device)
    if bool(got.overflow.cells[0]) or bool(got.overflow.players[0]):
        raise RuntimeError(
            "A benchmark's picture fits into the decoder, got more cells or players "
            "than room: raise `sources`, `queries` or `players`."
        )
    return took, tuple(
        np.asarray(a[0]) for a in (got.ids, got.joints_px, got.joint_score)
    )


def _on_host(
    outputs: Outputs, image_hw: tuple[int, int], calls: int, seconds: float
) -> tuple[timing.Timing, tuple[np.ndarray, ...]]:
    def run() -> tuple[np.ndarray, ...]:
        return numpy_decoder.decode(outputs, Decoder(), image_hw=image_hw)

    return timing.repeat(run, calls=calls, warmup=1, seconds=seconds), run()


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per decoder, and merges them into a file if asked."""
    parser = argparse.ArgumentParser(description="Latency of DeepSportLab's decoder.")
    parser.add_argument("rows", nargs="*", default=list(ROWS), metavar="ROW")
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small pictures, 3 calls")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.rows) - set(ROWS))
    if unknown:
        parser.error(f"rows are {', '.join(ROWS)}; got {', '.join(unknown)}")
    measured = []
    for name in options.rows:
        measured.append(row(name, quick=options.quick, seconds=20.0))
        print(
            rows.line(measured[-1]),
            f"  {measured[-1]['players_found']}/{measured[-1]['players']} players",
            flush=True,
        )
    if options.json:
        rows.merge(options.json, measured)


if __name__ == "__main__":
    main()
