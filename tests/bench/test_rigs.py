import json
import types

import numpy as np
import pytest

from bench import rigs
from ttjax import evaluation, predictor, weights
from ttjax.evaluation.result import Scored


def _predictions(x, y):
    ball = types.SimpleNamespace(xy_px=np.array([[x, y]]))
    return types.SimpleNamespace(ball_global=ball)


def test_crops_that_leave_the_picture_are_counted():
    clamped = rigs.Clamped((128, 320))
    frame = np.zeros((720, 1280, 3), np.uint8)
    places = [(160, 64), (159, 64), (160, 63), (1121, 300), (1120, 656), (600, 657)]
    for x, y in places:
        clamped(None, frame, _predictions(x, y))
    clamped(None, frame, None)
    assert (clamped.frames, clamped.clamped) == (6, 4)
    assert clamped.share == pytest.approx(4 / 6)


def test_every_rig_is_a_condition_and_can_be_opened():
    from ttjax.sim import camera

    assert set(camera.RIGS) <= set(rigs.CONDITIONS)
    assert {each.rig for each in rigs.CONDITIONS.values()} == set(camera.RIGS)
    for condition in rigs.CONDITIONS.values():
        data = condition.data()
        assert data.rigs == (condition.rig,)
        assert data.variety == rigs.VARIETY
        assert data.test_recordings == condition.recordings


def _row(name, scores):
    return {
        "name": f"simulated.{name}/cpu",
        "recordings": 2,
        "frames": 30,
        "clamped": 0.125,
        "scores": scores,
    }


def test_a_cell_holds_score_interval_and_constant():
    entry = {"value": 0.951, "low": 0.9, "high": 0.97, "baseline": 0.02, "n": 10}
    assert rigs.text(entry) == "0.951 0.900 to 0.970 [0.020]"
    assert rigs.text({"value": 2.5, "n": 1}) == "2.50"
    rows = [_row("side", {"ball_local/pck@5": entry}), _row("phone", {})]
    table = rigs.markdown(rows).splitlines()
    assert table[0] == "| metric | side | phone |"
    assert table[2] == "| ball_local/pck@5 | 0.951 0.900 to 0.970 [0.020] |  |"
    assert table[3] == "| crops clamped | 0.125 | 0.125 |"
    assert set(rigs.SHOWN) >= {"ball_local/pck@5"}


def test_the_program_scores_each_condition(tmp_path, monkeypatch, capsys):
    config = types.SimpleNamespace(crop_hw=(128, 192))
    model = types.SimpleNamespace(task=types.SimpleNamespace(config=config))
    asked = []

    def evaluate(found, recordings, *, observe):
        assert found is model
        asked.append(list(recordings))
        observe(None, np.zeros((720, 1280, 3)), _predictions(0, 0))
        scored = Scored("a", 9, 1, 25.0, (720, 1280))
        return evaluation.Evaluation(
            scores={"ball_local/pck@5": {"value": 0.5, "n": 1.0}},
            rivals={},
            sampling="",
            recordings=(scored,) * len(asked[-1]),
            seconds=1.0,
        )

    class Data:
        def __init__(self, count):
            self.count = count

        def recordings(self, split):
            assert split == "test"
            return range(self.count)

    monkeypatch.setattr(predictor, "load", lambda name, dtype: model)
    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    monkeypatch.setattr(
        rigs.Condition, "data", lambda condition: Data(condition.recordings)
    )
    monkeypatch.setattr(weights, "find", lambda name: f"weights/{name}")
    row, found = rigs.score(model, "side", rigs.Condition("side", 2))
    assert found.scores == row["scores"]
    assert row["name"].startswith("simulated.side/")
    assert (row["recordings"], row["frames"]) == (2, 18)
    assert row["scores"]["ball_local/pck@5"]["value"] == 0.5
    asked.clear()
    results, table = tmp_path / "rows.json", tmp_path / "table.md"
    asked_for = ["net", "--conditions", "side", "phone", "--recordings", "3"]
    out = ["--out", str(tmp_path / "out")]
    rigs.main([*asked_for, *out, "--json", str(results), "--markdown", str(table)])
    written = json.loads((tmp_path / "out/phone/evaluation.json").read_text())
    assert written["checkpoint"] == "weights/net"
    assert written["scores"] == {"ball_local/pck@5": {"value": 0.5, "n": 1.0}}
    assert [len(each) for each in asked] == [3, 3]
    told = json.loads(results.read_text())["rows"]
    assert [row["name"].split("/")[0] for row in told] == [
        "simulated.phone",
        "simulated.side",
    ]
    assert all(row["clamped"] == 1.0 and row["frames"] == 27 for row in told)
    assert table.read_text() in capsys.readouterr().out
