import json

import jax
import numpy as np
import pytest

from bench import simulator


@pytest.fixture(scope="module")
def row():
    return simulator.rallies(2, 0.0, calls=2, seconds=9.0, quick=True)


def test_rallies_have_a_row(row):
    assert row["name"] == f"simulator.rally.b2/{jax.default_backend()}/quick"
    assert row["compile_ms"] > 0
    assert row["samples_per_s"] == pytest.approx(2e3 / row["p50_ms"], rel=1e-2)
    assert row["rally_seconds_per_s"] == pytest.approx(row["samples_per_s"], rel=1e-2)
    assert simulator.RALLY_S == 10
    assert set(simulator.WHAT) == {"stack", "rally"}


def test_halls_vary_in_everything_or_in_nothing():
    plain, varied = simulator.hall(0.0, 4), simulator.hall(1.0, 2)
    assert plain.rigs == ("side",)
    assert plain.stacks_per_hall == 4
    assert len(varied.rigs) == 6
    assert len(varied.sizes) == 3
    assert varied.fps == (25.0, 240.0)


def test_batches_are_timed_as_training_draws_them(monkeypatch):
    prepared = []

    class Render:
        def __call__(self, keys):
            return np.zeros((2 * len(keys), 1))

        def compile(self, keys):
            prepared.append(len(keys))

    monkeypatch.setattr(simulator.data, "renderer", lambda spec, hall: Render())
    asked = {"threads": 1, "calls": 2, "seconds": 9.0, "quick": True}
    row = simulator.stack(4, 1.0, 2, **asked)
    assert row["name"] == f"simulator.stack.b4.varied/{jax.default_backend()}/quick"
    assert prepared == [2, 2]
    assert row["stacks_per_hall"] == 2
    assert row["samples_per_s"] == pytest.approx(4e3 / row["p50_ms"], rel=0.1)


@pytest.mark.slow
def test_samples_have_a_row(tmp_path):
    path = tmp_path / "rows.json"
    arguments = ["--quick", "--stacks", "2", "--variety", "0", "--threads", "1"]
    simulator.main(["--what", "stack", *arguments, "--json", str(path)])
    (row,) = json.loads(path.read_text())["rows"]
    assert row["name"] == f"simulator.stack.b2/{jax.default_backend()}/quick"
    assert row["samples_per_s"] == pytest.approx(2e3 / row["p50_ms"], rel=1e-2)
    assert row["stacks_per_hall"] == 2
    with pytest.raises(SystemExit):
        simulator.main(["--quick", "--what", "stack", "--batch", "3"])
