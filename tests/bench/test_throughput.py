import json

import jax
import pytest

from bench import throughput


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    throughput.main(["--quick", "--batch", "2", "--json", str(path)])
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


def test_every_kind_of_feeding_has_its_row(measured):
    backend = jax.default_backend()
    assert set(measured) == {
        f"ttnet.{kind}.b2.float32/{backend}/quick" for kind in throughput.KINDS
    }
    for row in measured.values():
        rate = 2e3 / row["p50_ms"]
        assert row["samples_per_s"] == pytest.approx(rate, rel=1e-2)
        assert row["times_floor"] > 0
        assert row["batch"] == 2
    (live,) = (row for name, row in measured.items() if ".streams." in name)
    streams = live["samples_per_s"] / throughput.LIVE_FPS
    assert live["live_streams_120fps"] == pytest.approx(streams, rel=0.05, abs=0.01)


def test_the_sweep_ends_where_the_rate_stands_still():
    rates = {1: 10.0, 2: 19.0, 4: 19.5, 8: 18.0, 16: 99.0}
    rows = throughput.sweep(lambda b: {"samples_per_s": rates[b]}, list(rates))
    assert [row["samples_per_s"] for row in rows] == [10.0, 19.0, 19.5, 18.0]
    assert throughput.GAIN > 1
    assert throughput.BATCHES[0] == 1


def test_the_sweep_ends_where_memory_does(capsys):
    def measure(batch):
        if batch > 1:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 GB")
        return {"samples_per_s": 1.0}

    assert len(list(throughput.sweep(measure, (1, 2, 4)))) == 1
    assert "a batch of 2" in capsys.readouterr().out


def test_other_errors_of_the_device_are_not_swallowed():
    def measure(batch):
        raise jax.errors.JaxRuntimeError("INTERNAL")

    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        list(throughput.sweep(measure, (1,)))


def test_kinds_are_functions():
    of = throughput
    assert {
        "stacks": of.stacks,
        "frames": of.frames,
        "host": of.host,
        "streams": of.streams,
    } == of.KINDS
    assert of.Setting.timed is not None
