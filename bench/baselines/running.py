"""A PyTorch network on its device: placed, compiled, called."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from bench.baselines import Variant, deepsportlab_torch, layers, ttnet_torch

WARMUP = 3
"""Calls before the first that counts: a CUDA graph is recorded at the second."""


def device() -> str:
    """Where PyTorch runs here."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def place_ttnet(
    config: Any, variables: Any, example: Any, *, compiled: bool
) -> tuple[nn.Module, tuple[Any, ...]]:
    """The network with our weights, and its arguments on the device.

    example: its canvas is a `ttjax.samples.FramePool`, one array, or None.
    compiled: a program that is compiled cannot ask the host where the ball is.
    """
    slices = device() == "cpu" and not compiled
    network = ttnet_torch.Network(config, slices=slices)
    layers.load(network, variables, network.map_hw)
    canvas, pixels, at = example.canvas, None, None
    if hasattr(canvas, "pixels"):
        pixels, at = canvas.pixels, np.asarray(canvas.at, np.int64)
    elif canvas is not None:
        b, t = canvas.shape[:2]
        pixels = canvas.reshape(b * t, *canvas.shape[2:])
        at = np.arange(b * t).reshape(b, t)
    arrays = (example.frames, pixels, at, example.canvas_xy, example.source_hw)
    return network, tuple(map(_placed, arrays))


def place_deepsportlab(
    config: Any, variables: Any, example: Any
) -> tuple[nn.Module, tuple[Any, ...]]:
    """The network with our weights, and its arguments on the device."""
    network = deepsportlab_torch.Network(config)
    layers.load(network, variables)
    return network, (_placed(example.image), _placed(example.valid_hw))


def made(
    variant: Variant, network: nn.Module, arguments: tuple[Any, ...]
) -> tuple[Callable[[], None], Callable[[], dict[str, np.ndarray]]]:
    """A blocking call and one that gives the outputs, both warm.

    network: as it was placed. arguments: of its call, on the device.
    """
    where = device()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = network.eval().requires_grad_(False)
    if variant.folded:
        layers.fold(network)
    form: dict[str, Any] = {
        "device": where,
        "dtype": getattr(torch, variant.dtype),
        "memory_format": torch.channels_last,
    }
    network = network.to(**form)
    run: Callable[..., dict[str, Tensor]] = network
    if where == "cuda":
        # JAX computes float32 in TF32 too, by default; shapes never change.
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    if variant.compiled and where == "cuda":
        run = torch.compile(network, mode="max-autotune", dynamic=False)
        for argument in arguments:
            if argument is not None:
                # A graph that is replayed reads these where they are.
                torch._dynamo.mark_static_address(argument)
    elif variant.compiled:
        run = torch.compile(network, dynamic=False, options={"freezing": True})

    def answer() -> dict[str, Tensor]:
        with torch.inference_mode():
            return run(*arguments)

    def call() -> None:
        answer()
        if where == "cuda":
            torch.cuda.synchronize()

    def outputs() -> dict[str, np.ndarray]:
        return {name: value.cpu().numpy() for name, value in answer().items()}

    for _ in range(WARMUP):
        call()
    return call, outputs


def versions() -> dict[str, Any]:
    """What a measurement of PyTorch belongs to."""
    found: dict[str, Any] = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.version.cuda
        found["cudnn"] = torch.backends.cudnn.version()
    return found


def _placed(value: Any) -> Tensor | None:
    if value is None:
        return None
    return torch.from_numpy(np.array(value)).to(device())
