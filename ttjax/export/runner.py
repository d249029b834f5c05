"""An exported network on a CPU, without JAX's compiler in the way of every frame.

The host keeps the last frames; the newest alone is downscaled.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from ttjax import registry
from ttjax.export import files, structure
from ttjax.export.program import FRAMES, VIEWS

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
"""A model: arrays by name in and out."""


@runtime_checkable
class Backend(Protocol):
    """What makes a model run."""

    def open(self, path: pathlib.Path) -> Run:
        """The model of an ONNX file, ready to run."""
        ...


@dataclasses.dataclass(frozen=True)
class OnnxRuntime:
    """ONNX Runtime on the CPU; `threads`: 0 means one for each core."""

    threads: int = 0

    def open(self, path: pathlib.Path) -> Run:
        """The model of an ONNX file, ready to run."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        names = [item.name for item in session.get_outputs()]

        def run(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            found: Any = session.run(None, dict(arrays))
            return dict(zip(names, found, strict=True))

        return run


@dataclasses.dataclass(frozen=True)
class OpenVino:
    """OpenVINO on the CPU.

    precision: in which it computes; None: bfloat16 where the CPU multiplies matrices of
        that (AMX), float32 elsewhere. threads: 0 means one for each core.
    """

    precision: Literal["f32", "bf16"] | None = None
    threads: int = 0

    def open(self, path: pathlib.Path) -> Run:
        """The model of an ONNX file, compiled."""
        import openvino  # pyright: ignore[reportMissingImports]

        precision = self.precision or ("bf16" if multiplies_bfloat16() else "f32")
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
        }
        if self.threads:
            settings["INFERENCE_NUM_THREADS"] = self.threads
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(path), "CPU", settings)
        names = [item.any_name for item in compiled.outputs]
        request = compiled.create_infer_request()

        def run(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            found = request.infer(dict(arrays), share_inputs=True)
            return {name: np.array(found[name]) for name in names}

        return run


def multiplies_bfloat16(about: pathlib.Path = pathlib.Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU says that it has AMX for bfloat16."""
    return about.exists() and "amx_bf16" in about.read_text().split()


class HostRing:
    """The last `span` arrays, any window of which is one array without a copy.

    Each array is written twice, `span` places apart.
    """

    def __init__(self, span: int, shape: tuple[int, ...]):
        """Starts empty."""
        self.count = 0
        self._span = span
        self._slots = np.zeros((2 * span, *shape), np.uint8)

    def push(self, array: np.ndarray) -> None:
        """Overwrites the oldest."""
        slot = self.count % self._span
        self._slots[slot] = array
        self._slots[slot + self._span] = array
        self.count += 1

    def window(self, stride: int) -> UInt8[np.ndarray, "1 t ..."]:
        """The last arrays, every `stride`-th, oldest first."""
        first = self.count % self._span
        found = self._slots[first : first + self._span : stride]
        return np.ascontiguousarray(found)[None]


class Stream:
    """A video, pushed frame by frame; as `ttjax.predictor.Stream`, on the host."""

    def __init__(
        self, folder: pathlib.Path | str, backend: Backend, *, pad_first: bool = False
    ):
        """Opens the folder of an export with an ONNX model for a batch of one.

        pad_first: the frames before the first are taken to equal it.

        Raises:
            FileNotFoundError: there is no such export.
            ValueError: the model takes more than one window at once.
        """
        import jax

        folder = pathlib.Path(folder)
        said = json.loads((folder / files.CONFIG).read_text())
        model = said["files"].get(files.MODEL)
        if model is None:
            raise FileNotFoundError(
                f"{folder} has no {files.MODEL}: export with `--onnx`."
            )
        if model["batch"] != 1:
            raise ValueError(
                "A stream has one window at a time, the model takes "
                f"{model['batch']}: export with `--batch 1`."
            )
        self.task = registry.decode(said["task"])
        self.size_hw: tuple[int, int] = tuple(said["size_hw"])
        self.pushed = 0
        self._run = backend.open(folder / files.MODEL)
        self._pad_first = pad_first
        self._stride = self.task.window.stride
        self._view = jax.jit(self.task.sample.view)
        self._rings: dict[str, HostRing] = {
            name: HostRing(self.task.window.span, tuple(item["shape"][2:]))
            for name, item in model["inputs"].items()
        }
        self._predictions = structure.of(self.task, said["masks"])

    def push(self, frame: UInt8[np.ndarray, "h w 3"]) -> Any:
        """The predictions of the window that this frame ends; None until it is full.

        Raises:
            ValueError: a frame of another size.
        """
        if frame.shape != (*self.size_hw, 3) or frame.dtype != np.uint8:
            h, w = self.size_hw
            raise ValueError(
                f"The model was exported for frames of {h} x {w} px in RGB bytes, got "
                f"{frame.dtype} {frame.shape}: export it with `--size "
                f"{frame.shape[0]}x{frame.shape[1]}`, or resize the frames."
            )
        kept = {VIEWS: np.asarray(self._view(frame[None]))[0], FRAMES: frame}
        first = self.task.window.span if self._pad_first and not self.pushed else 1
        for name, ring in self._rings.items():
            for _ in range(first):
                ring.push(kept[name])
        self.pushed += 1
        if not self._pad_first and self.pushed < self.task.window.span:
            return None
        found = self._run(
            {name: ring.window(self._stride) for name, ring in self._rings.items()}
        )
        return self._predictions(found)
