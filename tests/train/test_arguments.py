import dataclasses
import pathlib
from typing import Generic, TypeVar

import pytest

from tests.train import toy
from ttjax.losses.weighting import LearntSigmas
from ttjax.recipe import Plateau, Recipe
from ttjax.train import arguments

HEAD = '''"""A recipe of the tests: says what it is."""
import pathlib
from tests.train import toy
from ttjax.recipe import Constant, Phase, Plateau
'''

PLAIN = (
    HEAD
    + """
def recipe():
    phases = (Phase(steps=20, schedule=Constant()), Phase("two", steps=5))
    return toy.recipe(pathlib.Path("runs/toy"), phases=phases)
"""
)

WITH_PARAMETERS = (
    HEAD
    + '''
def recipe(data: pathlib.Path, noise_level: float = 0.5):
    """Learns from a directory.

    Args:
        data: The directory of the clips.
        noise_level: Of the labels.
    """
    source = toy.Data(noise=noise_level)
    return toy.recipe(pathlib.Path("runs") / data, data=source)
'''
)


@pytest.fixture
def write(tmp_path: pathlib.Path):
    def write(text: str) -> str:
        path = tmp_path / "some_recipe.py"
        path.write_text(text)
        return str(path)

    return write


def test_a_recipe_file_gives_its_recipe(write):
    recipe = arguments.parse([write(PLAIN)])
    assert isinstance(recipe, Recipe)
    assert recipe.out == pathlib.Path("runs/toy")
    assert [phase.steps for phase in recipe.phases] == [20, 5]


def test_every_field_is_a_flag(write):
    argv = [
        *("--phases.0.steps", "7", "--phases.1.schedule.patience", "2"),
        *("--task.config.width", "9", "--data.noise", "0.25"),
        *("--phases.1.freeze", "model/trunk", "model/first"),
        *("--weighting.floor", "0.1", "--optimizer.clip-norm", "1.0"),
        *("--out", "elsewhere", "--ema-decay", "0.99", "--cache", "--phases.0.minutes"),
        "2.5",
    ]
    recipe = arguments.parse([write(PLAIN), *argv])
    assert recipe.phases[0].steps == 7
    assert recipe.phases[0].minutes == 2.5
    assert recipe.phases[1].schedule == Plateau(patience=2)
    assert recipe.phases[1].freeze == ("model/trunk", "model/first")
    assert recipe.task.config.width == 9
    assert recipe.data.noise == 0.25
    assert recipe.weighting == LearntSigmas(floor=0.1)
    assert recipe.optimizer.clip_norm == 1.0
    assert recipe.out == pathlib.Path("elsewhere")
    assert recipe.cache
    assert type(recipe) is Recipe


def test_data_inside_data_has_flags_too():
    T = TypeVar("T")

    @dataclasses.dataclass(frozen=True)
    class Kept(Generic[T]):
        data: T
        samples: int = 3

    kept = Kept(toy.Data())
    assert arguments.kind_of(kept) == Kept[toy.Data]
    assert arguments.kind_of(toy.Data()) is toy.Data
    recipe = toy.recipe(pathlib.Path("a"))
    assert arguments.kind_of(recipe) == Recipe[toy.Task, toy.Data]


def test_parameters_of_the_function_are_flags_of_their_own(write):
    path = write(WITH_PARAMETERS)
    recipe = arguments.parse([path, "--data", "clips", "--batch-size", "4"])
    assert (recipe.out, recipe.batch_size) == (pathlib.Path("runs/clips"), 4)
    assert recipe.data.noise == 0.5
    argv = [path, "--data.noise", "2.0", "--noise-level", "1.0", "--data=clips"]
    assert arguments.parse(argv).data.noise == 2.0
    assert arguments.parse([path, "--noise_level", "1", "--data=c"]).data.noise == 1.0


def test_a_missing_parameter_is_one_clear_line(write):
    with pytest.raises(ValueError, match="This recipe needs --data DATA: give it") as e:
        arguments.parse([write(WITH_PARAMETERS), "--batch-size", "4"])
    assert "\n" not in str(e.value)


def test_help_teaches(write, capsys: pytest.CaptureFixture[str]):
    path = write(PLAIN)
    with pytest.raises(SystemExit) as end:
        arguments.parse([path, "--help"])
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for told in (
        "says what it is",
        "The same command again continues",
        "--phases.0.steps",
        "--task.config.width",
        "Optimiser steps; None leaves the end to `minutes`",
        "The run's directory",
        "Examples per step, over all devices",
    ):
        assert told in text, told


def test_help_tells_of_the_function_s_parameters_too(
    write, capsys: pytest.CaptureFixture[str]
):
    path = write(WITH_PARAMETERS)
    with pytest.raises(SystemExit):
        arguments.parse([path, "--help"])
    text = capsys.readouterr().out
    assert "The directory of the clips" in text
    with pytest.raises(SystemExit):
        arguments.parse([path, "--data", "clips", "--help"])
    assert "--batch-size" in capsys.readouterr().out


def test_an_unknown_flag_ends_the_program(write, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        arguments.parse([write(PLAIN), "--stepz", "3"])
    assert end.value.code == 2
    assert "stepz" in capsys.readouterr().err


def test_what_is_no_recipe_is_said(write, tmp_path: pathlib.Path):
    with pytest.raises(FileNotFoundError, match=r"missing\.py does not exist"):
        arguments.parse([str(tmp_path / "missing.py")])
    with pytest.raises(ValueError, match="does not: add it"):
        arguments.parse([write("x = 1")])
    with pytest.raises(ValueError, match=r"gives a ttjax\.recipe\.Recipe, got int"):
        arguments.parse([write("def recipe():\n    return 3")])
    (tmp_path / "recipe.txt").write_text(PLAIN)
    with pytest.raises(ValueError, match=r"is none: name it \*\.py"):
        arguments.load(tmp_path / "recipe.txt")


def test_without_a_file_the_embedded_default_is_taken(monkeypatch, write):
    module = arguments.load(pathlib.Path(write(PLAIN)))
    monkeypatch.setitem(__import__("sys").modules, arguments.DEFAULT, module)
    assert arguments.parse(["--seed", "3"]).seed == 3
    assert arguments.function_of(module).__name__ == "recipe"
