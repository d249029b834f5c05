import dataclasses

import pytest

from tests.train import toy
from ttjax.recipe import (
    SGD,
    Adam,
    Constant,
    Cosine,
    Phase,
    Plateau,
    Recipe,
    Scoring,
    Steps,
)

TASK = toy.Task(loss_terms=("first", "second"))


def recipe(**fields) -> Recipe:
    return Recipe(task=TASK, data=toy.Data(), **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"phases": ()}, "at least one phase"),
        ({"batch_size": 0}, "`batch_size` is at least 1, got 0"),
        ({"batch_size": 16, "accumulate": 3}, "`accumulate` divides `batch_size`"),
        ({"ema_decay": 1.0}, "`ema_decay` is between 0 and 1"),
        ({"phases": (Phase(loss_terms=("first", "masks")),)}, r"got \('masks',\)"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused_at_once(fields, message):
    with pytest.raises(ValueError, match=message):
        recipe(**fields)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Phase(steps=None), "A phase ends"),
        (lambda: Phase(steps=0), "`steps` are positive, got 0"),
        (lambda: Phase(minutes=-1.0), "`minutes` are positive"),
        (lambda: Plateau(factor=1.0), "`factor` is between 0 and 1"),
        (lambda: Plateau(patience=0), "`patience` is at least 1"),
        (lambda: Cosine(warmup=1.0), "`warmup` is in"),
        (lambda: Cosine(floor=2.0), "`floor` is in"),
        (lambda: Steps(warmup=1.0), "`warmup` is in"),
        (lambda: Steps(decays=(1.5,)), "`decays` are shares"),
        (lambda: Steps(factor=0.0), "`factor` is in"),
    ],
)
def test_parts_check_their_ranges(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_recipes_are_frozen_values():
    assert recipe(phases=(Phase(schedule=Constant()),)) == recipe(
        phases=(Phase(schedule=Constant()),)
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe().seed = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_the_defaults_are_the_paper_s():
    assert (SGD().momentum, SGD().nesterov, SGD().weight_decay) == (0.95, True, 1e-5)
    assert (Adam().b1, Adam().b2, Phase().learning_rate) == (0.9, 0.999, 1e-3)
    assert Phase().schedule == Plateau(factor=0.5, patience=3, stop=12)


def test_a_finished_run_is_scored_unless_told_otherwise():
    assert recipe().scoring == Scoring(overlays=1, baselines=False)
    assert recipe(scoring=None).scoring is None
