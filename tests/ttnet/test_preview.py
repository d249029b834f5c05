import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.media import draw
from ttjax.samples import ABSENT, NO_EVENT, UNKNOWN, VISIBLE, Clip, Labels, Window
from ttjax.ttnet import config, preview
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.task import Task

HW, SOURCE_HW, COUNT = (64, 128), (540, 960), 2
CANVAS_XY, BALL_XY = np.array([300, 200]), np.array([401.25, 274.2])
CONFIG = config.nano(window=Window(3), frame_hw=HW, crop_hw=HW, canvas_margin=(32, 32))
STILL = Augment(hflip=0.0, brightness=0.0, contrast=0.0, channel=0.0)
UP, STRIP = preview.UPSCALE, preview.STRIP_PX
TALL, WIDE = UP * HW[0] + STRIP, UP * HW[1] + STRIP
KEY = jax.random.key(0)


def clips(state=VISIBLE) -> Clip:
    """Dark pixels, a blue ball at both scales; it is labelled in the newest frame."""
    states = np.full((COUNT, 3), UNKNOWN, np.int8)
    states[:, 2] = state
    h, w = HW[0] + 64, HW[1] + 64
    frames = np.full((COUNT, 3, *HW, 3), 20, np.uint8)
    canvas = np.full((COUNT, 3, h, w, 3), 20, np.uint8)
    x, y = (BALL_XY * HW[::-1] / SOURCE_HW[::-1]).astype(int)
    frames[:, 2, y - 1 : y + 2, x - 1 : x + 2] = (0, 0, 255)
    x, y = (BALL_XY - CANVAS_XY).astype(int)
    canvas[:, 2, y - 2 : y + 2, x - 2 : x + 2] = (0, 0, 255)
    return Clip(
        frames=frames,
        canvas=canvas,
        canvas_xy=np.tile(CANVAS_XY.astype(np.int32), (COUNT, 1)),
        source_hw=np.tile(np.array(SOURCE_HW, np.int32), (COUNT, 1)),
        labels=Labels(
            ball_xy_px=np.tile(BALL_XY.astype(np.float32), (COUNT, 3, 1)),
            ball_state=states,
            event_offset=np.tile(np.array([-2, NO_EVENT], np.float32), (COUNT, 1)),
            event_known=np.array([[True, False]] * COUNT),
            masks=np.zeros((COUNT, *HW, 3), np.uint8),
            masks_known=np.zeros((COUNT, 3), bool),
        ),
    )


def made(batch, **fields):
    """Of the first example: the global views before and after, and the local ones."""
    task = Task(CONFIG, **fields)
    picture = preview.sheets(KEY, task, batch)[0]
    assert picture.shape == (2 * TALL, 2 * WIDE, 3)
    halves = picture[:TALL], picture[TALL:]
    return [half[:, :WIDE] for half in halves], [half[:, WIDE:] for half in halves]


def middle(view, where):
    """Mean place of the pixels that are chosen, relative to the picture."""
    inner = view[STRIP:, STRIP:].astype(int)
    y, x = np.nonzero(where(inner))
    return np.array([x.mean(), y.mean()]) + 0.5


def is_ball(inner):
    return (inner[..., 2] > 70) & (inner[..., 2] > 1.9 * inner[..., 1])


def is_ring(inner):
    red, green, blue = np.moveaxis(inner.astype(int), -1, 0)
    assert preview.LABEL[1] == 255
    return (green > 120) & (green > 1.4 * np.maximum(red, blue))


@pytest.fixture(scope="module")
def turned():
    return made(clips(), augmentation=Augment(affine=1.0, channel=0.0))


def test_the_ring_and_the_targets_are_where_the_ball_is(turned):
    for views, radius in zip(turned, (14, 32), strict=True):
        assert preview.RING_PX[{14: "global", 32: "local"}[radius]] == radius
        for view in views:
            ball = middle(view, is_ball)
            inner = view[STRIP:, STRIP:]
            y, x = np.nonzero(is_ring(inner))
            far = np.hypot(x + 0.5 - ball[0], y + 0.5 - ball[1])
            # In whole px of the small frame: a ball of 1 px shows no better place.
            near = far < radius + 2 * UP
            assert near.sum() > 3 * radius
            np.testing.assert_allclose(far[near], radius, atol=1.5 * UP)
            columns = (view[:STRIP, STRIP:] == preview.LABEL).all(axis=-1).sum(axis=0)
            rows = (view[STRIP:, :STRIP] == preview.LABEL).all(axis=-1).sum(axis=1)
            for heights, place in ((columns, ball[0]), (rows, ball[1])):
                centre = (heights * (np.arange(len(heights)) + 0.5)).sum()
                assert abs(centre / heights.sum() - place) <= 1.5 * UP
                assert heights.max() > 0.65 * STRIP


def test_augmentation_is_what_the_task_does():
    coarse, fine = made(clips(), augmentation=STILL)
    for before, after in (coarse, fine):
        words = np.s_[STRIP + 40 :, STRIP:]  # the caption differs
        np.testing.assert_array_equal(before[words], after[words])
        np.testing.assert_array_equal(before[:STRIP], after[:STRIP])
    dark = dataclasses.replace(STILL, brightness=0.5, channel=0.5)
    coarse, _ = made(clips(ABSENT), augmentation=dark)
    corner = np.s_[-1, -1]
    assert (coarse[0][corner] != coarse[1][corner]).any()


def test_a_ball_that_is_absent_has_no_ring_and_no_target():
    batch: Any = clips(ABSENT)
    batch.labels.event_known[:] = False
    for views in made(batch, augmentation=STILL):
        for view in views:
            assert not is_ring(view).any()


def test_known_events_have_a_bar_of_their_target():
    batch: Any = clips(ABSENT)
    coarse, _ = made(batch, augmentation=STILL)
    view = coarse[0][STRIP:, STRIP:]
    columns = np.flatnonzero((view == draw.PALETTE[0]).all(axis=-1).any(axis=0))
    # cos(2 pi / 8) two steps after the event, section 5.2 of the paper.
    full = 150 * draw.scale(view)
    assert abs(columns.max() - columns.min() + 1 - np.sqrt(0.5) * full) <= 2
    assert not (view == draw.PALETTE[1]).all(axis=-1).any()


def test_a_task_without_local_stage_shows_the_frame_alone():
    task = Task(config.nano(window=Window(3), frame_hw=HW, heads=("ball_global",)))
    batch: Any = dataclasses.replace(clips(), canvas=None)
    batch = jax.tree.map(jnp.asarray, batch)
    pictures = preview.sheets(KEY, task, batch)
    assert len(pictures) == COUNT
    assert pictures[0].shape == (2 * TALL, WIDE, 3)
