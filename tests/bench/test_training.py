import dataclasses
import json

import jax
import pytest

from bench import peaks, training
from bench.models import Model
from ttjax.nn import cost
from ttjax.ttnet.task import Task


def check(row):
    assert row["samples_per_s"] == pytest.approx(2e3 / row["p50_ms"], rel=1e-2)
    assert row["memory_mb"] > 0
    assert row["compile_ms"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("family", training.BATCHES)
def test_every_head_of_both_families_is_trained(family):
    model = Model(family, quick=True)
    limits = peaks.measure(quick=True)
    check(training.row(model, 2, "bfloat16", limits=limits, calls=2, seconds=9.0))


@pytest.fixture(scope="module")
def one_head(tiny):
    """The global stage of the tiny network alone: a gradient takes long to compile."""
    tiny_task = Model.task

    def task(model, dtype="float32"):
        config = tiny_task(model, dtype).config
        return Task(config=dataclasses.replace(config, heads=("ball_global",)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "task", task)
        yield


@pytest.fixture(scope="module")
def measured(tmp_path_factory, one_head):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    arguments = ["--quick", "--dtype", "float32", "--json", str(path)]
    training.main([*arguments, "--family", "ttnet"])
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


def test_a_step_has_a_row(measured):
    name = f"ttnet.train.b2.float32/{jax.default_backend()}/quick"
    assert set(measured) == {name}
    check(measured[name])
    # Of each product forwards there are two backwards, but for the first layers'.
    task = Model("ttnet", quick=True).task()
    forwards = cost.macs(
        task.config.model.apply,
        task.config.abstract_variables(),
        task.config.abstract_inputs(2),
    )
    assert 2 < measured[name]["gflop"] / (2e-9 * forwards) < 4
    assert training.BATCHES == {"ttnet": 8, "deepsportlab": 4}
