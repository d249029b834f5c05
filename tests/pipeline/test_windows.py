import numpy as np
import pytest

from ttjax.pipeline import windows
from ttjax.samples import (
    ABSENT,
    NO_EVENT,
    UNKNOWN,
    VISIBLE,
    ClipSpec,
    FrameLabels,
    Window,
)

KINDS, CLASSES = ("bounce", "net", "serve"), ("table", "humans", "board")


def table(n=60, seed=0):
    draw = np.random.default_rng(seed)
    return FrameLabels(
        ball_xy_px=draw.uniform(0, 100, (n, 2)).astype(np.float32),
        ball_state=draw.choice([VISIBLE, ABSENT, UNKNOWN], n).astype(np.int8),
        events={
            "bounce": np.sort(draw.choice(n, 4, replace=False)),
            "net": np.array([], np.int64),
        },
        masks={
            int(f): draw.integers(0, 2, (8, 10, 2)).astype(np.uint8)
            for f in range(0, n, 3)
        },
        mask_names=("humans", "table"),
    )


def spec(window):
    return ClipSpec(window, (4, 5), None, KINDS, CLASSES)


WINDOWS = [
    Window(),
    Window(1),
    Window(4, stride=3),
    Window(5, stride=2, ball_at=1, event_at=4),
]


@pytest.mark.parametrize("window", WINDOWS)
def test_labels_of_every_window_by_a_plain_loop(window):
    given = table()
    for end in windows.ends(given.length, window):
        found = windows.labels(given, int(end), spec(window))
        stack = [end - (window.frames - 1 - i) * window.stride for i in range(99)]
        for i in range(window.frames):
            assert found.ball_state[i] == given.ball_state[stack[i]]
            if given.ball_state[stack[i]] == VISIBLE:
                assert tuple(found.ball_xy_px[i]) == tuple(given.ball_xy_px[stack[i]])
        best = NO_EVENT
        for event in given.events["bounce"]:
            steps = (event - stack[window.event_at]) / window.stride
            if abs(steps) <= window.frames and abs(steps) < abs(best):
                best = steps
        assert abs(found.event_offset[0]) == pytest.approx(abs(best))
        assert found.event_offset[1] == found.event_offset[2] == NO_EVENT
        assert found.event_known.tolist() == [True, True, False]
        frame = stack[window.ball_at]
        assert found.masks_known.tolist() == [frame % 3 == 0, frame % 3 == 0, False]
        for row in range(4):
            for column in range(5):
                for index, name in enumerate(CLASSES):
                    bit = 0
                    if frame % 3 == 0 and name in given.mask_names:
                        channel = given.mask_names.index(name)
                        bit = given.masks[frame][2 * row + 1, 2 * column + 1, channel]
                    assert found.masks[row, column, index] == bit


def test_labels_have_the_shapes_of_the_spec():
    one = windows.labels(table(), 20, spec(Window()))
    for name, leaf in vars(spec(Window()).batch(1).labels).items():
        assert getattr(one, name).shape == leaf.shape[1:]
        assert getattr(one, name).dtype == leaf.dtype


def test_positions_of_unseen_balls_are_finite():
    given = table()
    given.ball_xy_px[given.ball_state != VISIBLE] = np.nan
    assert np.isfinite(windows.labels(given, 40, spec(Window())).ball_xy_px).all()


@pytest.mark.parametrize("window", WINDOWS)
def test_ends_are_all_windows_that_fit(window):
    found = windows.ends(30, window)
    inside = [n for n in range(30) if windows.frames(n, window)[0] >= 0]
    assert found.tolist() == inside
    assert windows.ends(window.span, window).tolist() == [window.span - 1]


def test_stacks_are_ordered_oldest_first():
    stack = windows.frames(20, Window(4, stride=3))
    assert stack.tolist() == [11, 14, 17, 20]


def test_a_video_shorter_than_a_stack_says_so():
    with pytest.raises(ValueError, match=r"that is 10 frames, got 9"):
        windows.ends(9, Window(4, stride=3))


@pytest.mark.parametrize("end", [7, 60])
def test_windows_stay_inside(end):
    with pytest.raises(ValueError, match="lies inside"):
        windows.labels(table(), end, spec(Window()))


def test_nearest_takes_the_pixel_at_the_centre():
    assert windows.nearest(8, 4).tolist() == [1, 3, 5, 7]
    assert windows.nearest(3, 3).tolist() == [0, 1, 2]
    assert windows.nearest(2, 4).tolist() == [0, 0, 1, 1]
