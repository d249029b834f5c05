import dataclasses
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.train import toy
from ttjax.losses import weighting
from ttjax.recipe import Adam, Constant, Phase, Recipe
from ttjax.train import state, step

PLAIN = toy.Task(toy.Config(norm=False))
NOISY = toy.Task(toy.Config(dropout=0.5))


def recipe(**fields) -> Recipe:
    return toy.recipe(pathlib.Path("unused"), **fields)


class Trainer:
    """One compiled step and the state it begins with."""

    def __init__(self, phase: Phase | None = None, **fields):
        phase = phase or Phase(steps=10, learning_rate=1e-2, schedule=Constant())
        self.recipe = recipe(phases=(phase,), **fields)
        params, others = state.initial(self.recipe, jax.random.key(0))
        self.start = state.begin_phase(
            self.recipe, phase, params, others, step=0, ema=None
        )
        self.raw = step.make_train_step(self.recipe, phase, params)
        self.step = jax.jit(self.raw)

    def __call__(
        self, batch, begin=None, steps: int = 1
    ) -> tuple[state.TrainState, Any]:
        now, metrics = begin or self.start, None
        for _ in range(steps):
            now, metrics = self.step(now, batch, jnp.float32(0.0))
        return now, metrics


def batch_of(size: int, seed: int = 0) -> toy.Batch:
    batch = toy.batch_of(np.random.default_rng(seed), size)
    return jax.tree.map(jnp.asarray, batch)


def with_known(batch: toy.Batch, known) -> toy.Batch:
    return dataclasses.replace(batch, known=jnp.asarray(known, jnp.float32))


def assert_close(one, other, tolerance: float = 1e-6):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance, rtol=1e-5),
        one,
        other,
    )


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def plain() -> Trainer:
    return Trainer(task=PLAIN)


@pytest.fixture(scope="module")
def normed() -> Trainer:
    return Trainer(task=NOISY, ema_decay=0.9)


def test_training_lowers_every_term(plain: Trainer):
    batch = batch_of(8)
    _, before = plain(batch)
    _, after = plain(batch, steps=60)
    for name in ("first", "second"):
        assert after.terms[name] < 0.5 * before.terms[name]


def test_metrics_are_what_numpy_finds(plain: Trainer):
    batch = with_known(batch_of(8), np.tile([[1, 1], [1, 0]], (4, 1)))
    now, metrics = plain(batch)
    assert isinstance(metrics, step.Metrics)
    outputs = plain.recipe.task.config.model.apply(
        plain.start.variables, plain.recipe.task.inputs(batch, None, None)
    )
    first = np.mean((outputs["first"] - batch.y[:, 0]) ** 2)
    second = np.mean((outputs["second"] - batch.y[:, 1])[::2] ** 2)
    np.testing.assert_allclose(metrics.terms["first"], first, rtol=1e-5)
    np.testing.assert_allclose(metrics.terms["second"], second, rtol=1e-5)
    np.testing.assert_allclose(metrics.loss, first + second, rtol=1e-5)
    np.testing.assert_allclose(now.totals.weights["second"], 4.0)
    assert int(now.step) == int(now.totals.steps) == 1


def test_unlabelled_examples_change_no_loss_and_no_gradient(plain: Trainer):
    labelled = batch_of(4)
    added = jax.tree.map(
        lambda a, b: jnp.concatenate([a, b]), labelled, batch_of(4, seed=1)
    )
    mixed = with_known(added, np.repeat([[1, 1], [0, 0]], 4, axis=0))
    (alone, told), (together, told_too) = plain(labelled), plain(mixed)
    assert_close(told, told_too)
    # Adam's first moments are a tenth of the gradients.
    assert_close(alone.optimizer, together.optimizer)


def test_a_term_without_labels_drops_out_with_its_sigma(plain: Trainer):
    batch = with_known(batch_of(8), np.tile([[1.0, 0.0]], (8, 1)))
    now, metrics = plain(batch, steps=3)
    assert float(metrics.terms["second"]) == 0.0
    assert float(now.params["log_sigmas"]["second"]) == 0.0
    assert float(now.params["log_sigmas"]["first"]) != 0.0
    assert_same(now.params["model"]["twin"], plain.start.params["model"]["twin"])


def test_accumulation_equals_one_big_batch(plain: Trainer):
    known = np.random.default_rng(1).integers(0, 2, (8, 2))
    known[0::4, 1] = 0  # a micro-batch without any label of the second term
    batch = with_known(batch_of(8), known)
    parts = Trainer(task=PLAIN, accumulate=4)
    (big, told), (small, told_too) = plain(batch), parts(batch)
    assert_close(told, told_too)
    assert_close(big.optimizer, small.optimizer)
    assert_close(big.totals, small.totals)


def test_accumulation_needs_the_batch_axis_in_front():
    parts = Trainer(task=PLAIN, accumulate=2)
    scalar = dataclasses.replace(batch_of(8), known=jnp.ones(()))
    with pytest.raises(ValueError, match="leads with the batch axis"):
        jax.eval_shape(parts.raw, parts.start, scalar, jnp.float32(0.0))


def test_eager_equals_jitted(plain: Trainer):
    batch = batch_of(8)
    eager = plain.raw(plain.start, batch, jnp.float32(0.0))
    assert_close(eager, plain(batch), 1e-5)


def test_randomness_follows_seed_and_step_alone(normed: Trainer):
    batch = batch_of(8)
    assert_same(normed(batch), normed(batch))
    later = dataclasses.replace(normed.start, step=jnp.int32(1))
    assert float(normed(batch)[1].loss) != float(normed(batch, later)[1].loss)


def test_the_running_average_begins_fast_and_then_keeps_its_decay(normed: Trainer):
    batch = batch_of(8)
    now, _ = normed(batch)
    mixed = jax.tree.map(
        lambda old, new: 0.1 * old + 0.9 * new,
        normed.start.params["model"],
        now.params["model"],
    )
    assert_close(now.ema, mixed)
    late = dataclasses.replace(normed.start, step=jnp.int32(1000))
    then, _ = normed(batch, late)
    mixed = jax.tree.map(
        lambda old, new: 0.9 * old + 0.1 * new,
        normed.start.params["model"],
        then.params["model"],
    )
    assert_close(then.ema, mixed)


def test_what_is_frozen_stands_still_with_statistics_and_dropout():
    rules = ("model/trunk", "model/first/**", "model/twin/BatchNorm_0")
    frozen = Trainer(Phase(freeze=rules, schedule=Constant()), task=NOISY)
    start, batch = frozen.start, batch_of(8)
    assert step.trained_modules(start.params, frozen.recipe.phases[0]) == {
        "twin",
        "second",
    }
    now, metrics = frozen(batch, steps=2)
    for name in ("trunk", "first"):
        assert_same(now.params["model"][name], start.params["model"][name])
    assert_same(now.collections, start.collections)
    twin, twin_before = now.params["model"]["twin"], start.params["model"]["twin"]
    assert_same(twin["BatchNorm_0"], twin_before["BatchNorm_0"])
    assert np.any(twin["Dense_0"]["kernel"] != twin_before["Dense_0"]["kernel"])
    # With dropout at work the two steps would see different outputs.
    assert float(metrics.terms["first"]) == float(frozen(batch)[1].terms["first"])


def test_statistics_of_trained_parts_move(normed: Trainer):
    now, _ = normed(batch_of(8))
    for old, new in zip(
        jax.tree.leaves(normed.start.collections),
        jax.tree.leaves(now.collections),
        strict=True,
    ):
        assert np.any(old != new)


def test_learnt_sigmas_settle_where_their_square_is_twice_the_loss():
    still = Phase(learning_rate=0.0, schedule=Constant())
    trainer = Trainer(
        still,
        task=PLAIN,
        weighting=weighting.LearntSigmas(floor=1e-3),
        optimizer=Adam(sigma_learning_rate=0.05),
    )
    _, metrics = trainer(batch_of(8), steps=300)
    for name, loss in metrics.terms.items():
        np.testing.assert_allclose(metrics.sigmas[name] ** 2, 2 * loss, rtol=1e-3)


def test_a_term_that_the_task_does_not_give_is_named():
    @dataclasses.dataclass(frozen=True)
    class Promising(toy.Task):
        loss_terms: tuple[str, ...] = ("first", "third")

    trainer = Trainer(task=Promising(PLAIN.config))
    with pytest.raises(ValueError, match=r"\['third'\] are not among"):
        jax.eval_shape(trainer.raw, trainer.start, batch_of(8), jnp.float32(0.0))


def test_validation_adds_up_over_batches_and_uses_no_randomness():
    subject = recipe(task=NOISY)
    params, others = state.initial(subject, jax.random.key(0))
    check = jax.jit(step.make_validation_step(subject, subject.phases[0]))
    variables = {"params": params["model"], **others}
    whole = with_known(batch_of(8), np.eye(8)[:, :2])
    halves = [jax.tree.map(lambda a, i=i: a[i : i + 4], whole) for i in (0, 4)]
    (one, scores, _), (two, more, _) = (check(variables, half) for half in halves)
    total, score, shown = check(variables, whole)
    assert shown is None
    merged = one.merge(two)
    assert_close(merged, total)
    assert_close(scores["error"].merge(more["error"]), score["error"])
    loss = step.total_of(subject, merged, params)
    np.testing.assert_allclose(loss, sum(merged.means().values()), rtol=1e-6)
