import inspect

import pytest

from ttjax import task, ttnet
from ttjax.ttnet import config
from ttjax.ttnet import task as ttnet_task


@pytest.fixture(scope="module")
def nano():
    return ttnet_task.Task(config.nano())


def test_a_family_meets_the_protocol_and_its_evaluator_too(nano):
    assert isinstance(nano, task.Task)
    assert isinstance(nano.evaluator(), task.Evaluator)
    assert not isinstance(ttnet, task.Task)


@pytest.mark.parametrize("protocol", [task.Task, task.Evaluator])
def test_methods_take_what_the_protocol_names(protocol, nano):
    made = nano if protocol is task.Task else nano.evaluator()
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_"):
            continue
        promised = inspect.signature(method).parameters
        offered = inspect.signature(getattr(type(made), name)).parameters
        assert list(offered)[: len(promised)] == list(promised), name


def test_the_sample_of_a_task_is_what_its_batch_holds(nano):
    assert nano.spec(3) == nano.sample.batch(3)
    assert nano.sample.window == nano.window
    assert isinstance(nano.sample, task.SampleSpec)
