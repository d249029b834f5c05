import json

import numpy as np

from bench import peaks
from ttjax import timing


def test_rates_are_amounts_over_medians(monkeypatch):
    took = timing.Timing(0.0, np.array([1.0, 2.0, 9.0]))
    monkeypatch.setattr(timing, "measure", lambda *args, **options: took)
    monkeypatch.setattr(timing, "repeat", lambda call, **options: took)
    # 2 n^3 operations, and n bytes read and written, in 2 ms.
    assert np.isclose(peaks.matmul_gflops(100, "float32"), 2e6 / 2e-3 / 1e9)
    assert np.isclose(peaks.copy_gb_per_s(1), 2 * 2**20 / 2e-3 / 1e9)


def test_the_gap_is_what_a_kernel_adds():
    assert peaks.launch_gap_us(quick=True) > 0
    assert peaks.CHAIN[0] < peaks.CHAIN[1]


def test_the_program_writes_one_row(tmp_path):
    path = tmp_path / "rows.json"
    peaks.main(["--quick", "--json", str(path)])
    (row,) = json.loads(path.read_text())["rows"]
    assert row["name"].startswith("peaks/")
    assert set(row["matmul_gflops"]) == set(peaks.DTYPES)
    assert row["copy_gb_per_s"] > 0
    made = peaks.measure(quick=True)
    assert isinstance(made, peaks.Peaks)
    assert set(made.row()) <= set(row)
