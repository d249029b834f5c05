import json
import os
import sys

import jax
import numpy as np
import pytest

from bench import cold_start, models
from bench.models import Model


def test_weights_return_from_their_file(tmp_path):
    weights = models.variables(Model("ttnet", "nano", quick=True).task())
    path = tmp_path / "weights.npz"
    cold_start.save(path, weights)
    jax.tree.map(np.testing.assert_array_equal, cold_start.load(path), weights)


def test_the_answer_is_one_window_s(tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = Model("ttnet")
    path = tmp_path / "weights.npz"
    cold_start.save(path, models.variables(model.task()))
    found = cold_start.answer(model, path, (80, 120), "float32")
    assert found.ball.xy_px.shape == (1, 2)
    assert isinstance(found.ball.xy_px, np.ndarray)


def test_a_process_is_timed_until_it_has_answered():
    program = f"import time; time.sleep(.2); print({cold_start.ANSWERED!r}, flush=True)"
    taken = cold_start.seconds([sys.executable, "-c", program], dict(os.environ))
    assert 0.2 < taken < 20
    with pytest.raises(RuntimeError, match="ended with 0"):
        cold_start.seconds([sys.executable, "-c", "print()"], dict(os.environ))
    assert (cold_start.ROOT / "bench").is_dir()


@pytest.mark.slow
def test_the_second_process_finds_what_the_first_compiled(tmp_path):
    path = tmp_path / "rows.json"
    arguments = ["--quick", "--family", "ttnet", "--json", str(path)]
    cold_start.main(arguments)
    (row,) = json.loads(path.read_text())["rows"]
    assert row["name"].startswith("ttnet.cold_start.b1.float32/")
    assert row["cache_mb"] > 0
    assert 0 < row["cold_start_ms"] < row["without_cache_ms"]
    model = Model("ttnet", quick=True)
    assert callable(cold_start.row)
    assert model.label == "ttnet"
