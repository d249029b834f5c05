import pathlib
import sys
import types

import numpy as np
import pytest

from tests.train import toy
from tests.weights import runs
from ttjax.train import paths, weights
from ttjax.weights import shipped

VARIABLES = {
    "params": {"dense": {"kernel": np.zeros((2, 3)), "bias": np.zeros(3)}},
    "batch_stats": {"norm": {"mean": np.zeros(3)}},
}


def test_what_fits_by_name_and_shape_is_taken():
    found = {
        "params": {"dense": {"kernel": np.ones((2, 3)), "bias": np.ones(4)}},
        "other": np.ones(1),
    }
    merged, report = weights.merge(VARIABLES, found)
    np.testing.assert_array_equal(merged["params"]["dense"]["kernel"], 1.0)
    np.testing.assert_array_equal(merged["params"]["dense"]["bias"], 0.0)
    assert report == weights.Report(
        matched=("params/dense/kernel",),
        missing=("batch_stats/norm/mean",),
        unused=("other",),
        reshaped=(("params/dense/bias", (3,), (4,)),),
    )
    assert report.lines() == [
        "1 arrays taken",
        "  matched  params/dense/kernel",
        "  missing  batch_stats/norm/mean (random start)",
        "  unused   other",
        "  reshaped params/dense/bias is (3,), the file has (4,) (skipped)",
    ]


def test_weights_of_another_family_are_an_error():
    with pytest.raises(ValueError, match="none of 1 do"):
        weights.merge(VARIABLES, {"params": {"conv": np.zeros(3)}})


def test_an_npz_names_its_arrays_by_path(tmp_path: pathlib.Path):
    path = tmp_path / "weights.npz"
    filled = {name: leaf + 2.0 for name, leaf in paths.flatten(VARIABLES).items()}
    np.savez(path, **filled)
    merged, report = weights.merge(VARIABLES, weights.read(path, toy.Task()))
    assert len(report.matched) == 3
    assert all(np.all(leaf == 2.0) for leaf in paths.flatten(merged).values())


def test_an_npz_with_pickled_objects_is_not_opened(tmp_path: pathlib.Path):
    path = tmp_path / "weights.npz"
    np.savez(path, a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        weights.read(path, toy.Task())


def test_a_pth_goes_through_the_family_s_importer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"tensors")
    with pytest.raises(ValueError, match=r"`ttjax\.importers` knows the family"):
        weights.read(path, toy.Task())

    def module(name: str, **functions):
        made = types.ModuleType(f"ttjax.importers.{name}")
        made.__dict__.update(functions)
        made.__spec__ = types.SimpleNamespace(name=made.__name__)  # pyright: ignore
        monkeypatch.setitem(sys.modules, made.__name__, made)

    module("torch_state", read=lambda path: {"w": path.read_bytes()})
    module("train", variables=lambda state, config: {"params": state, "c": config})
    task = toy.Task()  # of the "family" tests.train.toy
    assert weights.read(path, task) == {"params": {"w": b"tensors"}, "c": task.config}


def test_weights_that_ship_are_read_by_name(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shipped, "HOME", runs.ship(tmp_path).parent)
    found = weights.read(pathlib.Path("toy-sim"), toy.Task())
    merged, report = weights.merge(runs.variables(seed=1), found)
    assert (report.missing, report.unused, report.reshaped) == ((), (), ())
    first = merged["params"]["first"]["kernel"]
    want = runs.variables()["params"]["first"]["kernel"]
    np.testing.assert_allclose(first, want, rtol=2**-8)
    with pytest.raises(FileNotFoundError, match=r"ship \(toy-sim\); toy-sum does not"):
        weights.read(pathlib.Path("toy-sum"), toy.Task())


def test_what_cannot_be_read_is_said(tmp_path: pathlib.Path):
    with pytest.raises(FileNotFoundError, match="correct `--init`"):
        weights.read(tmp_path / "missing.npz", toy.Task())
    (tmp_path / "weights.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"got weights\.h5"):
        weights.read(tmp_path / "weights.h5", toy.Task())
