import jax
import jax.numpy as jnp
import numpy as np

from ttjax.augment import occlude
from ttjax.geometry import affine


def test_draw_stays_near_and_within_its_sizes():
    near = jnp.array([500.0, 300.0])
    keys = jax.random.split(jax.random.key(0), 300)
    draw = jax.jit(jax.vmap(lambda key: occlude.draw(key, near)))
    boxes, colours = draw(keys)
    assert colours.dtype == jnp.uint8
    size = np.asarray(boxes[:, 1] - boxes[:, 0])
    assert size.min() >= 20
    assert size.max() <= 120.01
    assert size.max() > 100
    middle = np.asarray(boxes).mean(axis=1)
    np.testing.assert_allclose(middle.mean(axis=0), near, atol=15)
    np.testing.assert_allclose(middle.std(axis=0), 60, atol=12)


def test_covers_is_half_open_like_pixels():
    box = jnp.array([[10.0, 20.0], [30.0, 40.0]])
    points = jnp.array([[10.0, 20.0], [29.9, 39.9], [30.0, 25.0], [9.9, 25.0]])
    np.testing.assert_array_equal(occlude.covers(box, points), [1, 1, 0, 0])
    assert occlude.covers(box, points[1])


def test_paint_covers_the_same_place_in_views_of_any_scale():
    box, colour = (
        jnp.array([[40.0, 16.0], [80.0, 48.0]]),
        jnp.array([9, 8, 7], jnp.uint8),
    )
    image = jnp.full((2, 16, 20, 3), 100, jnp.uint8)
    to_source = affine.stretch(jnp.array([8.0, 4.0]), jnp.zeros(2))
    out = np.asarray(jax.jit(occlude.paint)(image, box, colour, to_source))
    expected = np.full((2, 16, 20, 3), 100)
    expected[:, 4:12, 5:10] = [9, 8, 7]
    np.testing.assert_array_equal(out, expected)
