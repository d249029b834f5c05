"""The loss and the metrics of the validation set."""

import math
from typing import Any

import jax

from ttjax.recipe import Phase, Recipe
from ttjax.train import step
from ttjax.train.devices import Placement
from ttjax.train.state import Totals, TrainState
from ttjax.train.watch import NonFiniteError


class Validation:
    """Goes through the validation set in inference mode; compiled once per phase."""

    def __init__(self, recipe: Recipe, phase: Phase, placement: Placement):
        """Compiles nothing yet."""
        self._recipe = recipe
        self._placement = placement
        self._step = jax.jit(step.make_validation_step(recipe, phase))

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
        for batch in recipe.data.validation(
            recipe.task.sample, batch_size=recipe.batch_size
        ):
            found, scores = self._step(
                state.best_variables, self._placement.scatter(batch)
            )
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
