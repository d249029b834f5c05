import numpy as np
import pytest

from tests import brightest
from ttjax.evaluation.rivals import ByPosition
from ttjax.evaluation.scoring import evaluate
from ttjax.pipeline.baselines import BallTrack
from ttjax.predictor import Predictor
from ttjax.predictor.programs import StreamPrograms
from ttjax.samples import VISIBLE, FrameLabels, Window

WINDOW = Window(3)


@pytest.fixture(scope="module")
def model():
    task = brightest.Task(brightest.Config(window=WINDOW))
    return Predictor(task, brightest.VARIABLES)


@pytest.fixture
def clips():
    return [brightest.Clip(n, *brightest.video(8, seed=i)) for i, n in enumerate("ab")]


def answers(xy_px, present, source_hw):
    flash, masks = np.zeros(1, np.float32), np.zeros((1, 8, 12, 1), np.float32)
    return brightest.Predictions(xy_px, present, flash, masks)


def test_every_full_window_is_scored_once(model, clips):
    result = evaluate(model, iter(clips), checkpoint="here")
    assert result.scores["hit"]["value"] == 1.0
    assert result.scores["hit"]["n"] == 2 * 6
    assert [one.windows for one in result.recordings] == [6, 6]
    assert [one.name for one in result.recordings] == ["a", "b"]
    assert "all 12 of untrimmed video" in result.sampling
    assert result.checkpoint == "here"
    assert result.seconds > 0


def test_wrong_answers_lower_the_score(model, clips):
    """Labels that are off in the last two frames: four of twelve windows miss."""
    for clip in clips:
        clip.labels.ball_xy_px[-2:] += 5
    assert evaluate(model, clips).scores["hit"]["value"] == pytest.approx(8 / 12)


def test_masks_are_computed_where_they_are_labelled(model, clips, monkeypatch):
    asked, compiled = [], StreamPrograms.step

    def step(self, *, masks):
        asked.append(masks)
        return compiled(self, masks=masks)

    monkeypatch.setattr(StreamPrograms, "step", step)
    result = evaluate(model, clips[:1])
    # Of the frames 2 to 7 two have a mask; the first question is the stream's own.
    assert asked == [False, False, True, False, False, True, False]
    assert result.scores["area"]["n"] == 2


def test_rivals_are_scored_on_the_same_windows(model, clips):
    def track(recording):
        xy = recording.labels.ball_xy_px.copy()
        xy[4] += 9
        return BallTrack(xy, np.ones(len(xy), np.bool_))

    rival = ByPosition(WINDOW, track, answers)
    result = evaluate(model, clips, rivals={"rule": rival})
    assert result.rivals["rule"]["hit"]["value"] == pytest.approx(10 / 12)
    assert result.rivals["rule"]["hit"]["n"] == result.scores["hit"]["n"]
    assert result.table()[0][4] == "rule"


def test_an_observer_sees_each_frame_with_its_predictions(model, clips):
    seen, watched = [], []

    def observe(recording, frame, predictions):
        seen.append((recording.name, int(frame.sum()), predictions))

    def watch(frames, count, name):
        watched.append((name, count))
        return frames

    evaluate(model, clips, observe=observe, watch=watch)
    assert watched == [("a", 8), ("b", 8)]
    assert [name for name, *_ in seen] == list("aaaaaaaabbbbbbbb")
    sums = [int(frame.sum()) for clip in clips for frame in clip.frames()]
    assert [total for _, total, _ in seen] == sums
    assert [p is None for *_, p in seen] == ([True] * 2 + [False] * 6) * 2
    assert all(isinstance(p.xy_px, np.ndarray) for *_, p in seen if p is not None)


def test_frames_beyond_the_labels_do_not_count(model):
    frames, xy = brightest.video(9)
    table = FrameLabels(xy[:5], np.full(5, VISIBLE, np.int8))
    result = evaluate(model, [brightest.Clip("a", frames, xy, labels=table)])
    assert result.scores["hit"]["n"] == 3


def test_recordings_that_cannot_be_scored_are_named(model):
    frames, xy = brightest.video(6)
    with pytest.raises(ValueError, match="at least one labelled recording"):
        evaluate(model, [])
    bare = brightest.Clip("bare", frames, xy)
    bare.labels = None
    with pytest.raises(ValueError, match="'bare' has none"):
        evaluate(model, [bare])
    with pytest.raises(ValueError, match=r"'short': .*3 frames, got 2"):
        evaluate(model, [brightest.Clip("short", frames[:2], xy[:2])])
    cut = brightest.Clip("cut", frames, xy)
    cut._frames = frames[:4]
    with pytest.raises(ValueError, match="'cut' has labels for 6 frames and only 4"):
        evaluate(model, [cut])
