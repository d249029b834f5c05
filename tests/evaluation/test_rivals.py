import numpy as np
import pytest

from tests import brightest
from ttjax.evaluation.rivals import ByPosition, Positions, Rival, Stream, Track
from ttjax.pipeline.baselines import BallTrack, Constant
from ttjax.samples import ABSENT, VISIBLE, Window


def answers(xy_px, present, source_hw):
    return brightest.Predictions(xy_px, present, flash=source_hw)


@pytest.mark.parametrize("window", [Window(1), Window(4, stride=2, ball_at=1)], ids=str)
def test_a_windows_answer_is_the_ball_of_its_own_frame(window):
    clip = brightest.Clip("a", *brightest.video(12))
    xy = np.random.default_rng(0).uniform(0, 20, (12, 2)).astype(np.float32)
    track = BallTrack(xy, np.arange(12) % 3 > 0)
    assert isinstance(track, Track)
    rival = ByPosition(window, lambda recording: track, answers)
    stream = rival.open(clip)
    assert isinstance(rival, Rival)
    assert isinstance(stream, Stream | Positions)
    for end, frame in enumerate(clip.frames()):
        found = stream.push(frame)
        assert (found is None) == (end < window.span - 1)
        if found is not None:
            n = end + window.offset(window.ball_at)
            np.testing.assert_array_equal(found.xy_px, xy[n : n + 1])
            assert found.present.tolist() == [n % 3 > 0]
            assert found.flash.tolist() == [[24, 36]]


def test_a_baseline_of_the_house_fits_in():
    clip = brightest.Clip("a", *brightest.video(5))
    assert {ABSENT, VISIBLE} >= set(clip.labels.ball_state.tolist())
    constant = Constant.fit([(clip.labels, clip.size_hw)])
    rival = ByPosition(Window(3), lambda r: constant.track(5, r.size_hw), answers)
    stream = rival.open(clip)
    found = [stream.push(frame) for frame in clip.frames()]
    median = np.median(clip.labels.ball_xy_px, axis=0)
    np.testing.assert_allclose(found[-1].xy_px[0], median, rtol=1e-6)
