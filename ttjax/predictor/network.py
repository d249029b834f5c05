"""A task with its variables, made ready for inference on the default device."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from ttjax.task import Task
from ttjax.typing import Variables

DTYPES = ("float32", "bfloat16", "float16")
"""In which a network may compute."""


@dataclasses.dataclass(frozen=True)
class Network:
    """What is applied to every window: `network.answer(network.variables, example)`.

    task: with the dtype in which it computes. variables: on the device; what is
        constant at inference is folded into the kernels.
    """

    task: Task
    variables: Variables

    @classmethod
    def of(
        cls, task: Task, variables: Variables, dtype: str | None = None
    ) -> "Network":
        """The network of a trained task.

        dtype: one of `DTYPES`; None: float16, which halves the bytes and changes the
            answers less than bfloat16 (bench/README.md), except on CPUs, where the
            task's own is as fast or faster.

        Raises:
            ValueError: another dtype.
        """
        if dtype is None and jax.default_backend() != "cpu":
            dtype = "float16"
        if dtype not in (None, *DTYPES):
            raise ValueError(
                f"A network computes in one of {DTYPES}, got {dtype!r}: choose one."
            )
        ready, folded = task.for_inference(variables, dtype)
        return cls(ready, jax.device_put(folded))

    def answer(self, variables: Variables, example: Any, *, masks: bool = True) -> Any:
        """Predictions for a batch of windows, in source px; pure, without labels.

        masks: False leaves a field `masks` out, and all work that is for it alone.
        """
        inputs = self.task.inputs(example, None, jnp.float32(1.0))
        outputs = self.task.config.model.apply(variables, inputs)
        predictions = self.task.decode(outputs, inputs)
        if not masks and hasattr(predictions, "masks"):
            # What nobody asks for is left out of the compiled program.
            predictions = dataclasses.replace(predictions, masks=None)
        return predictions
