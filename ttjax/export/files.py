"""The folder that an export writes, and what its config says."""

import importlib.metadata
import json
import pathlib
from typing import Any

from ttjax import registry
from ttjax.export import load, lowering, passes, stablehlo
from ttjax.export.program import FRAMES, VIEWS, Program, described
from ttjax.predictor import Network

CONFIG, LOADER, MODEL = "config.json", "load.py", "model.onnx"
"""Names of files; programs are called NAME.stablehlo."""


def write(
    network: Network,
    out: pathlib.Path,
    size_hw: tuple[int, int],
    *,
    onnx: Network | None = None,
    batch: int = 1,
    masks: bool = True,
    metadata: Any = None,
) -> list[pathlib.Path]:
    """Writes both programs as StableHLO, and that of views as ONNX, too.

    onnx: the network in float32, where an ONNX model is wanted.
    batch: of the ONNX model, which runtimes for CPUs plan for. metadata: what the
        checkpoint says of itself.

    Raises:
        ValueError: frames smaller than the network's view, or an operation that ONNX
            has no counterpart of. OSError: the folder cannot be written.
    """
    programs = {
        name: Program(network, size_hw, from_views=name == VIEWS, masks=masks)
        for name in (FRAMES, VIEWS)
    }
    out.mkdir(parents=True, exist_ok=True)
    written = []

    def put(name: str, data: bytes) -> None:
        (out / name).write_bytes(data)
        written.append(out / name)

    if onnx is not None:
        program = Program(onnx, size_hw, from_views=True, masks=masks)
        put(MODEL, onnx_model(program, batch).SerializeToString())
    for name, program in programs.items():
        put(f"{name}.stablehlo", stablehlo.serialised(program))
    put(LOADER, pathlib.Path(load.__file__).read_bytes())
    said = config(programs, metadata or {})
    if onnx is not None:
        said["files"][MODEL] = {"batch": batch, **described(programs[VIEWS])}
    put(CONFIG, (json.dumps(said, indent=2) + "\n").encode())
    return written


def onnx_model(program: Program, batch: int = 1) -> Any:
    """The ONNX model of a program for this batch."""
    return passes.pooled(lowering.model(program, program.inputs(batch)))


def config(programs: dict[str, Program], metadata: Any) -> dict[str, Any]:
    """What a reader of the files has to know, as JSON values."""
    program = next(iter(programs.values()))
    task = program.network.task
    window = task.window
    names = ("ttjax", "jax", "flax", "numpy")
    return {
        "task": registry.encode(task),
        "size_hw": list(program.size_hw),
        "masks": program.masks,
        "window": {
            "frames": window.frames,
            "stride": window.stride,
            "ball_offset": window.offset(window.ball_at),
            "event_offset": window.offset(window.event_at),
        },
        "platforms": list(stablehlo.PLATFORMS),
        "files": {
            f"{name}.stablehlo": described(program)
            for name, program in programs.items()
        },
        "versions": {name: importlib.metadata.version(name) for name in names},
        "checkpoint": metadata,
    }
