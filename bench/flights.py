"""How well simulated physics explains measured flights of a ball.

    python -m bench.flights --data DIR [--json PATH] [--plot [PNG]]
    python -m bench.flights --quick

The shared constants (drag, Magnus force, restitution, friction) are fitted on seven
flights of every ten and scored on the other three, of which only start, velocity and
spin are fitted. A flight's error is the RMS distance of its measured positions to the
simulated ones, bounce included. `--quick` takes a few flights of the simulator itself.
"""

import argparse
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, UInt8

from bench import rows
from ttjax.sim import flights as flights_
from ttjax.sim.flights import Fit, Flights
from ttjax.sim.physics import Physics

OUT = pathlib.Path(__file__).with_name("flights.png")
"""Beside the README, which shows it."""
SIZE_HW = (420, 640)
"""Of each of the picture's two halves, in pixels."""
QUICK_FLIGHTS, QUICK_NOISE_M = 10, 0.003


def scored(count: int) -> Bool[np.ndarray, " {count}"]:
    """Which of `count` flights the constants are scored on: the last 3 of every 10."""
    return np.arange(count) % 10 >= 7


def summary(rms_m: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Quantiles over flights of their RMS errors, cm."""
    found = {
        "median_cm": np.median(rms_m),
        "p90_cm": np.percentile(rms_m, 90),
        "max_cm": rms_m.max(),
    }
    return {name: round(100 * float(value), 3) for name, value in found.items()}


def measure(
    flights: Flights, steps: int
) -> tuple[dict[str, Fit], Mapping[str, Flights], float]:
    """Fits constants on most flights and scores them, and the defaults, on the others.

    steps: of the fits.

    Returns the fits by name, their flights, and how long it took in seconds.
    """
    held = scored(len(flights))
    parts = {"fitted": flights[~held], "scored": flights[held]}
    parts["defaults"] = parts["scored"]
    start = time.perf_counter()
    fitted = flights_.fit(parts["fitted"], steps=steps)
    fits = {
        "fitted": fitted,
        "scored": flights_.explain(parts["scored"], fitted.constants, steps),
        "defaults": flights_.explain(parts["scored"], flights_.defaults(), steps),
    }
    return fits, parts, time.perf_counter() - start


def picture(
    fits: Mapping[str, Fit], parts: Mapping[str, Flights]
) -> UInt8[np.ndarray, "h w 3"]:
    """RMS errors over flights, and errors of height over time of four scored ones.

    parts: the flights of each fit.
    """
    from ttjax.train import curves

    names = {"fitted": "constants fitted on", "scored": "scored on"}
    shares = {}
    for name, label in names.items():
        rms_cm = 100 * np.sort(fits[name].rms_m)
        share = (np.arange(len(rms_cm)) + 1) / len(rms_cm)
        points = [(float(rms_cm[0]), 0.0)]
        points += zip(rms_cm.tolist(), share.tolist(), strict=True)
        shares[f"{label} {len(rms_cm)}"] = points
    left = curves.draw(
        shares, title="Share of flights", x_label="RMS error, cm", size_hw=SIZE_HW
    )
    fit, flights = fits["scored"], parts["scored"]
    order, errors = np.argsort(fit.rms_m), {}
    for quantile in (0.1, 0.5, 0.9, 1.0):
        at = int(order[round(quantile * (len(order) - 1))])
        known = np.asarray(flights.known[at])
        seconds = np.asarray(flights.seconds[at])[known]
        height = np.asarray(flights.position_m[at])[known, 2]
        bounce_s = seconds[height.argmin()]
        error_cm = 100 * fit.error_m[at][known, 2]
        errors[f"RMS {100 * fit.rms_m[at]:.2f} cm"] = [
            (1e3 * float(s - bounce_s), float(e))
            for s, e in zip(seconds, error_cm, strict=True)
        ]
    right = curves.draw(
        errors,
        title="Height, simulated less measured, cm",
        x_label="ms from the bounce",
        size_hw=SIZE_HW,
    )
    return np.concatenate([left, right], axis=1)


def main(argv: Sequence[str] | None = None) -> None:
    """Prints errors and constants; writes rows and a picture if asked."""
    parser = argparse.ArgumentParser(description="Simulated against measured flights.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=pathlib.Path, help="directory of CSV files")
    source.add_argument("--quick", action="store_true", help="flights simulated, few")
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--plot", type=pathlib.Path, nargs="?", const=OUT)
    options = parser.parse_args(argv)
    if options.quick:
        rng = np.random.default_rng(0)
        flights, _ = flights_.made(rng, QUICK_FLIGHTS, Physics(), QUICK_NOISE_M)
    else:
        flights = flights_.read(options.data)
    fits, parts, seconds = measure(flights, steps=3 if options.quick else 12)
    found: list[dict[str, Any]] = []
    for name, fit in fits.items():
        row = rows.about("flights", f"flights.{name}", quick=options.quick)
        row |= {"flights": len(fit.rms_m), **summary(fit.rms_m)}
        row["constants"] = {k: float(f"{v:.5g}") for k, v in fit.constants.items()}
        found.append(row)
    columns = ("flights", "median_cm", "p90_cm", "max_cm", "constants")
    rows.table("Simulated against measured flights", found, columns)
    print(f"{seconds:.0f} s on {jax.default_backend()}")
    rows.keep(options.json, found)
    if options.plot:
        from ttjax.train import curves

        options.plot.parent.mkdir(parents=True, exist_ok=True)
        curves.write(options.plot, picture(fits, parts))
        print(f"wrote {options.plot}")


if __name__ == "__main__":
    main()
