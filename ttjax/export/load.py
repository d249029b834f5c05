"""Runs the networks beside this file; needs jax and flatbuffers, and nothing else.

network = load("frames")
network({"frames": frames})["ball_local.xy_px"]  # config.json names all arrays
"""

import pathlib
from collections.abc import Callable

import jax
import jax.export


def load(name: str = "frames") -> Callable[..., dict[str, jax.Array]]:
    """The network of NAME.stablehlo: takes and gives arrays by name."""
    path = pathlib.Path(__file__).with_name(f"{name}.stablehlo")
    return jax.jit(jax.export.deserialize(bytearray(path.read_bytes())).call)
