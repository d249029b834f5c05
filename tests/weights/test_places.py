import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

import ttjax
from tests.train import toy
from tests.weights import runs
from ttjax import weights
from ttjax.weights import shipped
from ttjax.weights.places import (
    exists,
    find,
    load,
    load_metadata,
    load_task,
    load_variables,
    published,
)

ROOT = pathlib.Path(__file__).parents[2]


def test_a_name_a_folder_a_run_and_a_checkpoint_are_found(folder, home, run):
    assert find("toy-sim") == find(folder) == published("toy-sim") == folder
    assert find(run) == find(run / "checkpoints" / "7", "latest")
    assert published(run) is None
    for place in ("toy-sim", pathlib.Path("toy-sim"), folder, run):
        assert exists(place)
        assert load_task(place) == toy.Task()
        assert load_metadata(place)["step"] == runs.STEP
    assert weights.names() == ("toy-sim",)


def test_a_path_goes_before_a_name(home, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy-sim").symlink_to(run)
    assert published("toy-sim") is None
    assert load_metadata("toy-sim")["recipe"]["out"] == {
        "path": "/home/someone/runs/toy"
    }
    (tmp_path / "toy-sim").unlink()
    (tmp_path / "toy-sim").write_text("a file")
    assert not exists("toy-sim")
    with pytest.raises(FileNotFoundError, match="toy-sim is none: give a run's"):
        load("toy-sim")


def test_an_unknown_name_lists_those_that_ship(home):
    for ask in (load, load_task, load_variables, load_metadata, find, published):
        with pytest.raises(FileNotFoundError, match=r"\(toy-sim\), ttnet-sum is none"):
            ask("ttnet-sum")
    assert not exists("ttnet-sum")


def test_where_none_ship_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "HOME", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"ship \(there are none\), x is none"):
        ttjax.load("x")


def test_what_comes_from_a_name_is_what_the_run_has_to_rounding(home, run):
    task, rounded, said = load("toy-sim")
    _, saved, _ = load(run)
    assert load_variables("toy-sim").keys() == saved.keys()
    assert said["source"] == "sim"
    raw = {**saved, "params": jax.tree.map(lambda p: p - 1, saved["params"])}
    apply = task.config.model.apply
    got, due = apply(rounded, runs.inputs()), apply(raw, runs.inputs())
    for name in ("first", "second"):
        np.testing.assert_allclose(got[name], due[name], rtol=0.02, atol=0.02)


def test_the_package_s_face_loads_a_name(home):
    found = ttjax.load("toy-sim", dtype="float32")
    assert isinstance(found.task, toy.Task)
    assert found.metadata["name"] == "toy-sim"
    kernels = found.variables["params"]["trunk"]["Dense_0"]["kernel"]
    assert kernels.dtype == np.float32


def test_orbax_is_not_needed(folder):
    program = (
        "import sys; from tests.train import toy; import ttjax\n"
        f"ttjax.load({str(folder)!r})\n"
        "print(sorted({'orbax', 'grain', 'cv2', 'tyro'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"
