import json

import jax
import pytest

from bench import input_pipeline, stack_files
from bench.input_pipeline import Setting


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def run(path, *arguments):
    input_pipeline.main(["--quick", "--json", str(path), *arguments])
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


def check(row):
    assert {"device", "date", "versions", "command", "backend", "load"} <= set(row)
    assert row["samples_per_s"] > 0
    assert row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]


def test_records_are_measured_encoded_and_decoded(tmp_path, home):
    measured = run(tmp_path / "rows.json", "records")
    assert set(measured) == {"records.jpeg.threads2", "records.cached.threads2"}
    for row in measured.values():
        check(row)
        assert row["calls"] == 8  # an epoch of 16 windows, two in a batch
        assert {"memory_mb", "memory_growth_mb"} <= set(row)


@pytest.mark.slow
def test_what_is_fed_is_compared_with_one_batch(tmp_path, home):
    measured = run(tmp_path / "rows.json", "augment", "train_step")
    backend = jax.default_backend()
    step = "train_step.real_over_cached"
    assert set(measured) == {f"augment.nano.{backend}", step, f"{step}.decoded"}
    for name, row in measured.items():
        check(row)
        assert row["calls"] == 2
        if name.startswith(step):
            assert row["ratio"] > 0
            assert row["cached_p50_ms"] > 0


def test_unknown_parts_are_named_with_the_known(capsys):
    with pytest.raises(SystemExit):
        input_pipeline.main(["recrods"])
    assert "parts are records, augment, train_step" in capsys.readouterr().err


@pytest.fixture(scope="module")
def setting(tmp_path_factory, home):
    made = stack_files.MadeStacks()
    root = stack_files.write(tmp_path_factory.mktemp("few"), made, {"train": 4})
    return Setting(root, batch_size=2, windows=8, steps=1)


def test_an_epoch_has_as_many_windows_as_asked(setting):
    source = setting.source(decoded=False)
    assert source.state()["records"] == 8
    assert source.next_batch().frames.shape == (2, 9, 128, 320, 3)
    assert setting.task.sample.canvas_hw is not None


def test_rows_can_be_measured_alone(setting):
    row = input_pipeline.loading(setting, decoded=False)
    assert (row["name"], row["calls"]) == ("records.jpeg.threads2", 4)


def test_parts_have_their_functions():
    assert set(input_pipeline.PARTS) == {"records", "augment", "train_step"}
    assert input_pipeline.PARTS["train_step"] is input_pipeline.training
    assert callable(input_pipeline.augmenting)
