import cv2
import pytest

from bench import plot, rows

FOUND = [
    {
        "name": f"ttnet.stack.b{batch}.float32/cpu",
        "device": "cpu",
        "p50_ms": 10.0 * batch,
        "baseline_ms": {"torch_float32_compiled": 9.0 * batch},
    }
    for batch in (4, 1, 2)
] + [
    {"name": "ttnet.stack.b1.float32/64x64/cpu", "device": "cpu", "p50_ms": 1.0},
    {"name": "ttnet.nano.stack.b1.float32/cpu", "device": "cpu", "p50_ms": 1.0},
    {"name": "deepsportlab.all.b1.bfloat16/gpu", "device": "gpu", "p50_ms": 3.0},
]


def test_curves_are_of_the_paper_s_network_by_batch():
    assert plot.series(FOUND, "ttnet") == {
        "PyTorch float32 compiled": [(1.0, 9.0), (2.0, 18.0), (4.0, 36.0)],
        "ours float32": [(1.0, 10.0), (2.0, 20.0), (4.0, 40.0)],
    }
    assert plot.series(FOUND, "deepsportlab") == {"ours bfloat16": [(1.0, 3.0)]}
    with pytest.raises(ValueError, match="measure some"):
        plot.series(FOUND[3:5], "ttnet")
    assert set(plot.MODE) == {"ttnet", "deepsportlab"}


def test_the_picture_is_written(tmp_path, capsys):
    results, out = tmp_path / "rows.json", tmp_path / "plots" / "latency.png"
    rows.merge(results, FOUND)
    plot.main([str(results), str(out)])
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape[:2] == plot.SIZE_HW
    assert picture.std() > 5
    assert str(out) in capsys.readouterr().out
    assert plot.OUT.parent.name == "bench"
