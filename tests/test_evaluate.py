import json
import subprocess
import sys

import numpy as np
import pytest

from tests import brightest
from ttjax import checkpoints, evaluate, mains, registry
from ttjax.evaluate import default_out, main, recordings_of, rivals_of, run
from ttjax.formats import openttgames, tracknet
from ttjax.media.writer import VideoWriter
from ttjax.pipeline.clips import TrackNetClips
from ttjax.predictor import Predictor
from ttjax.samples import VISIBLE, Window
from ttjax.sim.data import Simulation
from ttjax.ttnet import config as ttnet_config
from ttjax.ttnet import task as ttnet_task

HW = (72, 96)
FRAMES = 12


def film(path, seed=0):
    """A white ball over grey; its centre in each frame."""
    rng = np.random.default_rng(seed)
    xy = rng.integers(10, 60, (FRAMES, 2)).astype(np.float32) + 0.5
    with VideoWriter(path, fps=25, size_hw=HW) as video:
        for x, y in xy.astype(int):
            frame = np.full((*HW, 3), 60, np.uint8)
            frame[y - 2 : y + 3, x - 2 : x + 3] = 255
            video.write(frame)
    return xy


@pytest.fixture(scope="module")
def shuttle(tmp_path_factory):
    root = tmp_path_factory.mktemp("shuttle")
    for number, hall in enumerate(("bangkok", "jakarta")):
        (root / hall).mkdir()
        xy = film(root / hall / "a.mp4", number)
        track = tracknet.Track(xy, np.ones(FRAMES, np.bool_))
        tracknet.write(root / hall / "a.csv", track, size_hw=HW)
    return root


@pytest.fixture(scope="module")
def opentt(tmp_path_factory):
    root = tmp_path_factory.mktemp("opentt")
    for number, name in enumerate(("test_1", "test_2", "test_3")):
        clip = openttgames.clip_files(root, name)
        xy = film(clip.video, number)
        state = np.full(FRAMES, VISIBLE, np.int8)
        balls = openttgames.Balls(np.arange(FRAMES), xy, state)
        openttgames.write_balls(clip.balls, balls)
        openttgames.write_events(clip.events, {"bounce": np.array([6])})
        mask = np.zeros((64, 64, 3), np.uint8)
        mask[40:60, 10:50, 0] = 1
        openttgames.write_mask(clip.masks / "7.png", mask)
    return root


@pytest.fixture(scope="module")
def nano(tmp_path_factory, shuttle):
    """A run of a nano of three frames, with weights that nobody trained."""
    config = ttnet_config.nano(
        window=Window(3), frame_hw=(64, 64), crop_hw=(64, 64), canvas_margin=(0, 0)
    )
    variables = brightest.drawn(config.abstract_variables())
    data = TrackNetClips(shuttle, test_groups=("jakarta",), validation_share=0.0)
    task, saved = ttnet_task.Task(config), registry.encode(data)
    return brightest.save(tmp_path_factory.mktemp("run"), task, variables, saved)


def test_a_checkpoint_is_scored_on_its_recipes_test_recordings(nano, capsys):
    """With both baselines, on the hall that it was not trained on."""
    result = run(nano, baselines=True, overlays=1)
    assert [one.name for one in result.recordings] == ["jakarta/a"]
    windows = FRAMES - 2
    assert result.scores["ball_global/pck@10"]["n"] == windows
    assert result.scores["ball_local/presence"]["n"] == windows
    assert not any(name.startswith("masks/") for name in result.scores)
    assert set(result.rivals) == {"constant of training", "background subtraction"}
    for table in result.rivals.values():
        assert table["ball_local/pck@10"]["n"] == windows
    found = result.rivals["background subtraction"]["ball_global/pck@10"]["value"]
    assert found > result.rivals["constant of training"]["ball_global/pck@10"]["value"]
    out = nano / "evaluation"
    assert {path.name for path in out.iterdir()} == {
        "evaluation.json",
        "evaluation.md",
        "jakarta_a.mp4",
    }
    content = json.loads((out / "evaluation.json").read_text())
    assert content["scores"].keys() == result.scores.keys()
    said = capsys.readouterr().out
    assert "ball_global/pck@10" in said
    assert str(out / "jakarta_a.mp4") in said


def test_a_directory_in_openttgames_layout_is_scored(nano, opentt, tmp_path):
    main([str(nano), str(opentt), "--out", str(tmp_path / "out")])
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [one["name"] for one in content["recordings"]] == [
        "test_1",
        "test_2",
        "test_3",
    ]
    scores = content["scores"]
    assert scores["ball_global/rmse_all_px"]["n"] == 3 * (FRAMES - 2)
    assert scores["events/pce"]["n"] == 3 * (FRAMES - 2)
    assert scores["masks/table/iou"]["n"] == 3
    assert {"low", "high", "baseline"} <= scores["ball_global/pck@10"].keys()


def test_layouts_are_told_apart(shuttle, opentt, tmp_path):
    names = [one.name for one in recordings_of(str(shuttle), {})]
    assert names == ["bangkok/a", "jakarta/a"]
    assert len(list(recordings_of(str(opentt), {}))) == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds neither"):
        recordings_of(str(tmp_path / "empty"), {})
    with pytest.raises(FileNotFoundError, match="'nowhere' is none"):
        recordings_of("nowhere", {})
    trained = registry.encode(TrackNetClips(shuttle))
    with pytest.raises(ValueError, match="holds no test recordings"):
        recordings_of(None, {"recipe": {"data": trained}})


def test_simulated_recordings_need_no_directory(monkeypatch):
    given = {"test": [brightest.Clip("a", *brightest.video(3))]}
    monkeypatch.setattr(Simulation, "recordings", lambda self, split: given[split])
    assert recordings_of(evaluate.SIMULATION, {}) is given["test"]


def test_baselines_are_for_balls_in_a_ttnet(tmp_path):
    model = Predictor(brightest.Task(), brightest.VARIABLES)
    with pytest.raises(ValueError, match=r"this checkpoint is of tests\.brightest"):
        rivals_of(model)


def test_the_table_lies_beside_the_checkpoints(nano, tmp_path):
    assert default_out(checkpoints.find(nano)) == nano / "evaluation"
    assert default_out(tmp_path / "7") == tmp_path / "evaluation"


def said_by(command):
    done = subprocess.run(
        [sys.executable, "-m", "ttjax.evaluate", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == mains.EXIT_CODE
    return done.stderr


def test_wrong_arguments_give_one_line(nano, tmp_path, capsys):
    (tmp_path / "begun" / "checkpoints").mkdir(parents=True)
    for command, words in {
        (str(tmp_path / "nowhere"),): "nowhere is none",
        (str(tmp_path / "begun"),): "holds no checkpoint",
        (str(nano), "missing"): "'missing' is none",
    }.items():
        assert mains.guarded(lambda command=command: main(command)) == 2
        said = capsys.readouterr().err
        assert words in said
        assert len(said.splitlines()) == 1
    assert said_by(["nowhere"]).count("\n") == 1
