import importlib.util
import json

import jax
import numpy as np
import pytest

from bench import video
from ttjax.media.reader import Reader


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    video.main(["--quick", "--frames", "45", "--json", str(path)])
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


def named(stage):
    return f"ttnet.nano.video.{stage}.float32/{jax.default_backend()}/quick"


def test_every_stage_has_its_rate_and_memory(measured):
    stages = ("decode", "network", "jsonl", "overlay")
    assert set(measured) == {named(stage) for stage in stages}
    for row in measured.values():
        assert row["frames"] == 45
        assert row["frames_per_s"] > 0
        assert row["memory_mb"] > 0
        assert "memory_growth_mb" in row


def test_the_ideal_is_decoding_and_network_one_after_the_other(measured):
    spent_s = sum(1 / measured[named(n)]["frames_per_s"] for n in ("decode", "network"))
    row = measured[named("jsonl")]
    assert row["of_ideal"] == pytest.approx(row["frames_per_s"] * spent_s, rel=1e-2)
    assert callable(video.measured)


def test_the_made_video_shows_a_ball_that_moves(tmp_path):
    path = tmp_path / "made.mp4"
    video.write(path, 4, (144, 256))
    frames = list(Reader(path).frames())
    assert [frame.shape for frame in frames] == [(144, 256, 3)] * 4
    assert Reader(path).fps == video.FPS
    for number, frame in enumerate(frames):
        y, x = np.unravel_index(frame.sum(-1).argmax(), frame.shape[:2])
        assert abs(x - 17 * number) < 4
        assert frame[y, x].min() > 150


def test_memory_is_looked_at_on_the_way():
    watch = video.Watch()
    frames = [np.zeros((2, 2, 3), np.uint8)] * (4 * video.EVERY)
    assert list(watch(frames)) == frames
    assert len(watch.looks_mb) == 4
    watch.looks_mb[:] = [9.0, 1.0, 2.0, 4.0]
    assert watch.row() == {
        "frames": 4 * video.EVERY,
        "memory_mb": 1.0,
        "memory_growth_mb": 3.0,
    }


def test_without_pyav_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        video.main(["--quick"])
    assert "pip install av" in capsys.readouterr().err
