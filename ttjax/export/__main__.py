"""`python -m ttjax.export CHECKPOINT OUT [--onnx]`."""

import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Literal

from ttjax import mains


def size_of(text: str) -> tuple[int, int]:
    """Height and width of "HEIGHTxWIDTH".

    Raises:
        ValueError: another text.
    """
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None:
        raise ValueError(
            f"A size is HEIGHTxWIDTH in pixels, got {text!r}: write it as 1080x1920."
        )
    return int(found[1]), int(found[2])


def export(
    checkpoint: pathlib.Path,
    out: pathlib.Path,
    /,
    onnx: bool = False,
    size: str = "1080x1920",
    dtype: Literal["float32", "bfloat16", "float16"] = "float32",
    batch: int = 1,
    masks: bool = True,
) -> None:
    """Writes a trained network into files that run without ttjax.

    Args:
        checkpoint: A run's directory, one of its checkpoints, or the name of weights
            that ship.
        out: Where frames.stablehlo (whole frames in), views.stablehlo (downscaled ones
            in), load.py and config.json are written.
        onnx: Writes model.onnx, too; always in float32.
        size: Of the source frames, HEIGHTxWIDTH.
        dtype: In which the StableHLO computes.
        batch: Of model.onnx; the StableHLO takes any.
        masks: Whether masks of classes are among the answers.
    """
    from ttjax import weights
    from ttjax.export import files
    from ttjax.predictor import Network

    size_hw = size_of(size)
    task, variables, metadata = weights.load(checkpoint)
    network = Network.of(task, variables, dtype)
    plain = network if dtype == "float32" else Network.of(task, variables, "float32")
    for path in files.write(
        network,
        out,
        size_hw,
        onnx=plain if onnx else None,
        batch=batch,
        masks=masks,
        metadata=metadata,
    ):
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


def main(argv: Sequence[str] | None = None) -> None:
    """Exports what the arguments name."""
    import tyro

    tyro.cli(
        export,
        prog="python -m ttjax.export",
        description="Trained networks as files that run without ttjax.",
        args=argv,
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
