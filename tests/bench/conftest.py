import dataclasses
from collections.abc import Iterator

import pytest

from bench.models import Model
from ttjax.ttnet import config
from ttjax.ttnet.task import Task


def tiny_task(model: Model, dtype: str = "float32") -> Task:
    """Both ball stages of a TTNet of few channels: quick to compile."""
    fields = {"width": 0.25, "frame_hw": (64, 64), "crop_hw": (64, 64)}
    made = config.nano(heads=("ball_global", "ball_local"), event_ball=False, **fields)
    return Task(config=dataclasses.replace(made, compute_dtype=dtype))


@pytest.fixture(scope="module")
def tiny() -> Iterator[None]:
    """Whatever network a benchmark asks for is a tiny one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "task", tiny_task)
        yield
