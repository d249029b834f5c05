import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.augment import affine as draws
from ttjax.geometry import affine
from ttjax.nn import resize
from ttjax.samples import ABSENT, NO_EVENT, UNKNOWN, VISIBLE, Clip, Labels, Window
from ttjax.ttnet.augmentation import Augment, moved, reversed_in_time

SOURCE_HW, FRAME_HW, CANVAS_HW, CROP_HW = (540, 960), (64, 160), (256, 392), (128, 320)
INNER_HW = draws.inner_hw(CANVAS_HW, CROP_HW, 15.0)
WINDOW = Window(2)
STILL = Augment(hflip=0.0, brightness=0.0, contrast=0.0, channel=0.0)
shrink = jax.jit(lambda image: resize.area(image, FRAME_HW))


def scene(ball_xy, centre_xy=None, state=VISIBLE):
    """A round ball on black, seen by both views; its labels; masks of the ball."""
    y, x = np.mgrid[: SOURCE_HW[0], : SOURCE_HW[1]] + 0.5
    square = (x - ball_xy[0]) ** 2 + (y - ball_xy[1]) ** 2
    image = np.round(250 * np.exp(-square / (2 * 7.0**2)))[..., None].repeat(3, 2)
    small = np.round(np.asarray(shrink(image.astype(np.float32)))).astype(np.uint8)
    middle = np.array(ball_xy if centre_xy is None else centre_xy)
    room = np.array(SOURCE_HW[::-1]) - CANVAS_HW[::-1]
    left, top = np.clip(middle - np.array(CANVAS_HW[::-1]) / 2, 0, room).astype(int)
    canvas = image[top : top + CANVAS_HW[0], left : left + CANVAS_HW[1]]
    two = functools.partial(np.repeat, repeats=2, axis=0)
    clip = Clip(
        frames=two(small[None]),
        canvas=two(canvas[None].astype(np.uint8)),
        canvas_xy=np.array([left, top], np.int32),
        source_hw=np.array(SOURCE_HW, np.int32),
        labels=Labels(
            ball_xy_px=np.tile(np.array(ball_xy, np.float32), (2, 1)),
            ball_state=np.full(2, state, np.int8),
            event_offset=np.full(1, NO_EVENT),
            event_known=np.ones(1, bool),
            masks=(small[..., :1] > 60).astype(np.uint8),
            masks_known=np.ones(1, bool),
        ),
    )
    return jax.tree.map(jnp.asarray, clip)


def centroid(image):
    value = np.asarray(image, float)[..., 0]
    value = np.where(value > 12, value, 0)
    y, x = np.mgrid[: value.shape[0], : value.shape[1]] + 0.5
    return np.array([(x * value).sum(), (y * value).sum()]) / value.sum()


moved_jitted = jax.jit(functools.partial(moved, canvas_hw=INNER_HW))
CELL = np.array(SOURCE_HW[::-1]) / np.array(FRAME_HW[::-1])


def extreme(angle_deg, keep, corner):
    """The map of a crop at a corner of the frame, turned as far as it goes."""
    size = jnp.array(SOURCE_HW[::-1], jnp.float32)
    start = jnp.array(corner) * (1 - keep) * size
    turn = affine.turn(jnp.deg2rad(angle_deg), start + keep * size / 2)
    zoom = affine.stretch(jnp.full(2, 1 / keep), -start / keep)
    return affine.compose(zoom, turn)


@pytest.mark.parametrize("ball", [(480.3, 270.8), (200.2, 130.0), (830.5, 420.4)])
@pytest.mark.parametrize("angle", [-15.0, 0.0, 15.0])
@pytest.mark.parametrize(("keep", "corner"), [(1.0, (0, 0)), (0.85, (0.0, 1.0))])
def test_the_ball_is_where_its_label_says_at_both_scales(ball, angle, keep, corner):
    clip = scene(ball)
    out = moved_jitted(clip, extreme(angle, keep, corner))
    label = np.asarray(out.labels.ball_xy_px[0])
    inside = (label > 25).all() and (label < np.array(SOURCE_HW[::-1]) - 25).all()
    seen = centroid(out.canvas[1]) + np.asarray(out.canvas_xy)
    np.testing.assert_allclose(seen, label, atol=0.5)
    if inside:
        np.testing.assert_allclose(centroid(out.frames[0]) * CELL, label, atol=0.5)
        middle = centroid(out.labels.masks.astype(np.uint8) * 200) * CELL
        np.testing.assert_allclose(middle, label, atol=4)
    assert set(np.unique(out.labels.masks)) <= {0, 1}


@pytest.mark.parametrize("angle", [-15.0, 15.0])
@pytest.mark.parametrize("middle", [(480, 270), (0, 0), (960, 540), (0, 540)])
def test_no_pixel_of_the_canvas_is_made_up_inside_the_frame(angle, middle):
    """Pixels that say where they are: what is seen at a place comes from there."""
    clip = scene((480.0, 270.0), middle)
    corner = np.asarray(clip.canvas_xy)
    ramp = np.zeros((2, *CANVAS_HW, 3), np.uint8)
    ramp[..., 0] = (np.arange(CANVAS_HW[1]) // 2)[None, None] + 1
    ramp[..., 1] = np.arange(CANVAS_HW[0])[None, :, None]
    to_frame = extreme(angle, 1.0, (0.0, 0.0))
    out = moved_jitted(clip.replace(canvas=jnp.asarray(ramp)), to_frame)
    y, x = np.mgrid[: INNER_HW[0], : INNER_HW[1]] + 0.5
    at = np.stack([x, y], -1) + np.asarray(out.canvas_xy)
    source = np.asarray(affine.apply(affine.inverse(to_frame), jnp.asarray(at)))
    local = source - corner
    real = ((source > 0.5) & (source < np.array(SOURCE_HW[::-1]) - 0.5)).all(-1)
    assert (
        ((local > 0.5) & (local < np.array(CANVAS_HW[::-1]) - 0.5)).all(-1)[real].all()
    )
    seen = np.asarray(out.canvas[0], float)[real]
    np.testing.assert_allclose(seen[:, 0], (local[real][:, 0] - 0.5) / 2 + 1, atol=1.3)
    np.testing.assert_allclose(seen[:, 1], local[real][:, 1] - 0.5, atol=1.1)


def test_a_ball_that_leaves_the_frame_is_absent_and_an_unknown_one_stays_unknown():
    to_frame = extreme(0.0, 0.85, (1.0, 1.0))
    states = [
        int(moved_jitted(scene(ball, state=state), to_frame).labels.ball_state[0])
        for ball, state in (
            ((60.0, 200.0), VISIBLE),
            ((400.0, 300.0), VISIBLE),
            ((60.0, 200.0), UNKNOWN),
        )
    ]
    assert states == [ABSENT, VISIBLE, UNKNOWN]


def test_a_share_of_the_examples_is_moved_and_every_canvas_has_one_size():
    clip = scene((480.0, 270.0))
    for share in (0.0, 0.5, 1.0):
        options = Augment(
            hflip=0.0, brightness=0.0, contrast=0.0, channel=0.0, affine=share
        )
        one = functools.partial(options.one, window=WINDOW, crop_hw=CROP_HW)
        keys = jax.random.split(jax.random.key(1), 24)
        made = jax.jit(lambda keys, one=one: jax.lax.map(lambda k: one(k, clip), keys))
        out = made(keys)
        distance = np.abs(out.labels.ball_xy_px - clip.labels.ball_xy_px[None])
        changed = (distance.max(axis=(1, 2)) > 1e-3).mean()
        assert abs(changed - share) < (0.3 if share == 0.5 else 1e-6)
        size = INNER_HW if share else CANVAS_HW
        assert out.canvas.shape[2:4] == size
        rest = np.asarray(out.canvas_xy)[distance.max(axis=(1, 2)) <= 1e-3]
        middle = rest + np.array(size[::-1]) / 2
        expected = np.asarray(clip.canvas_xy) + np.array(CANVAS_HW[::-1]) / 2
        np.testing.assert_allclose(middle - expected[None], 0, atol=1)


def test_nothing_is_changed_where_all_is_off():
    clip = scene((480.0, 270.0))
    out = STILL.one(jax.random.key(0), clip, window=WINDOW, crop_hw=CROP_HW)
    jax.tree.map(np.testing.assert_array_equal, out, clip)


def test_a_whole_frame_task_is_moved_without_a_canvas():
    clip = scene((480.0, 270.0)).replace(canvas=None)
    options = Augment(hflip=1.0, affine=1.0)
    out = jax.jit(lambda key: options.one(key, clip, window=WINDOW, crop_hw=None))(
        jax.random.key(2)
    )
    assert out.canvas is None
    expected = np.asarray(out.labels.ball_xy_px[0])
    np.testing.assert_allclose(
        centroid(np.asarray(out.frames[0])) * CELL, expected, atol=1.5
    )


def test_a_reversed_stack_ends_where_it_began_and_its_masks_are_of_another_frame():
    clip = scene((480.0, 270.0))
    three = jax.tree.map(lambda leaf: leaf, clip)
    labels = clip.labels.replace(
        ball_xy_px=jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        ball_state=jnp.array([VISIBLE, ABSENT, UNKNOWN], jnp.int8),
        event_offset=jnp.array([-2.0, NO_EVENT]),
        event_known=jnp.ones(2, bool),
    )
    ramp = jnp.arange(3, dtype=jnp.uint8)[:, None, None, None]
    three = clip.replace(
        frames=jnp.tile(ramp, (1, 4, 6, 3)), canvas=None, labels=labels
    )
    out = reversed_in_time(three, Window(3))
    np.testing.assert_array_equal(out.frames[:, 0, 0, 0], [2, 1, 0])
    np.testing.assert_array_equal(out.labels.ball_xy_px[0], [5, 6])
    np.testing.assert_array_equal(out.labels.ball_state, [UNKNOWN, ABSENT, VISIBLE])
    np.testing.assert_array_equal(out.labels.event_offset, [2, np.inf])
    assert not out.labels.masks_known.any()
    assert reversed_in_time(three, Window(3, ball_at=1)).labels.masks_known.all()
    with pytest.raises(ValueError, match="reversed about its event frame"):
        reversed_in_time(three, Window(4))


def test_a_box_hides_the_ball_in_both_views_and_makes_it_unknown():
    clip = scene((480.5, 270.5))
    options = Augment(hflip=0.0, brightness=0.0, contrast=0.0, channel=0.0, occlude=1.0)
    one = functools.partial(options.one, window=WINDOW, crop_hw=CROP_HW)
    keys = jax.random.split(jax.random.key(0), 40)
    out = jax.jit(lambda keys: jax.lax.map(lambda key: one(key, clip), keys))(keys)
    hidden = np.asarray(out.labels.ball_state[:, -1]) == UNKNOWN
    assert 0.02 < hidden.mean() < 0.9
    at = (np.array([480, 270]) - np.asarray(clip.canvas_xy)).astype(int)
    seen = np.asarray(out.canvas[:, -1, at[1], at[0]])
    assert (seen[~hidden] > 200).all()
    assert (np.ptp(seen[hidden], axis=-1) > 0).mean() > 0.8
    changed = np.asarray((out.frames != clip.frames[None]).any(axis=(1, 2, 3, 4)))
    assert changed.mean() > 0.9
