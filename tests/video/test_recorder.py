import pytest

from tests import brightest
from ttjax import evaluation
from ttjax.media.reader import Reader
from ttjax.predictor import Predictor
from ttjax.video.recorder import Findings, Observer, Recorder
from ttjax.video.stream import annotate

HW = (49, 64)


@pytest.fixture(scope="module")
def model():
    return Predictor(brightest.Task(), brightest.VARIABLES)


def test_each_frame_is_in_the_overlay(model, tmp_path):
    frames, _ = brightest.video(11, HW)
    path = tmp_path / "overlay.mp4"
    with Recorder(path, fps=25, size_hw=HW) as recorder:
        for found in annotate(model, frames, HW):
            recorder.push(found)
        assert not path.exists()
    video = Reader(path)
    assert (video.size_hw, video.fps, len(list(video))) == ((48, 64), 25, 11)


def stumble(block, act):
    with block as entered:
        act(entered)
        raise KeyError


def test_an_error_leaves_no_overlay(model, tmp_path):
    frames, _ = brightest.video(12, HW)
    found = list(annotate(model, frames, HW))
    recorder = Recorder(tmp_path / "overlay.mp4", fps=25, size_hw=HW)
    with pytest.raises(KeyError):
        stumble(recorder, lambda entered: list(map(entered.push, found)))
    assert not list(tmp_path.iterdir())


def clips():
    for seed, name in enumerate(("hall/1", "hall/2", "hall/3")):
        yield brightest.Clip(name, *brightest.video(6 + seed, HW, seed=seed))


def test_the_first_recordings_of_an_evaluation_are_drawn(model, tmp_path):
    with Observer(tmp_path, model.task, limit=2) as observer:
        evaluation.evaluate(model, clips(), observe=observer)
    assert [path.name for path in observer.paths] == ["hall_1.mp4", "hall_2.mp4"]
    counts = [len(list(Reader(path))) for path in observer.paths]
    assert counts == [6, 7]
    assert len(list(tmp_path.iterdir())) == 2


def test_an_error_in_an_evaluation_discards_its_overlay(model, tmp_path):
    clip = next(clips())
    frame, observer = next(clip.frames()), Observer(tmp_path, model.task)
    with pytest.raises(KeyError):
        stumble(observer, lambda entered: entered(clip, frame, None))
    assert len(observer.paths) == 1
    assert not list(tmp_path.iterdir())


def test_findings_of_a_recording_become_a_video(model, tmp_path):
    clip = next(clips())
    stream = model.stream(HW)
    with Findings(tmp_path / "hall.1", model.task, clip) as drawn:
        for frame in clip.frames():
            drawn.push(frame, stream.push(frame))
    assert drawn.path == tmp_path / "hall.1.mp4"
    assert len(list(Reader(drawn.path))) == 6
