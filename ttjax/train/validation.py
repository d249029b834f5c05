"""The loss and the metrics of the validation set."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from ttjax.recipe import Phase, Recipe
from ttjax.train import step
from ttjax.train.devices import Placement, compile_ahead
from ttjax.train.state import Totals, TrainState
from ttjax.train.watch import NonFiniteError
from ttjax.typing import Variables


class Validation:
    """Goes through the validation set in inference mode; compiled once per phase.

    preparation_s: seconds spent so far on compilation and on the very first batch, for
        which data may have to be made; no time of training.
    pictures: the task's overlays of the first batch, as last validated; only for
        TensorBoard, else none.
    """

    def __init__(self, recipe: Recipe, phase: Phase, placement: Placement):
        """Compiles nothing yet."""
        self._recipe = recipe
        self._placement = placement
        self._function = step.make_validation_step(recipe, phase)
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self.preparation_s = 0.0
        self.pictures: Sequence[np.ndarray] = ()

    def __call__(self, state: TrainState) -> dict[str, Any] | None:
        """`{"loss", "terms", "metrics"}`, or None where there is no validation set.

        Averaged parameters are used where the recipe asks for them. A term's mean is
        taken over all labelled examples, however they fall into batches.

        Raises:
            NonFiniteError: the loss is not finite.
        """
        recipe = self._recipe
        totals: Totals | None = None
        metrics: dict[str, Any] = {}
        variables = state.best_variables
        for batch in self._batches():
            found, scores, shown = self._step(variables, batch)(variables, batch)
            if totals is None and recipe.tensorboard:
                self.pictures = recipe.task.overlay(*jax.device_get((batch, shown)))
            totals = found if totals is None else totals.merge(found)
            for name, score in scores.items():
                metrics[name] = metrics[name].merge(score) if name in metrics else score
        if totals is None:
            return None
        loss = float(step.total_of(recipe, totals, state.params))
        terms = {name: float(mean) for name, mean in totals.means().items()}
        if not math.isfinite(loss):
            wrong = [name for name, mean in terms.items() if not math.isfinite(mean)]
            raise NonFiniteError(
                f"Losses stay finite, that of {', '.join(wrong) or 'the sum'} is not "
                f"in validation at step {int(state.step)}; checkpoints before it stay. "
                "Look at the labels of the validation set."
            )
        told = {name: float(score.compute()) for name, score in metrics.items()}
        return {"loss": loss, "terms": terms, "metrics": told}

    def _batches(self) -> Iterator[Any]:
        start, fresh = time.perf_counter(), not self._compiled
        for batch in self._recipe.data.validation(
            self._recipe.task.sample, batch_size=self._recipe.batch_size
        ):
            if fresh:
                self.preparation_s += time.perf_counter() - start
                fresh = False
            yield self._placement.scatter(batch)

    def _step(self, variables: Variables, batch: Any) -> Callable[..., Any]:
        """The step for batches of these shapes; the last of a set may be smaller."""
        shapes = tuple(leaf.shape for leaf in jax.tree.leaves(batch))
        if shapes not in self._compiled:
            self._compiled[shapes], seconds = compile_ahead(
                self._function,
                variables,
                batch,
                deterministic=self._recipe.deterministic,
            )
            self.preparation_s += seconds
        return self._compiled[shapes]
