"""Models that are scored, each as a stream of predictions per recording."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, UInt8

from ttjax.predictor import Predictor
from ttjax.samples import Recording


@dataclasses.dataclass(frozen=True)
class ByModel:
    """A model, beside which others may be scored as a `Rival`."""

    predictor: Predictor

    def open(self, recording: Recording) -> Any:
        """A fresh stream for the frames of this recording.

        Raises:
            ValueError: they are smaller than what the network looks at.
        """
        sample = self.predictor.task.sample
        alone = sample.window.span == 1 and not sample.keeps_frames
        if not alone or sample.has_masks:
            return self.predictor.stream(recording.size_hw)
        sample.check_frame(recording.size_hw)
        return Pictures(self)

    @functools.cached_property
    def answer(self) -> Any:
        """`answer(variables, example)`: predictions, compiled once for all sizes."""
        return jax.jit(self.predictor.network.answer)

    @functools.cached_property
    def view(self) -> Any:
        """What the network sees of a picture; small, compiled for each size."""
        return jax.jit(self.predictor.task.sample.view)


class Pictures:
    """The stream of a model that looks at single pictures, which may differ in size.

    The network is compiled once: data sets of pictures have hundreds of sizes.
    """

    def __init__(self, model: ByModel):
        """Compiles nothing yet."""
        self._model = model

    def push(
        self, frame: UInt8[np.ndarray | Array, "h w 3"], *, masks: bool | None = None
    ) -> Any:
        """Predictions of this picture, on the device. `masks` plays no part."""
        model, size_hw = self._model, (int(frame.shape[0]), int(frame.shape[1]))
        # A copy that nobody else holds, as in `Predictor`: it may be read later.
        placed = jax.device_put(np.array(frame)[None])
        sample = model.predictor.task.sample
        example = sample.example(model.view(placed)[:, None], None, size_hw)
        return model.answer(model.predictor.variables, example)
