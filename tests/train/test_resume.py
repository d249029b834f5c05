import dataclasses
import pathlib

import pytest

from tests.train import toy
from ttjax import registry
from ttjax.recipe import Adam, Cosine, Phase
from ttjax.train import resume

BEGUN = toy.recipe(pathlib.Path("a"), phases=(Phase(steps=10), Phase("two", steps=20)))


def check(**changes):
    now = dataclasses.replace(BEGUN, **changes)
    resume.check_same(registry.encode(BEGUN), now, "runs/a")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"out": pathlib.Path("b"), "keep": 5, "cache": True, "tensorboard": True},
        {"init": pathlib.Path("weights.npz")},
        {"phases": (Phase(steps=10), Phase("second", steps=None, minutes=3.0))},
        {"phases": (*BEGUN.phases, Phase("three"))},
    ],
)
def test_where_and_how_long_may_change(changes):
    check(**changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 3}, "seed: 0 then, 3 now"),
        ({"batch_size": 4}, "batch_size: 8 then, 4 now"),
        ({"optimizer": Adam(b1=0.8)}, r"optimizer\.b1: 0\.9 then, 0\.8 now"),
        (
            {"task": toy.Task(toy.Config(width=5))},
            r"task\.config\.width: 4 then, 5 now",
        ),
        ({"phases": BEGUN.phases[:1]}, "phases: "),
        (
            {"phases": (Phase(schedule=Cosine()), BEGUN.phases[1])},
            r"phases\.0\.schedule\.type: 'Plateau' then, 'Cosine' now",
        ),
        ({"ema_decay": 0.9}, r"ema_decay: None then, 0\.9 now"),
    ],
)
def test_what_changes_the_result_is_refused_by_name(changes, told):
    with pytest.raises(ValueError, match=told) as error:
        check(**changes)
    assert "another `--out`" in str(error.value)


def test_data_may_have_moved():
    @registry.register("test.resume.Data")
    @dataclasses.dataclass(frozen=True)
    class Moved(toy.Data):
        root: pathlib.Path = pathlib.Path("/here")

    begun = dataclasses.replace(BEGUN, data=Moved())
    now = dataclasses.replace(BEGUN, data=Moved(root=pathlib.Path("/there")))
    resume.check_same(registry.encode(begun), now, "runs/a")
