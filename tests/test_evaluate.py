import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests import brightest, made_scenes
from tests.weights import runs
from ttjax import checkpoints, evaluate, mains, registry
from ttjax.deepsportlab import config as deepsportlab_config
from ttjax.deepsportlab import task as deepsportlab_task
from ttjax.deepsportlab.decoder import Decoder
from ttjax.deepsportlab.oracles import SWAPS
from ttjax.evaluate import (
    default_out,
    main,
    oracles_of,
    recordings_of,
    rivals_of,
    run,
)
from ttjax.formats import openttgames, tracknet
from ttjax.media.writer import VideoWriter
from ttjax.pipeline.clips import TrackNetClips
from ttjax.pipeline.scene_records import SceneRecords
from ttjax.predictor import Predictor
from ttjax.samples import VISIBLE, Window
from ttjax.scenes import SceneSpec
from ttjax.sim.court_data import CourtRecording
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


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """A built data set in the layout of DeepSport; one player is annotated whole."""
    import tensorflow_datasets as tfds

    from ttjax.datasets.deepsport import (  # pyright: ignore[reportMissingImports]
        deepsport_dataset_builder as module,
    )
    from ttjax.formats import deepsport

    root = tmp_path_factory.mktemp("views")
    folder = made_scenes.write_deepsport(root / "given")
    head, hips, foot1, foot2 = (
        np.array([x, 750.0, z])
        for x, z in ((1120.0, -180.0), (1120.0, -100.0), (1100.0, 0.0), (1140.0, 0.0))
    )
    player = deepsport.Player(head, hips, foot1, foot2, camera=0)
    instants = [
        dataclasses.replace(one, players=(player,)) for one in made_scenes.instants()
    ]
    deepsport.write(folder, instants)
    builder = module.Builder(data_dir=root / "built", config="full")
    config = tfds.download.DownloadConfig(manual_dir=folder)
    builder.download_and_prepare(download_config=config)
    return root / "built"


@pytest.fixture(scope="module")
def court(tmp_path_factory, views):
    """A run of a nano of DeepSportLab, with weights that nobody trained."""
    config = deepsportlab_config.nano(image_hw=(33, 49), players=4)
    variables = brightest.drawn(config.abstract_variables())
    decoder = Decoder(players=4, sources=16, queries=8)
    task = deepsportlab_task.Task(config=config, decoder=decoder)
    data = registry.encode(SceneRecords(views))
    return brightest.save(tmp_path_factory.mktemp("court"), task, variables, data)


def test_a_built_data_set_of_pictures_is_scored(court, views, tmp_path, capsys):
    """On pictures of another size than the network's, with points and oracles."""
    out = tmp_path / "out"
    main([str(court), str(views), "--out", str(out), "--oracles"])
    content = json.loads((out / "evaluation.json").read_text())
    assert len(content["recordings"]) == 4
    assert content["recordings"][0]["size_hw"] == [48, 64]
    scores = content["scores"]
    # Two instants, two cameras at one place: he is annotated in all four views.
    assert scores["pEQ/legacy/AR"]["n"] == 4
    assert scores["pEQ/standard/AR"]["n"] == 4
    assert scores["bDQ"]["n"] == 2
    assert scores["pDQ"]["n"] == 2 * 2
    assert set(content["rivals"]) == set(SWAPS)
    masks = content["rivals"]["true masks"]
    assert masks["pDQ"]["value"] == masks["pSQ"]["value"] == 1.0
    # He stands where the second mask is; of two of the views there is none.
    both = content["rivals"]["true masks and joints"]
    for name in ("pEQ/legacy/AR", "pEQ/standard/AR"):
        assert both[name]["value"] == pytest.approx(0.5)
    assert content["rivals"]["true ball"]["bDQ"]["value"] == 1.0
    assert "over 4 pictures" in capsys.readouterr().out


def test_models_are_scored_beside_each_other(shuttle, tmp_path):
    task = brightest.Task(brightest.Config(window=Window(3)))
    own = brightest.save(tmp_path / "own", task, brightest.VARIABLES)
    other = brightest.save(tmp_path / "other", task, brightest.VARIABLES)
    result = run(own, str(shuttle), out=tmp_path / "out", beside=(other,))
    assert result.rivals == {str(other): result.scores}
    assert result.scores["hit"]["n"] == 2 * (FRAMES - 2)


def test_oracles_are_of_families_that_have_them():
    model = Predictor(brightest.Task(), brightest.VARIABLES)
    with pytest.raises(ValueError, match=r"of tests\.brightest"):
        oracles_of(model)


def test_splits_of_what_is_built(views, opentt):
    train = list(recordings_of(str(views), {}, split="train"))
    assert len(train) == 4
    assert {one.name for one in train}.isdisjoint(
        one.name for one in recordings_of(str(views), {})
    )
    with pytest.raises(ValueError, match="none in validation"):
        recordings_of(str(views), {}, split="validation")
    with pytest.raises(ValueError, match="leave out `--split`"):
        recordings_of(str(opentt), {}, split="train")
    own = {"recipe": {"data": registry.encode(SceneRecords(views))}}
    assert len(list(recordings_of(None, own, split="train"))) == 4


def test_pictures_are_simulated_for_those_who_look_at_pictures():
    found = recordings_of("sim", {}, sample=SceneSpec((33, 49), players=14))
    first = next(iter(found))
    assert isinstance(first, CourtRecording)
    assert first.size_hw == (33, 49)


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
    shipped = runs.ship(tmp_path)
    assert default_out(shipped) == pathlib.Path("runs", "toy-sim", "evaluation")


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
