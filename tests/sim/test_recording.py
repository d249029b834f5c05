import numpy as np
import pytest

from ttjax.samples import VISIBLE
from ttjax.sim import rally, recording, sample


@pytest.fixture(scope="module")
def clip(small_hall):
    key = recording.stream_key(9, 1)
    return recording.SimulatedRecording("a", key, small_hall, count=90, masks_every=30)


def test_frames_come_in_order_and_twice_the_same(clip, small_hall):
    frames = list(clip.frames())
    assert len(frames) == 90
    assert frames[0].shape == (*small_hall.sizes[0], 3)
    assert frames[0].dtype == np.uint8
    single = recording.SimulatedRecording(
        "a", recording.stream_key(9, 1), small_hall, count=90, threads=1
    )
    for first, second in zip(frames[:20], single.frames(), strict=False):
        np.testing.assert_array_equal(first, second)


def test_a_lead_is_left_out(clip, small_hall):
    key = recording.stream_key(9, 1)
    later = recording.SimulatedRecording(
        "a", key, small_hall, count=30, lead=60, masks_every=30
    )
    whole, part = clip.labels, later.labels
    assert part.length == 30
    np.testing.assert_array_equal(part.ball_xy_px, whole.ball_xy_px[60:])
    np.testing.assert_array_equal(part.ball_state, whole.ball_state[60:])
    for kind, frames in part.events.items():
        due = whole.events[kind]
        assert frames.tolist() == (due[due >= 60] - 60).tolist()
    # The camera does not move: the masks are those of the same moment.
    np.testing.assert_array_equal(part.masks[29], whole.masks[89])


def test_the_reader_may_stop_early(clip):
    reader = clip.frames()
    assert next(reader) is not None
    reader.close()


def test_labels_belong_to_the_frames(clip):
    labels = clip.labels
    assert labels.length == clip.count == 90
    assert sorted(labels.masks) == [29, 59, 89]
    mask = labels.masks[29]
    assert mask.shape == (*recording.MASK_HW, 3)
    assert labels.mask_names == ("table", "humans", "scoreboard")
    assert (mask.sum(axis=(0, 1)) > 0).all()
    for frames in labels.events.values():
        assert (np.diff(frames) > 0).all()
    seen = labels.ball_xy_px[labels.ball_state == VISIBLE]
    assert len(seen) > 10
    assert ((seen >= 0) & (seen < np.array([480, 270]))).all()
    assert (clip.strokes < 90).all()


def test_the_ball_can_be_seen_where_it_moves(clip):
    labels, frames = clip.labels, list(clip.frames())
    ratios = []
    for n in range(1, 90):
        if labels.ball_state[n] != VISIBLE or labels.ball_state[n - 1] != VISIBLE:
            continue
        change = np.abs(frames[n].astype(int) - frames[n - 1]).sum(-1)
        x, y = labels.ball_xy_px[n].astype(int)
        here = change[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].max()
        ratios.append(here / np.median(change))
    assert np.median(ratios) > 3


def test_the_blur_is_that_of_the_exposure(clip):
    labels = clip.labels
    seen = (labels.ball_state[1:-1] == VISIBLE) & (
        np.abs(clip.blur_px[1:-1]) > 0.2
    ).any(axis=1)
    assert seen.any()
    way = (labels.ball_xy_px[2:] - labels.ball_xy_px[:-2]) / 2
    share = float(clip.scene.film.exposure_s) * clip.fps
    error = np.abs(clip.blur_px[1:-1] - share * way)[seen]
    # Bounces and strokes between two frames aside.
    assert np.median(error) < 0.15
    assert clip.label_convention


def test_events_are_at_the_frames_nearest_to_their_times(clip):
    for kind, frames in clip.labels.events.items():
        times = np.asarray(rally.event_times(clip.play, kind), float)
        times = times[np.isfinite(times)]
        times = times[times < 89 / 120]
        assert len(frames) == len(np.unique(np.rint(times * 120)))
        for frame in frames:
            assert np.abs(times - frame / 120).min() <= 0.5 / 120 + 1e-6


def test_recordings_take_sizes_rigs_and_rates_in_turn():
    hall = sample.Hall(
        sizes=((270, 480), (360, 640)), rigs=("side", "phone"), fps=(24.0, 25.0)
    )
    told = [recording.setting(hall, number) for number in range(8)]
    assert len(set(told)) == 8
    assert told[0] == ((270, 480), "side", 24.0)
    assert told[7] == ((360, 640), "phone", 25.0)
    assert recording.setting(hall, 8) == told[0]
