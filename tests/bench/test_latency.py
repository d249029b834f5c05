import json

import jax
import numpy as np
import pytest

from bench import latency
from ttjax.ttnet import config


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    latency.main(["nano", "--quick", "--json", str(path)])
    (row,) = json.loads(path.read_text())["rows"]
    return row


def test_a_row_says_what_ran_where(measured):
    backend = jax.default_backend()
    assert measured["name"] == f"latency/nano/batch1/256x640/{backend}"
    assert {"device", "date", "versions", "command"} <= measured.keys()
    assert measured["versions"]["jax"] == jax.__version__


def test_quantiles_are_ordered_and_the_rate_follows_the_median(measured):
    assert 0 < measured["p50_ms"] <= measured["p90_ms"] <= measured["p99_ms"]
    assert measured["calls"] == 3
    rate = 1e3 / measured["p50_ms"]
    assert measured["samples_per_s"] == pytest.approx(rate, rel=1e-2)


def test_inputs_have_the_shapes_of_the_config():
    nano = config.nano()
    made = latency.inputs_of(nano, batch_size=2, source_hw=(256, 640))
    assert made.frames.shape == nano.abstract_inputs(2).frames.shape
    assert made.frames.dtype == np.uint8
    assert isinstance(made.canvas, tuple)
    assert [frame.shape for frame in made.canvas] == [(2, 256, 640, 3)] * 9
    whole = config.nano(heads=("ball_global",))
    assert latency.inputs_of(whole, batch_size=1, source_hw=(8, 8)).canvas is None


def test_an_unknown_preset_is_named_with_the_known(capsys):
    with pytest.raises(SystemExit):
        latency.main(["nanno"])
    message = capsys.readouterr().err
    assert "nanno" in message
    assert all(name in message for name in config.PRESETS)


def test_row_is_for_known_presets():
    with pytest.raises(KeyError):
        latency.row("nanno", batch_size=1, source_hw=(8, 8), calls=1, seconds=1.0)
