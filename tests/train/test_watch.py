import dataclasses
import pathlib

import jax.numpy as jnp
import pytest

from ttjax.train import journal, watch
from ttjax.train.step import Metrics


def metrics(value: float = 1.0) -> Metrics:
    return Metrics(
        loss=jnp.float32(value),
        terms={"ball": jnp.float32(value), "masks": jnp.float32(0.5)},
        sigmas={"ball": jnp.float32(2.0)},
        gradient_norm=jnp.float32(3.0),
        learning_rate=jnp.float32(0.25),
    )


def test_the_mean_of_every_few_steps_is_logged(tmp_path: pathlib.Path):
    with journal.Journal(tmp_path) as log:
        subject = watch.Watch(log, every=2, phase="train")
        for step in range(1, 6):
            subject.add(100 + step, step, metrics(float(step)))
        # The last step is still in flight.
        assert subject.latest is not None
        assert float(subject.latest.loss) == 4.0
        subject.flush(105)
        subject.flush(105)
    lines = journal.read(tmp_path)
    assert [(line["step"], line["loss"]) for line in lines] == [
        (102, 1.5),
        (104, 3.5),
        (105, 5.0),
    ]
    assert lines[0] == {
        "kind": "steps",
        "step": 102,
        "loss": 1.5,
        "terms": {"ball": 1.5, "masks": 0.5},
        "sigmas": {"ball": 2.0},
        "gradient_norm": 3.0,
        "learning_rate": 0.25,
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"terms": {"ball": jnp.nan, "masks": jnp.inf}}, "the loss of ball, masks is"),
        ({"loss": jnp.inf}, "the total loss is"),
        ({"gradient_norm": jnp.nan}, "the gradient is"),
    ],
)
def test_what_is_not_finite_is_named_one_step_late(
    changes, told, tmp_path: pathlib.Path
):
    changes = {
        name: {k: jnp.float32(v) for k, v in value.items()}
        if isinstance(value, dict)
        else jnp.float32(value)
        for name, value in changes.items()
    }
    with journal.Journal(tmp_path) as log:
        subject = watch.Watch(log, every=10, phase="main")
        subject.add(8, 8, metrics())
        subject.add(9, 9, dataclasses.replace(metrics(), **changes))
        with pytest.raises(watch.NonFiniteError, match=told) as error:
            subject.add(10, 10, metrics())
    assert "at step 9 (phase 'main')" in str(error.value)


def test_finite_metrics_are_no_problem():
    assert watch.not_finite(metrics()) == ""
