import dataclasses
import io
import json
import pathlib
from typing import Any

import jax
import pytest
import rich.console

from tests.train import toy
from tests.weights import runs
from ttjax import checkpoints, registry
from ttjax.recipe import Constant, Phase
from ttjax.train import journal, loop, provenance, report
from ttjax.weights import shipped


class Counted(toy.Source):
    def state(self) -> dict[str, Any]:
        done = self.index * self.size
        counts = {"rare": done // 4, "often": done - done // 4, "rare/early": 2}
        return {**super().state(), "drawn": counts}


@registry.register("tests.Licensed")
@dataclasses.dataclass(frozen=True)
class Licensed(toy.Data):
    """Data of others, whose source counts what it gives."""

    licences: tuple[str, ...] = ("CC BY-NC-SA 4.0",)

    def train(self, spec: Any, *, batch_size: int, seed: int) -> toy.Source:
        return Counted(self, batch_size, seed)


def recipe(out: pathlib.Path, *, steps: int = 10, **fields: Any):
    phase = Phase(steps=steps, learning_rate=1e-2, schedule=Constant())
    return toy.recipe(out, phases=(phase,), **fields)


def run(*args: Any, **fields: Any) -> None:
    console = rich.console.Console(file=io.StringIO())
    loop.run(recipe(*args, **fields), display=report.Display(console))


def written(out: pathlib.Path) -> list[str]:
    return checkpoints.load_metadata(out, "latest")["licences"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A run that saw licensed data."""
    out = tmp_path_factory.mktemp("seen")
    run(out, data=Licensed())
    return out


def test_licences_are_in_the_log_and_in_every_checkpoint(seen: pathlib.Path):
    assert written(seen) == ["CC BY-NC-SA 4.0"]
    begin, *_ = journal.read(seen)
    assert begin["licences"] == ["CC BY-NC-SA 4.0"]


def test_they_go_on_to_whatever_begins_from_the_weights(
    seen: pathlib.Path, tmp_path: pathlib.Path
):
    run(tmp_path, data=Licensed(licences=("CC0",)), init=seen)
    assert written(tmp_path) == ["CC BY-NC-SA 4.0", "CC0"]
    saved = checkpoints.load_metadata(tmp_path, "latest")
    later = recipe(tmp_path, steps=20, data=Licensed(licences=("CC0",)))
    assert provenance.licences(later, saved) == ["CC BY-NC-SA 4.0", "CC0"]


def test_the_origin_is_json_and_complete(tmp_path: pathlib.Path):
    told = provenance.origin(recipe(tmp_path), {"licences": ["CC0"], "recipe": {}})
    assert json.loads(json.dumps(told)) == told
    assert registry.decode(told["recipe"]) == recipe(tmp_path)
    assert told["licences"] == ["CC0"]
    assert set(told) == {"recipe", "versions", "licences", "sources"}


def test_data_that_state_none_leave_none(tmp_path: pathlib.Path):
    assert provenance.licences(recipe(tmp_path), None) == []
    assert provenance.licences(recipe(tmp_path, init=tmp_path / "w.npz"), None) == []


def test_all_data_that_weights_saw_are_kept(seen: pathlib.Path, tmp_path: pathlib.Path):
    saved = checkpoints.load_metadata(seen)
    assert saved["sources"] == ["tests.Licensed"]
    begun = recipe(tmp_path, init=seen)
    assert provenance.sources(begun, None) == ["tests.Licensed", "toy.Data"]
    # A run that is resumed does not forget what it began from.
    first = provenance.origin(begun, None)
    assert first["sources"] == provenance.sources(recipe(tmp_path), first)


def test_a_file_of_weights_does_not_tell_what_it_saw(tmp_path: pathlib.Path):
    path = tmp_path / "w.npz"
    path.write_bytes(b"")
    told = provenance.sources(recipe(tmp_path, init=path), None)
    assert told == ["weights of w.npz", "toy.Data"]


def test_shipped_weights_tell_theirs(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shipped, "HOME", runs.ship(tmp_path).parent)
    run(tmp_path / "run", init=pathlib.Path("toy-sim"))
    saved = checkpoints.load_metadata(tmp_path / "run")
    assert saved["sources"] == ["Simulation", "toy.Data"]
    assert saved["licences"] == []


def test_shares_are_logged_every_epoch(seen: pathlib.Path):
    epochs = [line for line in journal.read(seen) if line["kind"] == "epoch"]
    assert epochs[-1]["drawn"] == {"rare": 0.25, "often": 0.75, "rare/early": 1.0}


def test_shares_are_among_the_classes_of_one_parent():
    counts = {"real": 30, "real/a": 20, "real/b": 10, "sim": 10, "sim/x": 0}
    assert provenance.shares({"drawn": counts}) == {
        "real": 0.75,
        "real/a": 0.6667,
        "real/b": 0.3333,
        "sim": 0.25,
        "sim/x": 0.0,
    }
    assert provenance.shares({"position": 3}) == {}


def test_versions_are_those_of_what_is_imported():
    assert provenance.versions()["jax"] == jax.__version__
