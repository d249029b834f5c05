import json
import pathlib
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import pytest

from bench import baselines, beside, latency, models, peaks, programs, stages
from bench.models import Model

ROOT = pathlib.Path(latency.__file__).resolve().parents[1]


def run(path, *arguments):
    latency.main(["--quick", "--json", str(path), *arguments])
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


def names(*labels):
    return {f"{label}/{jax.default_backend()}/quick" for label in labels}


def test_what_is_asked_of_deepsportlab_is_a_row_each(tmp_path):
    asked = ("--family", "deepsportlab", "--asked", "ball", "--batch", "2")
    measured = run(tmp_path / "rows.json", *asked, "--size", "130x230")
    (label,) = names("deepsportlab.ball.b2.float32/130x230")
    assert set(measured) == {label, *names("peaks")}
    assert measured[label]["source_hw"] == [130, 230]
    assert "ratio" not in measured[label]


@pytest.mark.slow
def test_pytorch_answers_as_we_do(tmp_path):
    pytest.importorskip("torch")
    name = "torch_float32_channels_last"
    assert name in baselines.available()
    asked = ("--family", "ttnet", "--baselines", name)
    measured = run(tmp_path / "rows.json", *asked)
    (label,) = names("ttnet.stack.b1.float32")
    assert measured[label]["baseline_difference"][name] < 1e-3
    assert set(measured[label]["ratio"]) == {name}


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    arguments = ("--family", "ttnet", "--mode", "stack", "stream")
    with pytest.MonkeyPatch.context() as patch:
        made = {"other": lambda: time.sleep(0.002)}, {"other": 0.5}
        patch.setattr(beside, "calls", lambda names, *of: made)
        patch.setattr(baselines, "available", lambda: ("other",))
        return run(path, *arguments, "--baselines")


def test_every_program_of_ttnet_has_a_row(measured):
    assert set(measured) == names(
        "peaks",
        "ttnet.stack.b1.float32",
        "ttnet.stream.b1.float32.rgb",
        "ttnet.stream.b1.float32.nv12",
    )


def test_a_row_says_what_ran_where_and_how_near_the_limit_it_is(measured):
    for name, row in measured.items():
        assert {"device", "date", "versions", "command", "flags"} <= row.keys()
        assert row["versions"]["jax"] == jax.__version__
        if name.startswith("peaks"):
            continue
        assert 0 < row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]
        rate = row["batch"] * 1e3 / row["p50_ms"]
        assert row["samples_per_s"] == pytest.approx(rate, rel=1e-2)
        assert row["calls"] >= 2
        assert row["compile_ms"] > 0
        assert row["floor_ms"] == max(row["floors_ms"].values())
        times = row["p50_ms"] / row["floor_ms"]
        assert row["times_floor"] == pytest.approx(times, rel=0.1, abs=0.01)
        assert row["memory_mb"] > 0
        assert row["p50_with_transfer_ms"] > 0


def test_ratios_to_others_come_with_their_times(measured):
    (label,) = names("ttnet.stack.b1.float32")
    row = measured[label]
    theirs = row["baseline_ms"]["other"]
    assert theirs > 2
    assert row["ratio"] == {"other": pytest.approx(row["p50_ms"] / theirs, rel=1e-2)}
    assert row["baseline_difference"] == {"other": 0.5}
    assert baselines.VARIANTS


def test_parts_have_rows_of_their_own(tmp_path, monkeypatch):
    program = programs.build(jnp.matmul, jnp.eye(8), jnp.eye(8))
    stage = stages.Stage("decode", program, (jnp.eye(8), jnp.eye(8)), None)
    monkeypatch.setattr(stages, "of", lambda network, example, source_hw: [stage])
    arguments = ("--family", "ttnet", "--mode", "none", "--stages")
    measured = run(tmp_path / "rows.json", *arguments)
    (label,) = names("ttnet.stages.decode.b1.float32")
    assert set(measured) == {label, *names("peaks")}
    assert measured[label]["kernels"] == 1


def test_it_runs_as_a_file_and_names_what_is_wrong(tmp_path):
    command = [sys.executable, str(ROOT / "bench" / "latency.py"), "--preset", "nanno"]
    done = subprocess.run(
        [*command, "--family", "ttnet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "presets of ttnet are" in done.stderr
    assert "nanno" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--preset", "nano"], "name it"),
        (["--family", "ttnet", "--baselines", "torch_float8"], "torch_float8"),
        (["--size", "1080p"], "1080p"),
    ],
)
def test_arguments_that_fit_nothing_are_named(capsys, arguments, told):
    with pytest.raises(SystemExit):
        latency.arguments(arguments)
    assert told in capsys.readouterr().err


def test_rows_of_the_paper_s_networks_have_no_preset_in_their_names():
    limits = peaks.Peaks({"float32": 1.0, "bfloat16": 1.0}, 1.0, 1.0)
    setting = latency.Setting(peaks=limits)
    backend = jax.default_backend()
    for preset, label in (("", "ttnet"), ("nano", "ttnet.nano")):
        model = Model("ttnet", preset)
        name = setting.about(model, "stack", 4, "bfloat16")["name"]
        assert name == f"{label}.stack.b4.bfloat16/{backend}"
    assert latency.size_hw("1080x1920") == models.FULL_HD
    assert latency.default_dtype() in peaks.DTYPES
    assert callable(latency.stack)
    assert callable(latency.stream)
    assert callable(latency.stages)
    assert callable(latency.measured)
    assert set(latency.PIXELS) == {"rgb", "nv12"}
