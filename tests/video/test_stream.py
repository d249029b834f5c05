import gc
import weakref
from typing import Any

import flax.struct
import numpy as np
import pytest

from tests import brightest
from tests.deepsportlab import answers
from ttjax.deepsportlab.config import nano
from ttjax.deepsportlab.decoder import Decoder
from ttjax.deepsportlab.task import Task
from ttjax.predictor import Predictor
from ttjax.samples import Window
from ttjax.video.stream import Annotated, Annotator, PlayerMap, annotate

HW = (24, 36)


@flax.struct.dataclass
class SeesPlayers(brightest.Predictions):
    ids: Any = None
    to_source: Any = None


WINDOWS = [Window(1), Window(3), Window(4, stride=2, ball_at=1)]


def of(window):
    return Predictor(
        brightest.Task(brightest.Config(window=window)), brightest.VARIABLES
    )


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_every_frame_comes_once_with_what_its_windows_say(window):
    applied = of(window)
    frames, xy = brightest.video(12)
    found = list(annotate(applied, frames, HW, masks_every=1))
    assert all(isinstance(each, Annotated) for each in found)
    assert [each.number for each in found] == list(range(12))
    np.testing.assert_array_equal([each.frame for each in found], frames)
    ball_at, event_at = (window.offset(i) for i in (window.ball_at, window.event_at))
    for n, each in enumerate(found):
        assert each.record["frame"] == n
        spoken = window.span - 1 <= n - ball_at < 12
        ball = each.record["ball"]
        assert (ball is not None) == spoken
        assert (each.masks is not None) == spoken
        if spoken:
            assert ball == {"xy_px": xy[n].tolist(), "present": True}
            assert each.masks is not None
            assert each.masks.shape == (8, 12, 1)
        spoken = window.span - 1 <= n - event_at < 12
        assert (each.record["events"] is not None) == spoken


def test_masks_are_left_out_by_default():
    found = list(annotate(of(Window(3)), brightest.video(5)[0], HW))
    assert all(each.masks is None for each in found)
    assert all(set(each.record) == {"frame", "ball", "events"} for each in found)


def test_no_more_frames_are_held_than_a_window_spans():
    window = Window(4, stride=2)
    alive, most = set(), 0

    def frames():
        for number, frame in enumerate(brightest.video(40)[0]):
            copied = frame.copy()
            alive.add(number)
            weakref.finalize(copied, alive.discard, number)
            yield copied

    for each in annotate(of(window), frames(), HW):
        del each
        gc.collect(0)
        most = max(most, len(alive))
    assert window.span <= most <= window.span + 2


def test_an_annotator_may_be_pushed_by_hand():
    applied = of(Window(3))
    frames, _ = brightest.video(6)
    stream, annotator = applied.stream(HW), Annotator(applied.task)
    found = []
    for frame in frames:
        found += annotator.push(frame, stream.push(frame))
    found += annotator.finish()
    records = [each.record for each in annotate(applied, frames, HW)]
    assert [each.record for each in found] == records


def test_a_map_of_players_goes_with_its_frame():
    ids = np.zeros((1, 4, 6), np.uint8)
    ids[0, 1, 2] = 3
    scale = np.array([[6.0, 6.0]], np.float32)
    annotator = Annotator(brightest.Task(brightest.Config(window=Window(1))))
    found = SeesPlayers(
        xy_px=np.zeros((1, 2)),
        present=np.array([False]),
        flash=np.zeros(1),
        ids=ids,
        to_source=scale,
    )
    frame = np.zeros((*HW, 3), np.uint8)
    (each,) = annotator.push(frame, found)
    assert isinstance(each.players, PlayerMap)
    np.testing.assert_array_equal(each.players.ids, ids[0])
    assert each.players.to_source == (6.0, 6.0)
    assert set(each.record) == {"frame", "ball", "events"}


def test_a_map_of_a_network_of_scenes_is_of_every_so_many_pixels():
    config = nano(image_hw=answers.HW, players=answers.ROWS)
    task = Task(config=config, decoder=Decoder(players=answers.ROWS))
    frame = np.zeros((*answers.HW, 3), np.uint8)
    (each,) = Annotator(task).push(frame, answers.right())
    assert each.players is not None
    assert each.players.stride == answers.STRIDE
    got = each.players.at_pixels(answers.HW)
    names = np.array([0, 2, 0, 1] + [0] * 252, np.uint8)
    want = names[answers.scene().labels.ids[0]]
    step = answers.STRIDE
    np.testing.assert_array_equal(got[::step, ::step], want[::step, ::step])
