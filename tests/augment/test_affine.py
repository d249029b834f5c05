import jax
import jax.numpy as jnp
import numpy as np

from ttjax.augment import affine

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
