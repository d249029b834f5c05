import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import actors, primitives, render

FPS = 120.0
SOURCE_HW = (1080, 1920)
NUMBER = jnp.int32(17)
WIDE_HW = (128, 320)


@functools.cache
def _renderer(view):
    def run(scene, moment, origin, ball):
        background = render.static(scene, view, origin)
        planes = render.frame(
            scene, background, moment, NUMBER, FPS, view, origin, ball=ball
        )
        return planes, render.expose(scene, planes, NUMBER, view, origin)

    return jax.jit(run)


def _picture(scene, moment, view, origin=(0, 0), ball=1.0):
    planes, image = _renderer(view)(
        scene, moment, jnp.array(origin, jnp.int32), jnp.float32(ball)
    )
    return np.asarray(planes), np.asarray(image)


@pytest.fixture(scope="module")
def whole(hall_scene, moment):
    return _picture(hall_scene, moment, render.crop(SOURCE_HW, tiled=True))


@pytest.fixture(scope="module")
def quiet(hall_scene):
    zero = jnp.zeros(())
    return dataclasses.replace(hall_scene, noise=zero, flicker=zero)


@pytest.mark.slow
def test_a_crop_at_any_origin_equals_that_part_of_the_whole_frame(
    hall_scene, moment, whole
):
    height, width = 160, 352
    label, _ = actors.ball_label(hall_scene, moment, FPS, SOURCE_HW)
    x, y = (int(v) for v in label)
    origins = [(0, 0), (1568, 920), (x - 170, y - 75), (301, 377), (1203, 333)]
    for x, y in origins:
        view = render.crop((height, width), tiled=True)
        planes, image = _picture(hall_scene, moment, view, (x, y))
        np.testing.assert_array_equal(image, whole[1][y : y + height, x : x + width])
        np.testing.assert_array_equal(
            planes, whole[0][:, y : y + height, x : x + width]
        )


def test_the_wide_view_looks_like_the_whole_frame_downscaled_by_area(
    hall_scene, moment, whole
):
    cv2 = pytest.importorskip("cv2")
    view = render.scaled(SOURCE_HW, WIDE_HW, tiled=True)
    planes, image = _picture(hall_scene, moment, view)
    oracle = cv2.resize(whole[1], WIDE_HW[::-1], interpolation=cv2.INTER_AREA)
    error = np.abs(image.astype(float) - oracle)
    assert error.mean() < 1.5
    assert np.percentile(error, 99) < 14
    masks = np.asarray(render.masks(jnp.asarray(planes)))
    full = np.asarray(render.masks(jnp.asarray(whole[0])))
    full = cv2.resize(full * 255, WIDE_HW[::-1], interpolation=cv2.INTER_AREA) > 127
    for channel in range(3):
        both = (full[..., channel] & (masks[..., channel] > 0)).sum()
        either = (full[..., channel] | (masks[..., channel] > 0)).sum()
        assert either > 0
        assert both / either > 0.85, channel


@pytest.mark.parametrize("wide", [False, True])
def test_the_ball_is_where_its_label_says(quiet, moment, wide):
    label, seen = actors.ball_label(quiet, moment, FPS, SOURCE_HW)
    assert bool(seen)
    if wide:
        view = render.scaled(SOURCE_HW, WIDE_HW, tiled=True)
        origin = (0, 0)
    else:
        view = render.crop((160, 352), tiled=True)
        origin = (int(label[0]) - 150, int(label[1]) - 70)
    _, image = _picture(quiet, moment, view, origin)
    _, without = _picture(quiet, moment, view, origin, ball=0.0)
    change = np.abs(image.astype(float) - without).sum(-1)
    assert change.max() > (10 if wide else 60)
    contrast = change[:, :, None]
    y, x = np.mgrid[: view.size_hw[0], : view.size_hw[1]]
    grid = np.stack([x, y], axis=-1) + 0.5
    centre = (contrast * grid).sum((0, 1)) / contrast.sum()
    centre = centre * view.step_xy + origin
    # Half a pixel of the picture; contrast with what lies behind may tilt the mean.
    np.testing.assert_array_less(np.abs(centre - label), 0.5 * np.array(view.step_xy))


def test_a_stack_painted_everywhere_equals_its_frames_painted_in_tiles(
    hall_scene, moment
):
    tiled = render.scaled(SOURCE_HW, WIDE_HW, tiled=True)
    whole = render.View(WIDE_HW, tiled.step_xy, WIDE_HW)
    assert whole.whole
    assert not tiled.whole
    moments = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), moment)
    numbers, corner = jnp.array([3, 17]), jnp.zeros(2, jnp.int32)
    images, masks = jax.jit(
        lambda s, m: render.render(s, m, numbers, FPS, whole, corner)
    )(hall_scene, moments)
    planes, image = _picture(hall_scene, moment, tiled)
    assert np.abs(np.asarray(images[1]).astype(int) - image).max() <= 1
    assert (np.asarray(images[0]) != np.asarray(images[1])).any()
    same = np.asarray(masks[1]) == np.asarray(render.masks(jnp.asarray(planes)))
    assert same.mean() > 0.999


def test_brightness_is_that_of_real_frames(whole):
    # The real ones: means of 36 to 73 per channel, standard deviations of 33 to 61.
    mean, deviation = whole[1].mean((0, 1)), whole[1].std((0, 1))
    assert (mean > 15).all()
    assert (mean < 110).all()
    assert (deviation > 10).all()


def test_a_tile_that_sticks_out_is_not_painted_twice():
    view = render.View((20, 30), (1.0, 1.0), (16, 24))
    half = primitives.quads(
        jnp.array([[[2.0, 3.0], [28.0, 3.0], [28.0, 19.0], [2.0, 19.0]]]),
        primitives.material(jnp.array([200.0, 100.0, 0.0])),
        alpha=0.5,
    )
    empty = jnp.zeros((7, 20, 30), jnp.int16)
    painted = np.asarray(render.paint(empty, half, view, jnp.zeros(2, jnp.int32)))
    want = np.zeros((20, 30))
    want[3:19, 2:28] = 100 * render.FIXED
    np.testing.assert_allclose(painted[0], want, atol=1)
