import dataclasses
import importlib
import os
import pathlib
import subprocess
import sys

import pytest

from tests.train import toy
from ttjax import checkpoints
from ttjax.recipe import Scoring

ROOT = pathlib.Path(__file__).parents[2]

RECIPE = """
import pathlib
from tests.train import toy

def recipe(out: pathlib.Path):
    return toy.recipe(out)
"""


@pytest.fixture
def recipe(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "toy_recipe.py"
    path.write_text(RECIPE)
    return str(path)


def command(*arguments: str, cache: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ttjax.train", *arguments],
        cwd=ROOT,
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_command_trains(recipe: str, tmp_path: pathlib.Path, compiled_once: str):
    out = tmp_path / "run"
    done = command(
        recipe,
        "--out",
        str(out),
        "--cache",
        "--phases.0.steps",
        "6",
        cache=compiled_once,
    )
    assert done.returncode == 0, done.stderr
    assert f"compilation cache: {compiled_once}" in done.stdout
    assert "finished at step 6" in done.stdout
    assert checkpoints.find(out).name == "6"


def test_a_mistake_is_one_line(tmp_path: pathlib.Path, compiled_once: str):
    done = command(str(tmp_path / "missing.py"), cache=compiled_once)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: A recipe is a Python file")


def test_the_code_is_the_signal_s(recipe: str, tmp_path: pathlib.Path):
    main = importlib.import_module("ttjax.train.__main__").main
    out = str(tmp_path / "run")
    assert main([recipe, "--out", out, "--data.signal-at", "3"]) == 128 + 15
    assert main([recipe, "--out", out, "--data.signal-at", "3"]) == 0


class _Evaluations(list):
    def run(self, checkpoint, **options):
        self.append((checkpoint, options))


@pytest.mark.parametrize(
    ("scoring", "recordings", "done", "expected"),
    [
        (Scoring(overlays=2, baselines=True), ["one"], False, 1),
        (Scoring(), [], False, 0),
        (Scoring(), ["one"], True, 0),
        (None, ["one"], False, 0),
    ],
)
def test_a_finished_run_is_scored_once_where_there_is_something_to_score(
    tmp_path, monkeypatch, scoring, recordings, done, expected
):
    main = importlib.import_module("ttjax.train.__main__")
    found = _Evaluations()
    monkeypatch.setattr(main, "evaluate", found)
    if done:
        (tmp_path / "evaluation").mkdir()
        (tmp_path / "evaluation" / "evaluation.json").write_text("{}")
    base = toy.recipe(tmp_path)
    monkeypatch.setattr(
        type(base.data), "recordings", lambda self, split: iter(recordings)
    )
    main.score(dataclasses.replace(base, scoring=scoring))
    assert len(found) == expected
    for checkpoint, options in found:
        assert checkpoint == tmp_path
        assert options["overlays"] == 2
        assert options["baselines"]
