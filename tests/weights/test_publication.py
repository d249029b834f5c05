import json
import pathlib

import jax
import numpy as np
import pytest

from tests.train import toy
from tests.weights import runs
from ttjax import checkpoints, registry, weights
from ttjax.train import provenance
from ttjax.weights import shards, shipped
from ttjax.weights.publication import LICENCE, publish


def kernel(found):
    return weights.load_variables(found)["params"]["trunk"]["Dense_0"]["kernel"]


def test_a_folder_holds_card_config_and_small_files(folder):
    assert folder.name == "toy-sim"
    found = sorted(path.name for path in folder.iterdir())
    assert found == ["README.md", "config.json", "model-00001-of-00001.safetensors"]
    said = shipped.load_metadata(folder)
    assert said["licence"] == LICENCE == "Apache-2.0"
    assert said["source"] == "sim"
    assert said["sources"] == ["Simulation"]
    assert said["window"] == registry.encode(toy.Task().window)
    assert (said["step"], said["seed"], said["seconds"]) == (7, 0, 90.0)
    assert said["versions"]["jax"] == "0.10.2"
    assert "ttjax" in said["versions"]
    assert said["recipe"]["data"] == runs.SIMULATION
    assert said["parameters"] == sum(map(np.size, jax.tree.leaves(runs.variables())))
    # Nothing tells of the machine; what is left is still a recipe.
    assert "someone" not in (folder / "config.json").read_text()
    kept = {**said["recipe"], "data": registry.encode(toy.Data())}
    assert registry.decode(kept).task == toy.Task()


def test_only_what_inference_needs_is_taken(tmp_path):
    raw, averaged = runs.variables(), runs.metadata(ema_decay=0.9)
    run = runs.save(tmp_path / "run", averaged)
    mean = publish(run, "toy-mean", tmp_path / "home")
    last = publish(run, "toy-last", tmp_path / "home", ema=False)
    want = raw["params"]["trunk"]["Dense_0"]["kernel"]
    np.testing.assert_allclose(kernel(mean), want + 1, rtol=2**-8)
    np.testing.assert_allclose(kernel(last), want, rtol=2**-8)
    said = [shipped.load_metadata(one)["ema"] for one in (mean, last)]
    assert said == [True, False]
    assert weights.load_variables(mean).keys() == {"params", "batch_stats"}


def test_weights_that_saw_real_clips_are_refused(tmp_path):
    run = runs.save(tmp_path / "run", runs.metadata(runs.CLIPS))
    with pytest.raises(ValueError, match=r"run saw TrackNetClips of shuttle"):
        publish(run, "toy-sim", tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_so_are_those_that_began_from_such_weights(tmp_path):
    """Of a simulated run that a real one was the beginning of, resumed without it."""
    shuttle = ["TrackNetClips of shuttle"]
    real = runs.save(tmp_path / "real", runs.metadata(runs.CLIPS, sources=shuttle))
    begun = toy.recipe(tmp_path / "a", init=real)
    first = provenance.origin(begun, None)
    assert first["sources"] == ["TrackNetClips of shuttle", "toy.Data"]
    again = provenance.origin(toy.recipe(tmp_path / "a"), first)
    assert again["recipe"]["init"] is None
    said = runs.metadata(sources=again["sources"])
    run = runs.save(tmp_path / "run", said)
    with pytest.raises(ValueError, match=r"saw TrackNetClips of shuttle, toy\.Data"):
        publish(run, "toy-sim", tmp_path / "home")


def test_those_that_began_from_shipped_weights_are_not(tmp_path, home):
    recipe = toy.recipe(tmp_path / "a", init=pathlib.Path("toy-sim"))
    said = provenance.sources(recipe, None)
    assert said == ["Simulation", "toy.Data"]
    own = {"init": {"path": "toy-sim"}, "sources": ["Simulation"]}
    run = runs.save(tmp_path / "run", runs.metadata(**own))
    found = publish(run, "toy-x-sim", tmp_path / "home")
    assert shipped.load_metadata(found)["begun_from"] == "toy-sim"


def test_numbers_that_are_not_finite_leave_nothing_behind(tmp_path):
    broken = runs.variables()
    broken["params"]["first"]["bias"] = np.array([np.nan], np.float32)
    run = runs.save(tmp_path / "run", part=broken)
    with pytest.raises(ValueError, match="those of params/first/bias are not"):
        publish(run, "toy-sim", tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def test_a_name_is_published_once_unless_it_gives_way(run, tmp_path):
    first = publish(run, "toy-sim", tmp_path)
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    with pytest.raises(FileExistsError, match="toy-sim is there"):
        publish(run, "toy-sim", tmp_path)
    (first / "model-00009-of-00009.safetensors").write_bytes(b"left over")
    again = publish(run, "toy-sim", tmp_path, replace=True)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["toy-sim"]


@pytest.mark.parametrize("name", ["../toy", "Toy", "toy_sim", "", ".toy", "toy-"])
def test_a_name_is_a_plain_one(run, tmp_path, name):
    with pytest.raises(ValueError, match="named in lower case"):
        publish(run, name, tmp_path)


def test_scores_are_of_these_weights(run, tmp_path):
    mine = runs.evaluation(tmp_path / "a", "/elsewhere/toy-sim")
    other = runs.evaluation(tmp_path / "b", "/runs/toy/checkpoints/8")
    found = publish(run, "toy-sim", tmp_path / "home", scores=[mine.parent])
    (told,) = shipped.load_metadata(found)["scores"]
    assert (told["title"], told["scored"]) == ("a", "these weights")
    assert told["scores"] == json.loads(mine.read_text())["scores"]
    with pytest.raises(ValueError, match=r"checkpoints/8: evaluate toy-b or"):
        publish(run, "toy-b", tmp_path / "home", scores=[other])
    with pytest.raises(FileNotFoundError):
        publish(run, "toy-b", tmp_path / "home", scores=[tmp_path / "c.json"])


def test_large_weights_are_cut_into_files(run, tmp_path, monkeypatch):
    small = shards.write

    def cut(folder, tensors):
        return small(folder, tensors, limit=700)

    monkeypatch.setattr(shards, "write", cut)
    found = publish(run, "toy-sim", tmp_path)
    assert len(list(found.glob("*.safetensors"))) > 2
    saved = checkpoints.load_variables(run)
    np.testing.assert_allclose(
        kernel(found), saved["params"]["trunk"]["Dense_0"]["kernel"], rtol=2**-8
    )
