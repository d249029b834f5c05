from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.augment import affine
from ttjax.geometry import affine as plane

RNG = np.random.default_rng(0)
IMAGE = jnp.array(RNG.integers(0, 256, (2, 4, 6, 3)), jnp.uint8)
POINTS = jnp.array([[0.0, 1.0], [1.5, 2.0], [6.0, 3.0]])


def flipped(key, probability):
    return affine.hflip(
        key,
        {"a": IMAGE, "b": IMAGE[:, :2, :3]},
        POINTS,
        width_px=jnp.float32(6.0),
        probability=probability,
    )


def test_hflip_moves_points_with_their_pixels():
    images, points = flipped(jax.random.key(0), 1.0)
    np.testing.assert_array_equal(images["a"], np.asarray(IMAGE)[:, :, ::-1])
    np.testing.assert_array_equal(images["b"], np.asarray(IMAGE)[:, :2, 2::-1])
    np.testing.assert_allclose(points, [[6.0, 1.0], [4.5, 2.0], [0.0, 3.0]])
    # The centre of pixel i, i + 0.5, lands on the centre of pixel w - 1 - i.
    mark = jnp.zeros((1, 1, 6, 3), jnp.uint8).at[0, 0, 1].set(255)
    image, point = affine.hflip(
        jax.random.key(0),
        mark,
        jnp.array([1.5, 0.5]),
        width_px=jnp.float32(6.0),
        probability=1.0,
    )
    assert int(image[0, 0, :, 0].argmax()) + 0.5 == float(point[0])


def test_hflip_twice_is_nothing_and_probability_zero_is_nothing():
    images, points = flipped(jax.random.key(1), 1.0)
    images, points = affine.hflip(
        jax.random.key(2), images, points, width_px=jnp.float32(6.0), probability=1.0
    )
    np.testing.assert_array_equal(images["a"], IMAGE)
    np.testing.assert_allclose(points, POINTS)
    images, points = flipped(jax.random.key(1), 0.0)
    np.testing.assert_array_equal(images["a"], IMAGE)
    np.testing.assert_array_equal(points, POINTS)


def test_hflip_is_drawn_from_its_key_and_jits():
    keys = jax.random.split(jax.random.key(3), 400)
    move = jax.jit(
        jax.vmap(
            lambda key: affine.hflip(
                key, IMAGE, POINTS, width_px=jnp.float32(6.0), probability=0.5
            )
        )
    )
    images, points = move(keys)
    moved = np.asarray(points[:, 0, 0]) == 6.0
    assert 0.4 < moved.mean() < 0.6
    same = (np.asarray(images) == np.asarray(IMAGE)).all(axis=(1, 2, 3, 4))
    np.testing.assert_array_equal(same, ~moved)
    again = move(keys)
    np.testing.assert_array_equal(images, again[0])


SIZE_WH = jnp.array([1920.0, 1080.0])


def test_draw_keeps_what_it_says_and_turns_about_the_middle_of_the_crop():
    keys = jax.random.split(jax.random.key(3), 200)

    def one(key):
        return affine.draw(key, SIZE_WH, keep=(0.85, 1.0), rotation_deg=15.0)

    maps = np.asarray(jax.jit(jax.vmap(one))(keys), np.float64)
    angles = np.degrees(np.arctan2(-maps[:, 0, 1], maps[:, 0, 0]))
    zoom = np.linalg.norm(maps[:, :, :2], axis=2)
    assert 14 < np.abs(angles).max() <= 15.01
    assert np.abs(angles.mean()) < 2
    assert 1 - 1e-4 <= zoom.min() < 1.02
    assert 1.15 < zoom.max() <= 1 / 0.85 + 1e-4
    assert np.corrcoef(zoom.T)[0, 1] < 0.3
    back = [np.linalg.inv(np.vstack([m, [0, 0, 1]])) for m in maps]
    middles = np.array([(b @ [960, 540, 1])[:2] for b in back])
    assert (np.abs(middles - [960, 540]) <= 0.075 * np.array([1920, 1080]) + 1e-2).all()
    nothing = affine.draw(keys[0], SIZE_WH, keep=(1.0, 1.0), rotation_deg=0.0)
    np.testing.assert_allclose(nothing, [[1, 0, 0], [0, 1, 0]], atol=1e-4)


def blob(xy, hw, sigma=4.0):
    y, x = np.mgrid[: hw[0], : hw[1]] + 0.5
    value = 200 * np.exp(-((x - xy[0]) ** 2 + (y - xy[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(value)[None, :, :, None], 2, axis=0).astype(np.uint8)


def centre(image):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    weight = image.astype(float)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def test_warp_moves_pixels_as_the_map_moves_points():
    image = blob((61.3, 40.8), (80, 120))
    to_input = plane.compose(
        plane.stretch(jnp.array([0.9, 1.1]), jnp.array([5.0, -3.0])),
        plane.turn(jnp.float32(0.25), jnp.array([50.0, 40.0])),
    )
    out = jax.jit(lambda i, m: affine.warp(i, m, out_hw=(90, 110)))(image, to_input)
    assert out.shape == (2, 90, 110, 1)
    assert out.dtype == jnp.uint8
    expected = plane.apply(plane.inverse(to_input), jnp.array([61.3, 40.8]))
    np.testing.assert_allclose(centre(np.asarray(out)[1, ..., 0]), expected, atol=0.1)
    same = affine.warp(
        image, plane.stretch(jnp.ones(2), jnp.zeros(2)), out_hw=(80, 120)
    )
    np.testing.assert_array_equal(same, image)


def test_warp_is_the_bilinear_formula_and_goes_on_beyond_the_border():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (1, 5, 6, 3)).astype(np.uint8)
    shift = plane.stretch(jnp.ones(2), jnp.array([1.25, -2.0]))
    out = np.asarray(affine.warp(image, shift, out_hw=(5, 6)), float)
    margin: Any = ((2, 0), (0, 3), (0, 0))
    padded = np.pad(image[0].astype(float), margin, mode="edge")
    expected = 0.75 * padded[:5, 1:7] + 0.25 * padded[:5, 2:8]
    np.testing.assert_allclose(out[0], expected, atol=0.51)


@pytest.mark.parametrize("degrees", [0.0, 7.0, 15.0])
def test_inner_hw_stays_inside_when_turned(degrees):
    h, w = affine.inner_hw((256, 392), (128, 320), degrees)
    assert h - 128 == w - 320
    assert h >= 128
    angle = np.radians(degrees)
    assert w * np.cos(angle) + h * np.sin(angle) <= 388
    assert h * np.cos(angle) + w * np.sin(angle) <= 252
    grown = ((w + 4) * np.cos(angle) + (h + 4) * np.sin(angle)) > 388
    assert grown or ((h + 4) * np.cos(angle) + (w + 4) * np.sin(angle)) > 252


def test_inner_hw_says_what_a_turned_crop_needs():
    with pytest.raises(ValueError, match="needs 211x347, got a canvas of 160x368"):
        affine.inner_hw((160, 368), (128, 320), 15.0)


def test_pick_takes_the_nearest_name_and_makes_up_none():
    names = jnp.array(RNG.integers(0, 256, (9, 13)), jnp.uint8)
    turn = plane.turn(jnp.float32(0.3), jnp.array([6.0, 4.0]))
    to = plane.compose(turn, plane.stretch(jnp.array([0.7, 1.3]), jnp.array([1.1, -2])))
    got = jax.jit(lambda names: affine.pick(names, to, out_hw=(7, 11)))(names)
    for i in range(7):
        for j in range(11):
            x, y = np.asarray(to[:, :2]) @ [j + 0.5, i + 0.5] + np.asarray(to[:, 2])
            at = int(np.clip(y // 1, 0, 8)), int(np.clip(x // 1, 0, 12))
            assert got[i, j] == names[at]
    nothing = plane.stretch(jnp.ones(2), jnp.zeros(2))
    np.testing.assert_array_equal(affine.pick(names, nothing, out_hw=(9, 13)), names)
