import types

import numpy as np
import pytest

from bench import precision
from tests import brightest
from ttjax import predictor
from ttjax.predictor import Predictor
from ttjax.ttnet import config, task
from ttjax.ttnet.arrays import Ball, Predictions


def answers(x, probability, events, masks):
    n = len(x)
    ball = Ball(
        xy_px=np.stack([x, np.zeros(n)], -1).astype(np.float32),
        probability=np.asarray(probability, np.float32),
        present=np.asarray(probability) >= 0.5,
    )
    return Predictions(
        ball_global=ball, events=np.asarray(events, np.float32), masks=masks
    )


def test_figures_are_those_of_a_hand_count():
    masks = np.zeros((4, 2, 2, 1), np.float32)
    masks[:, 0] = 1
    fewer = masks.copy()
    fewer[0, 0, 0] = 0
    exact = answers([1, 2, 3, 4], [0.9, 0.9, 0.2, 0.48], [[0.1]] * 4, masks)
    found = answers(
        [1.5, 2, 9, 9], [0.9, 0.4, 0.2, 0.52], [[0.1], [0.1], [0.1], [0.7]], fewer
    )
    figures = precision.difference(exact, found)
    assert figures["windows"] == 4
    # The first alone is seen by both; the third by neither, the others by one.
    assert figures["balls"] == 1
    assert figures["ball_px_max"] == 0.5
    # The last was unsure and may change.
    assert figures["presence_changed"] == 1
    assert figures["events_max"] == pytest.approx(0.6)
    assert figures["decisions_changed"] == 1
    assert figures["masks_iou_min"] == 7 / 8
    assert precision.overlaps(masks, masks) == [1.0]
    assert precision.overlaps(0 * masks, 0 * masks) == [1.0]


def test_bounds_are_kept_or_not():
    good = {"ball_px_max": 0.2, "masks_iou_min": 0.995, "windows": 7}
    assert precision.passes(good)
    assert not precision.passes(good | {"ball_px_max": 0.26})
    assert not precision.passes(good | {"masks_iou_min": 0.98})


@pytest.mark.slow
def test_a_row_is_of_the_same_frames(monkeypatch, tmp_path, capsys):
    """A nano of random weights on four simulated frames."""
    sizes = {"frame_hw": (64, 64), "crop_hw": (64, 64), "canvas_margin": (0, 0)}
    tiny = task.Task(config.nano(window=config.Window(3), **sizes))  # pyright: ignore[reportArgumentType]
    variables = brightest.drawn(tiny.config.abstract_variables())
    frames = np.random.default_rng(0).integers(0, 256, (4, 80, 96, 3), np.uint8)

    def rallies(self, split):
        for _ in range(self.test_recordings):
            yield types.SimpleNamespace(frames=lambda: iter(frames))

    monkeypatch.setattr(
        predictor, "load", lambda _, dtype: Predictor(tiny, variables, dtype=dtype)
    )
    monkeypatch.setattr("ttjax.sim.data.Simulation.recordings", rallies)
    row = precision.row(tmp_path, "bfloat16", rallies=2)
    assert row["windows"] == 4
    assert 0 < row["events_max"] < 0.1
    assert 0.5 < row["masks_iou_min"] <= 1
    path = tmp_path / "rows.json"
    argv = [str(tmp_path), "--rallies", "1", "--dtype", "float16", "--json", str(path)]
    precision.main(argv)
    assert "ttnet.precision.float16" in path.read_text()
    assert "events_p99" in capsys.readouterr().out
