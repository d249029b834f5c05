import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import film, primitives, raster, render

SOURCE_HW = (1080, 1920)
WIDE_HW = (128, 320)
WIDE_STEP = (1920 / 320, 1080 / 128)
PART_HW = (240, 416)
"""A part of the source frame that holds smaller windows."""


def _film(scene, **changes):
    values = {name: jnp.asarray(value, jnp.float32) for name, value in changes.items()}
    return dataclasses.replace(scene, film=dataclasses.replace(scene.film, **values))


@pytest.fixture(scope="module")
def shapes_and_label(quiet, moment, number, act):
    return act(quiet, moment, number)


@pytest.fixture(scope="module")
def origin(shapes_and_label):
    """Of a part around the ball, a multiple of a codec's blocks."""
    x, y = (float(value) for value in shapes_and_label[1].xy_px)
    corner = np.array([x - PART_HW[1] / 2, y - PART_HW[0] / 2]) // film.BLOCK
    return tuple(int(v) for v in film.BLOCK * corner)


@pytest.fixture(scope="module")
def part():
    return raster.crop(PART_HW, tiled=True, shaken=True)


@pytest.mark.parametrize("shaken", [False, True])
def test_a_crop_at_any_origin_equals_that_part_of_a_larger_one(
    hall_scene, moment, number, act, paint_frame, part, window, origin, shaken
):
    scene = hall_scene
    if shaken:
        scene = _film(
            scene,
            shake=[[0.003, 9.0, 1.0], [0.002, 7.0, 0.5]],
            compression=4.0,
            gamma=0.9,
            mains=[0.1, 100.0, 0.3],
            readout_s=0.01,
            blur_px=0.8,
        )
        lens = scene.camera.replace(distortion=jnp.array([-0.05, 0.01]))
        scene = dataclasses.replace(scene, camera=lens)
    shapes, _ = act(scene, moment, number)
    planes, image, masks = paint_frame(part, scene, shapes, number, origin)
    height, width = window.size_hw
    for right, down in ((0, 0), (128, 72), (248, 144)):
        corner = (origin[0] + right, origin[1] + down)
        got = paint_frame(window, scene, shapes, number, corner)
        here = (slice(down, down + height), slice(right, right + width))
        if not shaken:
            np.testing.assert_array_equal(got[0], planes[:, *here])
            np.testing.assert_array_equal(got[1], image[here])
            np.testing.assert_array_equal(got[2], masks[here])
        else:
            gap = np.abs(got[1].astype(int) - image[here])
            assert np.percentile(gap, 99.9) <= 2
            assert (got[2] == masks[here]).mean() > 0.999


@pytest.fixture(scope="module")
def wide():
    return raster.scaled(WIDE_HW, tiled=True)


def test_the_wide_view_is_the_area_mean_of_the_source_pixels(
    quiet, shapes_and_label, number, paint_frame, part, origin, wide
):
    cv2 = pytest.importorskip("cv2")
    shapes, _ = shapes_and_label
    # Half of the scale on either axis: its first quarter shows the same place.
    _, fine, fine_masks = paint_frame(part, quiet, shapes, number, origin)
    half = (PART_HW[0] // 2, PART_HW[1] // 2)
    coarse = paint_frame(part, quiet, shapes, number, origin, (2.0, 2.0))
    image, masks = (leaf[: half[0], : half[1]] for leaf in coarse[1:])
    oracle = cv2.resize(fine, half[::-1], interpolation=cv2.INTER_AREA)
    error = np.abs(image.astype(float) - oracle)
    assert error.mean() < 1.5
    assert np.percentile(error, 99) < 14
    full = cv2.resize(fine_masks * 255, half[::-1], interpolation=cv2.INTER_AREA) > 127
    both, either = (full & (masks > 0)).sum(), (full | (masks > 0)).sum()
    assert both / either > 0.9
    _, image, masks = paint_frame(wide, quiet, shapes, number, (0, 0), WIDE_STEP)
    assert (masks.sum(axis=(0, 1)) > 0).all()
    # The real ones: means of 36 to 73 per channel, standard deviations of 33 to 61.
    mean, deviation = image.mean((0, 1)), image.std((0, 1))
    assert (mean > 15).all()
    assert (mean < 120).all()
    assert (deviation > 10).all()


def test_the_ball_is_where_its_label_says(
    quiet, moment, number, act, paint_frame, part, origin, wide
):
    shapes, label = act(quiet, moment, number)
    empty, _ = act(quiet, moment, number, 0.0)
    assert bool(label.visible)
    cases = ((part, origin, (1.0, 1.0)), (wide, (0, 0), WIDE_STEP))
    for view, corner, step in cases:
        _, image, _ = paint_frame(view, quiet, shapes, number, corner, step)
        _, without, _ = paint_frame(view, quiet, empty, number, corner, step)
        change = np.abs(image.astype(float) - without).sum(-1)
        assert change.max() > (10 if view is wide else 60)
        y, x = np.mgrid[: view.size_hw[0], : view.size_hw[1]]
        grid = np.stack([x, y], axis=-1) + 0.5
        centre = (change[..., None] * grid).sum((0, 1)) / change.sum()
        centre = centre * step + corner
        # Half a pixel of the picture; contrast with what is behind may tilt the mean.
        gap = np.abs(centre - np.asarray(label.xy_px))
        np.testing.assert_array_less(gap, 0.6 * np.array(step))


def test_what_is_shaken_and_bent_stays_where_its_label_says(
    quiet, moment, number, act, paint_frame, part, origin
):
    scene = _film(quiet, shake=[[0.003, 9.0, 1.0], [0.002, 7.0, 0.5]])
    lens = scene.camera.replace(distortion=jnp.array([-0.08, 0.02]))
    scene = dataclasses.replace(scene, camera=lens)
    shapes, label = act(scene, moment, number)
    empty, _ = act(scene, moment, number, 0.0)
    corner = tuple(
        int(v) - size // 2 for v, size in zip(label.xy_px, PART_HW[::-1], strict=True)
    )
    _, image, _ = paint_frame(part, scene, shapes, number, corner)
    _, without, _ = paint_frame(part, scene, empty, number, corner)
    change = np.abs(image.astype(float) - without).sum(-1)
    y, x = np.mgrid[: PART_HW[0], : PART_HW[1]]
    grid = np.stack([x, y], axis=-1) + 0.5
    centre = (change[..., None] * grid).sum((0, 1)) / change.sum() + corner
    np.testing.assert_allclose(centre, label.xy_px, atol=0.6)


@pytest.mark.slow
def test_painted_everywhere_it_equals_what_is_painted_in_tiles(
    hall_scene, moment, number, act, wide, paint_frame
):
    shapes, _ = act(hall_scene, moment, number)
    planes, image, masks = paint_frame(
        wide, hall_scene, shapes, number, (0, 0), WIDE_STEP
    )
    everywhere = dataclasses.replace(wide, tile_hw=WIDE_HW)
    assert everywhere.whole

    @jax.jit
    def run(scene, planes, shapes):
        still = render.Still(
            planes,
            planes,
            raster.raster(
                scene.camera, wide, jnp.zeros(2, jnp.int32), jnp.array(WIDE_STEP)
            ),
        )
        two = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), shapes)
        numbers = jnp.stack([number + 1, number])
        return render.render(scene, still, two, numbers, everywhere)

    @jax.jit
    def ground(scene):
        return render.static(scene, wide, jnp.zeros(2, jnp.int32), WIDE_STEP)

    images, shown = run(hall_scene, ground(hall_scene).planes, shapes)
    assert np.abs(np.asarray(images[1]).astype(int) - image).max() <= 1
    assert (np.asarray(images[0]) != np.asarray(images[1])).any()
    assert (np.asarray(shown[1]) == masks).mean() > 0.999
    np.testing.assert_array_equal(render.masks(jnp.asarray(planes)), masks)


def test_a_pushed_table_is_seen_elsewhere_from_then_on(
    draw_scene, quiet, moment, number, act, paint_frame, wide
):
    seconds = number / 120.0
    pushed = draw_scene(jax.random.key(3), variety=1.0, fps=120.0)
    pushed = dataclasses.replace(pushed, push_s=jnp.float32(seconds + 0.01))
    later = dataclasses.replace(pushed, push_s=jnp.float32(seconds - 0.01))
    shapes, _ = act(pushed, moment, number)
    table = primitives.MASKS.index("table")
    before, after = (
        paint_frame(wide, scene, shapes, number, (0, 0), WIDE_STEP)[2][..., table]
        for scene in (pushed, later)
    )
    assert before.sum() > 100
    assert 0 < (before != after).sum() < before.sum()


def test_a_shape_is_blended_by_its_cover_and_hidden_by_what_is_in_front():
    y, x = jnp.mgrid[:6, :8] + 0.5
    shape = primitives.quads(
        jnp.array([[0.0, 0.0], [8.0, 0.0], [8.0, 6.0], [0.0, 6.0]]),
        primitives.material(jnp.array([200.0, 100.0, 0.0]), "humans"),
        alpha=0.5,
    )
    planes = jnp.zeros((7, 6, 8), jnp.int16)
    planes = planes.at[3, :, :4].set(int(primitives.SOLID * film.FIXED))
    plain = render.blend(planes, shape, x, y, (1.0, 1.0), None, (2, 2))
    np.testing.assert_array_equal(plain[0], 100 * film.FIXED)
    hidden = dataclasses.replace(shape, behind=jnp.array([1.0, 0.0]))
    got = render.blend(planes, hidden, x, y, (1.0, 1.0), None, (2, 2))
    np.testing.assert_array_equal(got[0, :, :4], 0)
    np.testing.assert_array_equal(got[0, :, 4:], 100 * film.FIXED)


def test_a_frame_is_exposed_by_its_number(
    hall_scene, shapes_and_label, number, paint_frame, window, origin
):
    shapes, _ = shapes_and_label
    one = paint_frame(window, hall_scene, shapes, number, origin)
    again = paint_frame(window, hall_scene, shapes, number, origin)
    other = paint_frame(window, hall_scene, shapes, number + 1, origin)
    np.testing.assert_array_equal(one[1], again[1])
    np.testing.assert_array_equal(one[0], other[0])
    assert (one[1] != other[1]).mean() > 0.5


def test_a_frame_has_all_planes_and_a_picture_three(hall_scene, shapes_and_label, part):
    def both(scene, shapes):
        still = render.static(scene, part, jnp.zeros(2, jnp.int32))
        planes = render.frame(scene, still, shapes, jnp.int32(3), part)
        return planes, render.expose(scene, still, planes, jnp.int32(3), part)

    planes, picture = jax.eval_shape(both, hall_scene, shapes_and_label[0])
    assert (planes.shape, planes.dtype) == ((7, *PART_HW), jnp.int16)
    assert (picture.shape, picture.dtype) == ((*PART_HW, 3), jnp.uint8)
