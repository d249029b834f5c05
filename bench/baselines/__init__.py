"""The same networks in PyTorch, to be timed beside ours in one process.

Each runs as a user of PyTorch would have it: evaluation and inference mode, maps with
their channels last in memory, all cores, inputs on the device. PyTorch itself is
imported by `build` alone.
"""

import dataclasses
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

FAMILIES = ("ttnet", "deepsportlab")


@dataclasses.dataclass(frozen=True)
class Variant:
    """How PyTorch runs the network.

    dtype: of weights and maps.
    devices: where the variant makes sense.
    folded: BatchNorms are multiplied into the convolutions before them, ahead of time.
    compiled: through `torch.compile`; on a GPU tuned and replayed as a CUDA graph, on a
        CPU with frozen weights.
    """

    dtype: str
    devices: tuple[str, ...]
    folded: bool = False
    compiled: bool = False


_BOTH = ("cpu", "cuda")

VARIANTS = {
    "torch_float32_channels_last": Variant("float32", _BOTH),
    "torch_float32_channels_last_folded": Variant("float32", _BOTH, folded=True),
    "torch_float32_compiled": Variant("float32", _BOTH, compiled=True),
    "torch_bfloat16_channels_last": Variant("bfloat16", _BOTH),
    "torch_bfloat16_channels_last_folded": Variant("bfloat16", _BOTH, folded=True),
    "torch_bfloat16_compiled": Variant("bfloat16", _BOTH, compiled=True),
    "torch_float16_channels_last": Variant("float16", ("cuda",)),
    "torch_float16_channels_last_folded": Variant("float16", ("cuda",), folded=True),
    "torch_float16_compiled": Variant("float16", ("cuda",), compiled=True),
}
"""Variants by name."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A network with its inputs on the device.

    call: runs once, and returns when the answer is there.
    outputs: runs once; the raw outputs by head, named and laid out as ours
        ("ball_global.x", "masks", "parts.vector").
    versions: of PyTorch and what it runs on, and the threads that it uses.
    """

    variant: str
    call: Callable[[], None]
    outputs: Callable[[], dict[str, np.ndarray]]
    versions: dict[str, Any]


def available() -> tuple[str, ...]:
    """The variants that this machine can run; none without PyTorch."""
    if importlib.util.find_spec("torch") is None:
        return ()
    import torch  # pyright: ignore[reportMissingImports]

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return tuple(name for name, v in VARIANTS.items() if device in v.devices)


def build(
    variant: str, family: str, config: Any, variables: Any, example: Any
) -> Baseline:
    """Makes a network with our weights, and calls it once or more to warm up.

    config: of the family's package, in the paper's form.
    variables: `params` and `batch_stats` of our module, not folded.
    example: what the family's network sees, with a batch axis: `frames`, `canvas` (or
        None), `canvas_xy` and `source_hw`; or `image` and `valid_hw`.

    Raises:
        ValueError: a variant that this machine cannot run, an unknown family, or a
            config that is not of the paper's form.
    """
    if variant not in available():
        raise ValueError(
            f"The variants of PyTorch on this machine are {available()}, got "
            f"{variant!r}: choose one of them, or install torch."
        )
    if family not in FAMILIES:
        raise ValueError(f"Families are {FAMILIES}, got {family!r}: choose one.")
    from bench.baselines import running

    chosen = VARIANTS[variant]
    if family == "ttnet":
        placed = running.place_ttnet(
            config, variables, example, compiled=chosen.compiled
        )
    else:
        placed = running.place_deepsportlab(config, variables, example)
    call, outputs = running.made(chosen, *placed)
    return Baseline(variant, call, outputs, running.versions())
