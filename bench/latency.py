"""Latency of the compiled network: from bytes on the device to raw logits.

    python -m bench.latency [PRESET ...] [--batch-size N] [--json PATH] [--quick]

The canvas of the local stage is a ring of whole frames, as when a video is streamed.
"""

import argparse
import pathlib
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from bench import rows
from ttjax import timing
from ttjax.ttnet.arrays import Inputs
from ttjax.ttnet.config import PRESETS, Config

FULL_HD = (1080, 1920)
"""Height and width of the frames of OpenTTGames, in pixels."""


def inputs_of(config: Config, *, batch_size: int, source_hw: tuple[int, int]) -> Inputs:
    """Random frames, and where there is a local stage whole frames as its canvas."""
    frames_key, canvas_key = jax.random.split(jax.random.key(0))
    t = config.window.frames
    canvas = None
    if config.canvas_hw is not None:
        canvas = tuple(
            jax.random.bits(key, (batch_size, *source_hw, 3), jnp.uint8)
            for key in jax.random.split(canvas_key, t)
        )
    return Inputs(
        frames=jax.random.bits(
            frames_key, (batch_size, t, *config.frame_hw, 3), jnp.uint8
        ),
        canvas=canvas,
        canvas_xy=jnp.zeros((batch_size, 2), jnp.int32),
        source_hw=jnp.broadcast_to(jnp.array(source_hw, jnp.int32), (batch_size, 2)),
        crop_at=jnp.zeros((batch_size, 2), jnp.float32),
        forced=jnp.zeros((batch_size,), jnp.bool_),
    )


def row(
    name: str,
    *,
    batch_size: int,
    source_hw: tuple[int, int],
    calls: int,
    seconds: float,
) -> dict[str, Any]:
    """Times one preset.

    seconds: no further call begins after so long.

    Raises:
        KeyError: there is no such preset.
    """
    config = PRESETS[name]()
    inputs = inputs_of(config, batch_size=batch_size, source_hw=source_hw)
    variables = jax.jit(config.model.init)(jax.random.key(1), inputs)
    took = timing.measure(
        config.model.apply, variables, inputs, calls=calls, seconds=seconds
    )
    h, w = source_hw
    backend = jax.default_backend()
    return {
        "name": f"latency/{name}/batch{batch_size}/{h}x{w}/{backend}",
        **timing.stamp(),
        "command": shlex.join(["python", "-m", "bench.latency", *sys.argv[1:]]),
        **took.row(),
        "samples_per_s": round(1e3 * batch_size / took.p50_ms, 2),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row per preset, and merges them into a file if asked."""
    parser = argparse.ArgumentParser(description="Latency of the compiled network.")
    parser.add_argument("presets", nargs="*", default=["nano"], metavar="PRESET")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small frames, 3 calls")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.presets) - set(PRESETS))
    if unknown:
        parser.error(f"presets are {', '.join(PRESETS)}; got {', '.join(unknown)}")
    measured = []
    for name in options.presets:
        measured.append(
            row(
                name,
                batch_size=options.batch_size,
                source_hw=(256, 640) if options.quick else FULL_HD,
                calls=3 if options.quick else 100,
                seconds=60.0,
            )
        )
        print(rows.line(measured[-1]), flush=True)
    if options.json:
        rows.merge(options.json, measured)


if __name__ == "__main__":
    main()
