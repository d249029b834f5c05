import dataclasses
import pathlib
from typing import Any

import jax
import numpy as np
import pytest

from tests.train import toy
from ttjax.train import devices, state
from ttjax.train.validation import Validation
from ttjax.train.watch import NonFiniteError


@dataclasses.dataclass(frozen=True)
class Ragged(toy.Data):
    """The last batch is smaller, and its second term is not labelled."""

    second: float = 1.0

    def validation(self, spec, *, batch_size):
        first = toy.batch_of(np.random.default_rng(0), batch_size)
        yield dataclasses.replace(first, y=first.y * np.float32(self.second))
        last = toy.batch_of(np.random.default_rng(1), 3)
        known = np.tile(np.array([[1.0, 0.0]], np.float32), (3, 1))
        yield dataclasses.replace(last, known=known)


def validate(data: toy.Data):
    recipe = toy.recipe(pathlib.Path("unused"), data=data)
    params, others = state.initial(recipe, jax.random.key(0))
    phase = recipe.phases[0]
    begun = state.begin_phase(recipe, phase, params, others, step=5, ema=None)
    placement = devices.placement(recipe.batch_size)
    validation = Validation(recipe, phase, placement)
    assert validation.preparation_s == 0.0
    seen = validation(begun)
    assert (validation.preparation_s > 0.0) is (seen is not None)
    return seen, begun


def test_means_are_over_examples_not_over_batches():
    seen, begun = validate(Ragged())
    assert seen is not None
    task = toy.Task()
    errors: dict[str, list] = {"first": [], "second": []}
    for batch in Ragged().validation(None, batch_size=8):
        outputs: Any = task.config.model.apply(
            begun.variables, task.inputs(batch, None, None)
        )
        for i, name in enumerate(errors):
            kept = batch.known[:, i] > 0
            errors[name] += list((outputs[name] - batch.y[:, i])[kept])
    assert [len(e) for e in errors.values()] == [11, 8]
    means = {name: np.mean(np.square(e)) for name, e in errors.items()}
    for name, mean in means.items():
        np.testing.assert_allclose(seen["terms"][name], mean, rtol=1e-5)
    # At sigma = 1 the weighted sum is the sum.
    np.testing.assert_allclose(seen["loss"], sum(means.values()), rtol=1e-5)
    error = np.mean(np.abs(errors["first"]))
    np.testing.assert_allclose(seen["metrics"]["error"], error, rtol=1e-5)


def test_pictures_are_of_the_first_batch_and_for_tensorboard_only():
    recipe = toy.recipe(pathlib.Path("unused"), data=Ragged(), tensorboard=True)
    params, others = state.initial(recipe, jax.random.key(0))
    phase = recipe.phases[0]
    begun = state.begin_phase(recipe, phase, params, others, step=5, ema=None)
    validation = Validation(recipe, phase, devices.placement(recipe.batch_size))
    assert validation.pictures == ()
    seen = validation(begun)
    task, batch = toy.Task(), next(Ragged().validation(None, batch_size=8))
    outputs = task.config.model.apply(begun.variables, task.inputs(batch, None, None))
    for one, other in zip(
        validation.pictures, task.overlay(batch, jax.device_get(outputs)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert seen is not None
    assert set(seen) == {"loss", "terms", "metrics"}


def test_no_validation_set_is_no_validation():
    assert validate(toy.Data())[0] is None


def test_labels_that_are_not_numbers_are_named():
    with pytest.raises(NonFiniteError, match=r"of first, second is not .* at step 5"):
        validate(Ragged(second=float("nan")))
