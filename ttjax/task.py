"""The contract between a family of models and everything else."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Float, UInt8

from ttjax.losses.term import Term
from ttjax.samples import FramePool, Window
from ttjax.typing import PRNGKey, Variables


@runtime_checkable
class SampleSpec(Protocol):
    """What a family asks of its data, and how whole frames become an example of it."""

    @property
    def window(self) -> Window:
        """The frames of one example."""
        ...

    @property
    def keeps_frames(self) -> bool:
        """Whether an example needs the whole frames beside their views."""
        ...

    @property
    def has_masks(self) -> bool:
        """Whether predictions have a field `masks` that is computed on demand only."""
        ...

    def batch(self, batch_size: int) -> Any:
        """`jax.ShapeDtypeStruct`s of a batch of examples."""
        ...

    def check_frame(self, size_hw: tuple[int, int]) -> None:
        """Raises ValueError where frames of this size cannot be looked at."""
        ...

    def view(self, frame: UInt8[Array, "b h w 3"]) -> Any:
        """What is kept of whole frames as long as a window needs them."""
        ...

    def example(
        self, views: Any, frames: FramePool | None, size_hw: tuple[int, int]
    ) -> Any:
        """A batch of examples without labels.

        views: `[b, t, …]`, those of each window's frames, oldest first.
        frames: the whole frames, where `keeps_frames`.
        """
        ...


@runtime_checkable
class Evaluator(Protocol):
    """Scores predictions on the host, in time order within a clip."""

    def add(self, predictions: Any, labels: Any, *, clip: str) -> None:
        """Adds a batch of consecutive windows of the clip named `clip`."""
        ...

    def merge(self, other: Any) -> "Evaluator":
        """The evaluator of both sets of clips."""
        ...

    def table(self) -> dict[str, dict[str, float]]:
        """`{metric: {"value": …, "baseline": …, "low": …, "high": …, "n": …}}`.

        `baseline` (the best constant predictor) and the bounds of the 95 % interval
        over clips are left out where they make no sense.
        """
        ...


@runtime_checkable
class Task(Protocol):
    """All that trainer, evaluator and predictor may know of a family.

    Tasks are frozen dataclasses. Every array method is pure and safe under `jax.jit`.
    Outputs, inputs, targets and predictions are pytrees private to the family.
    """

    @property
    def config(self) -> Any:
        """A frozen dataclass; `config.model` is the flax module built from it."""
        ...

    @property
    def loss_terms(self) -> tuple[str, ...]:
        """The losses that this task trains, by name."""
        ...

    @property
    def window(self) -> Window:
        """The frames of one example."""
        ...

    @property
    def sample(self) -> SampleSpec:
        """What a data source must deliver."""
        ...

    def spec(self, batch_size: int) -> Any:
        """`jax.ShapeDtypeStruct`s of a batch: for init, AOT compilation, `describe`."""
        ...

    def augment(self, key: PRNGKey, batch: Any) -> Any:
        """The batch, augmented on the device; labels move with pixels."""
        ...

    def inputs(
        self, batch: Any, key: PRNGKey | None, progress: Float[Array, ""]
    ) -> Any:
        """What the network sees.

        `progress` runs from 0 to 1 over a training phase. `key=None` asks for the
        inputs of inference, which depend on no label.
        """
        ...

    def targets(self, batch: Any, outputs: Any) -> Any:
        """Labels as targets; `outputs` arrive with their gradient stopped."""
        ...

    def losses(self, outputs: Any, targets: Any) -> Mapping[str, Term]:
        """One `Term` per name of `loss_terms`."""
        ...

    def metrics(self, outputs: Any, batch: Any) -> Mapping[str, Any]:
        """Accumulators of `ttjax.metrics`, on the device, for curves."""
        ...

    def decode(self, outputs: Any, inputs: Any) -> Any:
        """Predictions in source pixels."""
        ...

    def for_inference(
        self, variables: Variables, dtype: str | None
    ) -> tuple["Task", Variables]:
        """The task and the variables that give the same answers faster.

        What is constant is folded into kernels. dtype: in which convolutions and matrix
        products are computed, "float32", "bfloat16" or "float16"; None: as the task
            says.
        """
        ...

    def records(
        self, predictions: Any
    ) -> Sequence[Sequence[tuple[int, dict[str, Any]]]]:
        """Per example: JSON-ready findings, each with its frame offset (<= 0).

        The offset counts source frames from the newest frame of the window to the frame
        that the finding is about.
        """
        ...

    def overlay(
        self, batch: Any, predictions: Any
    ) -> Sequence[UInt8[np.ndarray, "_ _ 3"]]:
        """RGB pictures of a batch's first examples, with findings and labels drawn in.

        On the host; for looking at, never for scores.
        """
        ...

    def evaluator(self) -> Evaluator:
        """A fresh evaluator on the host."""
        ...
