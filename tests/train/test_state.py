import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.train import toy
from ttjax.recipe import Phase, Plateau
from ttjax.train import state
from ttjax.train.state import Book, Totals

PHASE = Phase(steps=10, loss_terms=("first",), schedule=Plateau())
RECIPE = toy.recipe(pathlib.Path("unused"), phases=(PHASE,), ema_decay=0.9)


@pytest.fixture(scope="module")
def begun() -> state.TrainState:
    params, others = state.initial(RECIPE, jax.random.key(0))
    return state.begin_phase(RECIPE, PHASE, params, others, step=7, ema=None)


def test_a_fresh_state_has_all_its_parts(begun: state.TrainState):
    assert int(begun.step) == 7
    assert set(begun.params) == {"model", "log_sigmas"}
    assert set(begun.params["log_sigmas"]) == {"first", "second"}
    assert set(begun.totals.values) == {"first"}
    assert set(begun.variables) == {"params", "batch_stats"}
    assert begun.ema is begun.params["model"]
    plain = dataclasses.replace(RECIPE, ema_decay=None)
    other = state.begin_phase(
        plain, PHASE, begun.params, begun.collections, step=0, ema=begun.ema
    )
    assert other.ema is None
    assert other.best_variables["params"] is other.params["model"]


def test_the_average_is_what_inference_takes(begun: state.TrainState):
    mean = jax.tree.map(jnp.zeros_like, begun.params["model"])
    averaged = dataclasses.replace(begun, ema=mean)
    assert averaged.best_variables["params"] is mean
    assert averaged.best_variables["batch_stats"] is begun.collections["batch_stats"]


def test_parts_go_to_a_checkpoint_and_back(begun: state.TrainState):
    again = state.TrainState.from_parts(begun.parts())
    assert jax.tree.structure(again) == jax.tree.structure(begun)
    jax.tree.map(np.testing.assert_array_equal, again, begun)


def test_weights_depend_on_the_key_alone(begun: state.TrainState):
    same, _ = state.initial(RECIPE, jax.random.key(0))
    other, _ = state.initial(RECIPE, jax.random.key(1))
    jax.tree.map(np.testing.assert_array_equal, same, begun.params)
    kernel = other["model"]["trunk"]["Dense_0"]["kernel"]
    assert np.any(kernel != same["model"]["trunk"]["Dense_0"]["kernel"])


def test_copies_take_parameters_statistics_and_average(begun: state.TrainState):
    seven = jax.tree.map(lambda leaf: leaf + 7.0, begun.collections)
    moved = dataclasses.replace(begun, collections=seven)
    copied = state.copy_modules(moved, {"model/trunk": "model/twin"})
    for tree in (
        copied.params["model"],
        copied.ema,
        copied.collections["batch_stats"],
    ):
        jax.tree.map(np.testing.assert_array_equal, tree["trunk"], tree["twin"])
    assert state.copy_modules(begun, {}) is begun
    with pytest.raises(ValueError, match="matches none"):
        state.copy_modules(begun, {"model/stem": "model/twin"})


def test_totals_merge_and_mean():
    one = Totals.zeros(("a", "b"))
    two = dataclasses.replace(
        one,
        values={"a": jnp.float32(6.0), "b": jnp.float32(0.0)},
        weights={"a": jnp.float32(4.0), "b": jnp.float32(0.0)},
    )
    merged = one.merge(two).merge(two)
    assert {k: float(v) for k, v in merged.means().items()} == {"a": 1.5, "b": 0.0}


def test_progress_is_by_steps_or_minutes_the_first_that_comes():
    book = Book(phase_step=5, phase_seconds=30.0)
    assert book.progress(Phase(steps=10)) == 0.5
    assert book.progress(Phase(steps=None, minutes=2.0)) == 0.25
    assert book.progress(Phase(steps=10, minutes=1.0)) == 0.5
    assert book.progress(Phase(steps=4)) == 1.0
    assert dataclasses.replace(book, plateaued=True).progress(Phase()) == 1.0
    assert book.eta_s(Phase(steps=10)) == 30.0
    assert book.eta_s(Phase(steps=20)) == 90.0
    assert Book().eta_s(Phase()) == 0.0


def test_the_book_counts_epochs_without_a_lower_loss():
    book = Book()
    waited = []
    for loss in (3.0, 2.0, 2.0, 2.5, 1.0):
        book.judge(loss)
        waited.append(book.waited)
    assert waited == [0, 0, 1, 2, 0]
    assert (book.best_loss, book.last_loss) == (1.0, 1.0)


def test_a_new_phase_is_a_new_page():
    book = Book(phase_step=5, epoch=3, best_loss=1.0, waited=2, plateaued=True)
    book.tick(2.5)
    book.next_phase()
    assert book == Book(phase=1, epoch=3, seconds=2.5)
    assert Book(**dataclasses.asdict(book)) == book
