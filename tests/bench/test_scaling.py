import json
import os
import pathlib
import subprocess
import sys

import jax
import pytest

from bench import scaling


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    parts = ["batch", "size", "length", "devices"]
    scaling.main(["--quick", *parts, "--json", str(path)])
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


def test_each_part_has_its_rows(measured):
    end = f".float32/{jax.default_backend()}/quick"
    count = jax.device_count()
    shared = {f"devices{n}.b1" for n in range(1, count + 1) if count % n == 0}
    cases = {"batch1", "batch2", "size128x256", "length16"}
    names = {name.removeprefix("ttnet.scaling.") for name in measured}
    assert names == {f"{case}{end}" for case in cases | shared}
    for row in measured.values():
        rate = 1e3 * row["units"] / row["p50_ms"]
        assert row["per_s"] == pytest.approx(rate, rel=1e-2, abs=0.01)


def test_cost_is_per_unit_and_the_first_row_s_is_one():
    found = scaling.compared(
        iter([{"p50_ms": 6.0, "units": 2}, {"p50_ms": 6.0, "units": 8}])
    )
    assert [row["cost"] for row in found] == [1.0, 0.25]


def test_unknown_parts_are_named_with_the_known(capsys):
    with pytest.raises(SystemExit):
        scaling.main(["batsh"])
    assert "parts are batch, size, players, length" in capsys.readouterr().err
    of = scaling
    assert list(of.PARTS.values()) == [
        of.batch,
        of.size,
        of.players,
        of.length,
        of.spread,
    ]
    assert of.Setting is not None


@pytest.mark.slow
def test_more_players_cost_about_the_same(tmp_path):
    path = tmp_path / "rows.json"
    scaling.main(["--quick", "players", "--json", str(path)])
    (one, three) = json.loads(path.read_text())["rows"]
    assert (one["units"], three["units"]) == (1, 3)
    assert one["name"].startswith("deepsportlab.scaling.players1.float32/")
    assert three["cost"] < 1


@pytest.mark.slow
def test_a_batch_is_spread_over_the_devices_of_a_host(tmp_path):
    path = tmp_path / "rows.json"
    root = pathlib.Path(scaling.__file__).parents[1]
    flags = "--xla_backend_optimization_level=0"
    flags += " --xla_force_host_platform_device_count=2"
    subprocess.run(
        [sys.executable, "-m", "bench.scaling", "devices", "--quick", "--json", path],
        cwd=root,
        env=os.environ | {"XLA_FLAGS": flags},
        check=True,
    )
    found = json.loads(path.read_text())["rows"]
    assert [row["units"] for row in found] == [1, 2]
    assert [row["devices"] for row in found] == [2, 2]
