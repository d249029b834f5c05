import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera


@pytest.fixture(scope="module")
def view():
    return camera.look(
        jnp.array([0.3, -4.1, 1.8]),
        yaw=jnp.float32(0.07),
        pitch=jnp.float32(0.19),
        roll=jnp.float32(0.01),
        focal_px=jnp.float32(1400.0),
        centre_px=jnp.array([960.0, 540.0]),
    )


def test_the_camera_is_a_rotation(view: camera.Camera):
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(view.rotation) == pytest.approx(1.0, abs=1e-5)


def test_projection_equals_the_numpy_pinhole(view):
    points = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 3))
    seen = (points - np.asarray(view.position_m)) @ np.asarray(view.rotation).T
    oracle = 1400.0 * seen[:, :2] / seen[:, 2:] + [960.0, 540.0]
    xy, depth = camera.project(view, jnp.asarray(points, jnp.float32))
    np.testing.assert_allclose(xy, oracle, atol=0.01)
    np.testing.assert_allclose(depth, seen[:, 2], atol=1e-5)
    jitted, _ = jax.jit(camera.project)(view, jnp.asarray(points, jnp.float32))
    np.testing.assert_allclose(jitted, xy, atol=1e-2)


def test_turning_right_moves_the_world_left_and_turning_down_moves_it_up():
    def at(yaw, pitch, roll):
        made = camera.look(
            jnp.zeros(3),
            yaw=jnp.float32(yaw),
            pitch=jnp.float32(pitch),
            roll=jnp.float32(roll),
            focal_px=jnp.float32(1000.0),
            centre_px=jnp.array([50.0, 40.0]),
        )
        return np.asarray(camera.project(made, jnp.array([[0.0, 5.0, 0.0]]))[0][0])

    np.testing.assert_allclose(at(0.0, 0.0, 0.0), [50.0, 40.0], atol=1e-3)
    assert at(0.1, 0.0, 0.0)[0] < 50.0
    assert at(0.0, 0.1, 0.0)[1] < 40.0
    # Clockwise camera: what is below the axis moves to the right of it.
    assert at(0.0, -0.1, 0.2)[0] > 50.0


def test_a_pixel_of_a_plane_comes_back_to_itself(view):
    pixels = jnp.array([[300.0, 700.0], [960.0, 650.0], [1500.0, 800.0]])
    points = camera.on_height(view, pixels, 0.76)
    np.testing.assert_allclose(points[:, 2], 0.76, atol=1e-5)
    np.testing.assert_allclose(camera.project(view, points)[0], pixels, atol=0.01)
    direction = camera.ray(view, pixels)
    ahead = view.position_m[None] + 3.0 * direction
    xy, depth = camera.project(view, ahead)
    np.testing.assert_allclose(xy, pixels, atol=0.01)
    np.testing.assert_allclose(depth, 3.0, atol=1e-5)


def _lens(view, k1, k2):
    return dataclasses.replace(view, distortion=jnp.array([k1, k2], jnp.float32))


@pytest.mark.parametrize("lens", [(-0.2, 0.1), (-0.12, 0.0), (0.2, 0.1), (0.0, 0.0)])
def test_the_lens_equals_browns_model_in_numpy_and_undistort_inverts_it(view, lens):
    seen_by = _lens(view, *lens)
    rows, columns = np.mgrid[0:1081:60, 0:1921:60]
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    ideal = camera.undistort(seen_by, jnp.asarray(pixels, jnp.float32))
    half = np.hypot(960.0, 540.0)
    out = (np.asarray(ideal, np.float64) - [960.0, 540.0]) / half
    squared = (out**2).sum(-1, keepdims=True)
    oracle = half * out * (1 + lens[0] * squared + lens[1] * squared**2)
    oracle += [960.0, 540.0]
    np.testing.assert_allclose(oracle, pixels, atol=1e-3)
    again = camera.distort(seen_by, ideal)
    np.testing.assert_allclose(again, pixels, atol=1e-3)
    jitted = jax.jit(camera.undistort)(seen_by, jnp.asarray(pixels, jnp.float32))
    np.testing.assert_allclose(jitted, ideal, atol=1e-3)


def test_without_distortion_pixels_are_ideal_to_the_bit(view):
    pixels = jnp.array([[300.3, 700.1], [960.0, 650.5], [0.5, 0.5]])
    np.testing.assert_array_equal(camera.undistort(view, pixels), pixels)
    np.testing.assert_array_equal(camera.distort(view, pixels), pixels)
    assert camera.ROUNDS >= 3
