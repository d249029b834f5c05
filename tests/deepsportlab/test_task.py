import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.deepsportlab import answers
from ttjax import registry
from ttjax import task as contract
from ttjax.deepsportlab import config as configs
from ttjax.deepsportlab.arrays import Outputs
from ttjax.deepsportlab.decode import Decoder
from ttjax.deepsportlab.task import Task


def small(**fields):
    config = configs.nano(image_hw=(65, 97), players=answers.ROWS, **fields)
    decoder = Decoder(players=answers.ROWS, sources=64, queries=16)
    return Task(config=config, decoder=decoder)


@pytest.fixture(scope="module")
def task():
    return small()


@pytest.fixture(scope="module")
def outputs(task):
    """Of weights as they are drawn."""
    inputs = task.inputs(answers.scene(), None, jnp.ones(()))
    variables = jax.jit(task.config.model.init)(jax.random.key(0), inputs)
    return jax.jit(task.config.model.apply)(variables, inputs)


def test_it_meets_the_contract_and_goes_through_checkpoints(task):
    assert isinstance(task, contract.Task)
    assert registry.decode(registry.encode(task)) == task
    assert task.window.frames == 1
    shapes = jax.tree.map(lambda leaf: leaf.shape, task.spec(1))
    assert shapes == jax.tree.map(lambda leaf: leaf.shape, answers.scene())


@pytest.mark.slow
def test_every_head_has_a_finite_loss_with_a_gradient(task, outputs):
    targets = jax.jit(task.targets)(answers.scene(), outputs)

    def total(outputs):
        terms = task.losses(outputs, targets)
        assert tuple(terms) == task.loss_terms
        return sum(jnp.sum(term.value * term.weight) for term in terms.values())

    value, gradient = jax.jit(jax.value_and_grad(total))(outputs)
    assert np.isfinite(value)
    for leaf in jax.tree.leaves(gradient):
        assert np.isfinite(leaf).all()
    for name in ("parts", "centre", "ball"):
        assert np.abs(getattr(gradient, name).confidence).max() > 0
    assert np.abs(gradient.offset).max() > 0


def test_answers_are_scored_and_become_records(task, outputs):
    scene = answers.scene()
    inputs = task.inputs(scene, None, jnp.ones(()))
    found = jax.jit(task.decode)(outputs, inputs)
    assert isinstance(outputs, Outputs)
    (record,) = task.records(found)[0]
    assert record[0] == 0
    assert set(record[1]) == {"ball", "players", "truncated"}
    evaluator = task.evaluator()
    evaluator.add(jax.tree.map(np.asarray, found), scene.labels, clip="one")
    evaluator.add(answers.right(), scene.labels, clip="one")
    table = evaluator.table()
    assert {"bDQ", "pSQ", "pDQ"} <= set(table)
    oracle = task.oracles()["true masks"]
    oracle.add(answers.right(), scene.labels, clip="one")
    assert oracle.table()["pSQ"]["value"] == 1.0
    curves = jax.jit(task.metrics)(outputs, scene)
    assert 0 <= float(curves["masks/player_iou"].compute()) <= 1
    (picture,) = task.overlay(scene, answers.right())
    assert picture.ndim == 3


def test_an_example_without_labels_changes_no_loss(task, outputs):
    labels = answers.scene().labels
    none = dataclasses.replace(
        labels,
        masks_known=np.array([False]),
        joints_known=np.array([False]),
        players=np.zeros_like(labels.players),
        ball_state=np.array([-1], np.int8),
    )
    scene = dataclasses.replace(answers.scene(), labels=none)
    terms = jax.jit(lambda s, o: task.losses(o, task.targets(s, o)))(scene, outputs)
    assert all(float(terms[name].weight.sum()) == 0 for name in ("parts", "ball"))
    assert float(terms["masks"].weight.sum()) == 0


def test_contradictions_are_refused(outputs):
    with pytest.raises(ValueError, match="belongs to a head"):
        Task(config=configs.nano(heads=("ball",)), loss_terms=("parts",))
    with pytest.raises(ValueError, match="belongs to a head"):
        Task(config=configs.nano(heads=("ball",)), loss_terms=("semantic",))
    with pytest.raises(ValueError, match="same rows"):
        Task(config=configs.nano(players=8))
    with pytest.raises(ValueError, match="need labels"):
        small().targets(dataclasses.replace(answers.scene(), labels=None), outputs)
