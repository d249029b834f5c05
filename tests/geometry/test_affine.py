import jax
import jax.numpy as jnp
import numpy as np

from ttjax.geometry import affine

RNG = np.random.default_rng(0)
POINTS = jnp.asarray(RNG.normal(size=(3, 5, 2)) * 100, jnp.float32)
STRETCH = affine.stretch(jnp.array([2.0, 0.5]), jnp.array([3.0, -7.0]))
TURN = affine.turn(jnp.float32(0.3), jnp.array([40.0, 20.0]))


def test_stretch_scales_and_shifts_each_axis():
    expected = np.asarray(POINTS) * [2.0, 0.5] + [3.0, -7.0]
    got = affine.apply(STRETCH, POINTS)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


def test_turn_keeps_its_centre_and_all_distances_and_goes_from_x_to_y():
    centre = jnp.array([40.0, 20.0])
    np.testing.assert_allclose(affine.apply(TURN, centre), centre, atol=1e-5)
    moved = affine.apply(TURN, POINTS) - centre[None, None]
    before = np.linalg.norm(POINTS - centre[None, None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), before, rtol=1e-5)
    right = affine.apply(TURN, centre + jnp.array([10.0, 0.0])) - centre
    np.testing.assert_allclose(right, [10 * np.cos(0.3), 10 * np.sin(0.3)], rtol=1e-4)


def test_compose_is_one_map_after_the_other_and_inverse_the_way_back():
    both = jax.jit(affine.compose)(STRETCH, TURN)
    expected = affine.apply(STRETCH, affine.apply(TURN, POINTS))
    np.testing.assert_allclose(affine.apply(both, POINTS), expected, rtol=1e-4)
    back = affine.apply(jax.jit(affine.inverse)(both), expected)
    np.testing.assert_allclose(back, POINTS, rtol=1e-3, atol=1e-3)
