import numpy as np
import pytest

from ttjax.formats import tracknet
from ttjax.pipeline.baselines import BackgroundSubtraction, BallTrack, Constant
from ttjax.pipeline.recording import of_clip
from ttjax.samples import ABSENT, VISIBLE, FrameLabels


def table(points, states):
    xy = np.array(points, np.float32).reshape(-1, 2)
    return FrameLabels(xy, np.array(states, np.int8))


def test_the_constant_is_the_median_of_what_was_seen():
    first = table([(10, 5), (20, 10), (90, 90)], [VISIBLE, VISIBLE, ABSENT])
    second = table([(60, 40)], [VISIBLE])
    fitted = Constant.fit([(first, (100, 100)), (second, (200, 200))])
    assert fitted.xy_share == pytest.approx((0.2, 0.1))
    answer = fitted.track(3, (50, 80))
    assert isinstance(answer, BallTrack)
    np.testing.assert_allclose(answer.xy_px, [[16, 5]] * 3, rtol=1e-6)
    assert answer.present.all()


def test_a_constant_needs_a_visible_ball():
    with pytest.raises(ValueError, match="there are none"):
        Constant.fit([(table([(1, 1)], [ABSENT]), (9, 9))])


def test_a_lonely_moving_ball_is_found():
    """Beside a big mover and a pixel of noise."""

    def frames():
        still = (
            np.random.default_rng(0).integers(60, 100, (90, 160, 3)).astype(np.uint8)
        )
        for n in range(12):
            frame = still.copy()
            frame[:60, 100 + 2 * n : 130 + 2 * n] = 200  # a player
            frame[80, 5 * n] = 250  # noise
            if n != 7:
                frame[20 + 4 * n : 24 + 4 * n, 10 + 6 * n : 13 + 6 * n] = 250
            yield frame

    # One pixel here is 64 at 1280 x 720.
    model = BackgroundSubtraction(area_px=(3 * 64.0, 20 * 64.0))
    found = model.track(frames, 12)
    expected = np.array([[11.5 + 6 * n, 22 + 4 * n] for n in range(12)])
    seen = np.delete(np.arange(1, 12), 6)
    np.testing.assert_allclose(found.xy_px[seen], expected[seen], atol=1e-3)
    assert found.present.tolist() == [n in seen for n in range(12)]
    np.testing.assert_allclose(found.xy_px[7], expected[6])
    np.testing.assert_allclose(found.xy_px[0], [80, 45])


def test_a_video_of_another_length_says_so():
    def frames():
        yield from np.zeros((3, 9, 9, 3), np.uint8)

    with pytest.raises(ValueError, match="announced, 5, got 3"):
        BackgroundSubtraction().track(frames, 5)


def test_real_clips_are_not_this_easy(real_data):
    """The figures that a network is measured against, on one clip of the test hall."""
    root = real_data / "shuttle"
    entry = next(e for e in tracknet.find(root) if e.name == "jakarta/a00023")
    clip = of_clip(entry, "absent")
    found = BackgroundSubtraction().track(clip.frames, clip.labels.length)
    seen = clip.labels.ball_state == VISIBLE
    error = np.linalg.norm(found.xy_px - clip.labels.ball_xy_px, axis=1)[seen]
    assert 0.05 < (error < 10).mean() < 0.6
