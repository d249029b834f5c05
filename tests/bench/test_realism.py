import json

import cv2
import numpy as np
import pytest

from bench import realism


def _write(folder, shift, speed):
    """A ball that flies to the right and bounces in frame 10; 'absent' in the last."""
    folder.mkdir(parents=True)
    frames = range(6, 23)
    balls = {str(f): {"x": shift + speed * f, "y": 500 - 3 * f} for f in frames}
    balls["22"] = {"x": -1, "y": -1}
    (folder / "ball_markup.json").write_text(json.dumps(balls))
    events = {"10": "bounce", "40": "net", "300": "bounce", "58": "left_forehand"}
    (folder / "events_extended.json").write_text(json.dumps(events))


def test_the_distance_is_that_of_cumulative_distributions():
    random = np.random.default_rng(0)
    one, other = random.normal(0, 1, 400), random.normal(2, 1, 300)
    # Oracle: both quantile functions on one fine grid.
    grid = (np.arange(12_000) + 0.5) / 12_000
    quantiles = [
        np.sort(sample)[(grid * len(sample)).astype(int)] for sample in (one, other)
    ]
    expected = np.abs(quantiles[0] - quantiles[1]).mean()
    assert realism.wasserstein(one, other) == pytest.approx(expected, rel=1e-6)
    assert realism.wasserstein(one, one + 3.0) == pytest.approx(3.0)
    assert realism.wasserstein(np.array([0.0, 1.0]), np.array([1.0])) == 0.5


def test_quantities_of_a_label_file(tmp_path):
    _write(tmp_path / "a", 100, 12)
    found = realism.labelled(tmp_path / "a")
    assert set(found) == set(realism.QUANTITIES)
    assert np.allclose(found["speed"], np.hypot(12, 3))
    assert len(found["speed"]) == 15
    assert np.allclose(found["elevation"], np.degrees(np.arctan2(3, 12)))
    assert found["rightward"].tolist() == [1.0] * 15
    assert found["bounce_x"].tolist() == [220.5]
    assert found["bounce_y"].tolist() == [470.5]
    # 10 -> 40 is one exchange, 40 -> 300 is not.
    assert found["gap"].tolist() == [30 / 120]
    assert found["absent"].mean() == pytest.approx(1 / 17)
    with pytest.raises(FileNotFoundError, match="pass the directory above"):
        realism.labelled(tmp_path)


def test_frames_are_labelled_as_in_openttgames():
    frames = realism.labelled_frames(np.array([100]), np.array([104, 200]))
    assert frames.tolist() == [*range(96, 113), 204]


def test_ratios_compare_with_what_clips_differ_by(tmp_path):
    for name, shift in (("a", 100), ("b", 110)):
        _write(tmp_path / name, shift, 12)
    clips = {name: realism.labelled(tmp_path / name) for name in ("a", "b")}
    clips["b"]["speed"] = clips["b"]["speed"] + 1.0
    for quantity in realism.QUANTITIES:
        clips["b"][quantity] = clips["b"][quantity] + 1e-3
    ours = realism.pooled([clips["a"]])
    ours["ball_x"] = clips["a"]["ball_x"] + 30.0
    found = realism.compare(clips, ours)
    # To both clips together the distance is 25 on average, between them it is 10.
    assert found["ball_x"]["ratio"] == pytest.approx(2.5, rel=1e-3)
    assert found["speed"]["between_clips"] == pytest.approx(1.001)
    drawn = realism.picture(clips, ours, found)
    across, down = realism.SIZE_HW[1] * realism.COLUMNS, realism.SIZE_HW[0] * 3
    assert drawn.shape == (down, across, 3)
    points = realism.densities(np.array([0.0, 0.2, 1.0]), np.array([0.0, 0.5, 1.0]))
    assert points == [(0.25, pytest.approx(2 / 3)), (0.75, pytest.approx(1 / 3))]


def test_the_program_tells_and_draws(tmp_path, capsys, monkeypatch):
    for name, shift in (("a", 100), ("b", 400)):
        _write(tmp_path / name, shift, 12 + shift // 100)
    given = [realism.labelled(tmp_path / name) for name in ("a", "b")]
    monkeypatch.setattr(realism, "simulated", lambda *of: given)
    out, results = tmp_path / "plot.png", tmp_path / "rows.json"
    asked = [str(tmp_path), "--clips", "a", "b", "--plot", str(out)]
    for quantity in realism.QUANTITIES:
        given[0][quantity] = given[0][quantity] - 1e-9
    monkeypatch.setattr(realism, "labelled", lambda folder: given[folder.name == "b"])
    assert realism.main([*asked, "--json", str(results)]) == 0
    assert cv2.imread(str(out)) is not None
    told = json.loads(results.read_text())["rows"]
    assert len(told) == len(realism.QUANTITIES)
    assert all(row["ratio"] <= realism.LIMIT for row in told)
    assert "ball_x" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        realism.main([str(tmp_path), "--clips", "a"])


@pytest.mark.slow
def test_the_side_rig_is_as_near_to_real_clips_as_they_to_one_another(real_data):
    clips = {
        name: realism.labelled(real_data / "openttgames" / "annotations" / name)
        for name in realism.CLIPS
    }
    ours = realism.pooled(realism.simulated(24, 12.0, 1.0))
    found = realism.compare(clips, ours)
    ratios = {name: each["ratio"] for name, each in found.items()}
    assert max(ratios.values()) <= realism.LIMIT, ratios


def test_a_bounce_without_a_seen_ball_has_no_place():
    frames, xy_px = np.array([3, 4, 6]), np.array([[1.0, 2.0], [4.0, 6.0], [9.0, 9.0]])
    seen, events = np.array([True, True, False]), {"bounce": np.array([4, 6])}
    found = realism.measure(frames, xy_px, seen, events)
    assert found["speed"].tolist() == [5.0]
    assert found["bounce_x"].tolist() == [4.0]
    assert found["gap"].tolist() == [2 / realism.FPS]
