import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.media import draw
from ttjax.samples import (
    ABSENT,
    NO_EVENT,
    UNKNOWN,
    VISIBLE,
    Clip,
    FramePool,
    Labels,
    Window,
)
from ttjax.ttnet import config, overlay
from ttjax.ttnet.arrays import Ball, Predictions
from ttjax.ttnet.task import Task

HW, SOURCE_HW, COUNT = (128, 192), (540, 960), 6
CONFIG = config.nano(window=Window(3), frame_hw=HW, crop_hw=HW, canvas_margin=(32, 32))
WIDE = overlay.UPSCALE * HW[1]
CANVAS_XY, CROP_XY = np.array([300, 200]), np.array([340, 230])
LABEL_XY = np.array([400.0, 270.0])


def clips(state=VISIBLE) -> Clip:
    """Dark pixels; the ball is known in the newest frame only."""
    rng = np.random.default_rng(0)
    none = np.full((COUNT, 3), UNKNOWN, np.int8)
    none[:, 2] = state
    h, w = HW[0] + 64, HW[1] + 64
    return Clip(
        frames=rng.integers(0, 40, (COUNT, 3, *HW, 3), dtype=np.uint8),
        canvas=rng.integers(0, 40, (COUNT, 3, h, w, 3), dtype=np.uint8),
        canvas_xy=np.tile(CANVAS_XY.astype(np.int32), (COUNT, 1)),
        source_hw=np.tile(np.array(SOURCE_HW, np.int32), (COUNT, 1)),
        labels=Labels(
            ball_xy_px=np.tile(LABEL_XY.astype(np.float32), (COUNT, 3, 1)),
            ball_state=none,
            event_offset=np.tile(np.array([0, NO_EVENT], np.float32), (COUNT, 1)),
            event_known=np.zeros((COUNT, 2), bool),
            masks=np.zeros((COUNT, *HW, 3), np.uint8),
            masks_known=np.zeros((COUNT, 3), bool),
        ),
    )


def ball(xy, present=True) -> Ball:
    return Ball(
        xy_px=np.tile(np.array(xy, np.float32), (COUNT, 1)),
        probability=np.full(COUNT, 0.75, np.float32),
        present=np.full(COUNT, present),
    )


def found(coarse, fine, **others) -> Predictions:
    source_hw = np.tile(np.array(SOURCE_HW, np.int32), (COUNT, 1))
    crop_xy = np.tile(CROP_XY.astype(np.int32), (COUNT, 1))
    return Predictions(coarse, fine, source_hw=source_hw, crop_xy=crop_xy, **others)


def views(batch, predictions):
    made = overlay.pictures(batch, predictions, config=CONFIG)[0]
    return made[:, :WIDE], made[:, WIDE:]


def middle(picture, colour):
    """The centre of the box around a colour, in continuous px."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    return np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2 + 0.5


def in_frame(xy):
    return np.array(xy) * [WIDE / SOURCE_HW[1], overlay.UPSCALE * HW[0] / SOURCE_HW[0]]


def in_crop(xy):
    return (np.array(xy) - CROP_XY) * overlay.UPSCALE


@pytest.mark.parametrize("xy", [(410.3, 290.7), (450.0, 262.5)])
def test_each_view_has_the_ring_at_its_stage_s_answer_and_the_cross_at_the_label(xy):
    fine = np.array(xy) - [30, 5]
    frame, crop = views(clips(), found(ball(xy), ball(fine)))
    for view, answer, place in (frame, xy, in_frame), (crop, fine, in_crop):
        np.testing.assert_allclose(middle(view, draw.BALL), place(answer), atol=1)
        np.testing.assert_allclose(middle(view, overlay.LABEL), place(LABEL_XY), atol=1)


@pytest.mark.parametrize("state", [ABSENT, UNKNOWN])
def test_what_is_not_there_is_not_drawn(state):
    far = ball((600.0, 100.0), present=False)
    for view in views(clips(state), found(far, far)):
        for colour in (draw.BALL, overlay.LABEL):
            assert not (view == colour).all(axis=-1).any()


def test_pictures_are_a_few_of_the_newest_frames_enlarged_beside_their_crops():
    batch: Any = clips(ABSENT)
    far = ball((0.0, 0.0), present=False)
    made = overlay.pictures(batch, found(far, far), config=CONFIG)
    assert len(made) == overlay.EXAMPLES < COUNT
    (left, top), (h, w) = CROP_XY - CANVAS_XY, HW
    for index, picture in enumerate(made):
        assert picture.dtype == np.uint8
        assert picture.shape == (3 * h, 3 * 2 * w, 3)
        below = slice(40, None)  # the line of words ends above
        small = picture[1::3, 1::3][below]
        np.testing.assert_array_equal(small[:, :w], batch.frames[index, 2][below])
        part = batch.canvas[index, 2, top : top + h, left : left + w]
        np.testing.assert_array_equal(small[:, w:], part[below])


def test_a_ring_of_whole_frames_gives_the_same_pictures():
    batch: Any = clips()
    b, t, *size = batch.canvas.shape
    at = np.arange(b * t, dtype=np.int32).reshape(b, t)
    pool = FramePool(jnp.asarray(batch.canvas.reshape(b * t, *size)), jnp.asarray(at))
    ring = dataclasses.replace(batch, canvas=pool)
    predictions = found(ball((410, 290)), ball((410, 290)))
    for one, other in zip(
        overlay.pictures(batch, predictions, config=CONFIG),
        overlay.pictures(ring, predictions, config=CONFIG),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_predicted_masks_are_tints_and_known_labelled_ones_outlines():
    batch: Any = clips(ABSENT)
    batch.labels.masks[:, 40:80, 60:120, 1] = 1
    batch.labels.masks[:, 90:100, 60:120, 0] = 1
    batch.labels.masks_known[:, 1] = True
    shares = np.zeros((COUNT, *HW, 3), np.float32)
    shares[:, 50:70, 130:170, 2] = 1
    plain, _ = views(batch, found(None, None))
    frame, _ = views(batch, found(None, None, masks=shares))
    changed = (frame != plain).any(axis=-1)
    changed[:80, -120:] = False  # the names of the classes
    line = np.zeros_like(changed)
    line[120:240, 180:360] = True
    line[121:239, 181:359] = False
    assert (frame[line] == draw.PALETTE[1]).all()
    within = np.s_[153:207, 393:507]  # a share is interpolated at its border
    blended = 0.7 * plain[within] + 0.3 * np.array(draw.PALETTE[2])
    assert np.abs(frame[within] - blended).max() <= 1
    tint = np.zeros_like(changed)
    tint[147:213, 387:513] = True
    assert not changed[~(line | tint)].any()


def test_events_have_a_bar_each_for_probability_and_known_target():
    batch: Any = clips(ABSENT)
    guess = np.tile(np.array([0.25, 0.5], np.float32), (COUNT, 1))
    batch.labels.event_offset[:] = [-2, NO_EVENT]
    batch.labels.event_known[:, 0] = True
    frame, _ = views(batch, found(None, None, events=guess))

    def reach(colour):
        columns = np.flatnonzero((frame == colour).all(axis=-1).any(axis=0))
        return columns.max() - columns.min() + 1

    full = 150 * draw.scale(frame)
    bounce, net = draw.PALETTE[:2]
    # cos(2 pi / 8) two steps after the event, section 5.2 of the paper.
    for colour, share in (bounce, 0.25), (net, 0.5), (overlay.LABEL, np.sqrt(0.5)):
        assert abs(reach(colour) - share * full) <= 2


def test_a_task_without_local_stage_shows_the_frame_alone():
    task = Task(config.nano(window=Window(3), frame_hw=HW, heads=("ball_global",)))
    batch: Any = dataclasses.replace(clips(), canvas=None)
    predictions = dataclasses.replace(found(ball((410, 290)), None), crop_xy=None)
    (picture, *_) = task.overlay(batch, predictions)
    assert picture.shape == (3 * HW[0], WIDE, 3)
    np.testing.assert_allclose(middle(picture, draw.BALL), in_frame((410, 290)), atol=1)


def test_the_batch_is_left_as_it_was():
    batch: Any = clips()
    before = batch.frames.copy(), batch.canvas.copy()
    views(batch, found(ball((410, 290)), ball((410, 290))))
    np.testing.assert_array_equal(batch.frames, before[0])
    np.testing.assert_array_equal(batch.canvas, before[1])
