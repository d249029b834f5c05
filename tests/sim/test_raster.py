import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import film, primitives, raster, render

HW = (270, 480)


@pytest.fixture(scope="module")
def lens():
    """A camera whose lens moves the corners by an eighth."""
    return pinhole.look(
        jnp.array([0.3, -4.1, 1.8]),
        yaw=jnp.float32(0.0),
        pitch=jnp.float32(0.19),
        roll=jnp.float32(0.0),
        focal_px=jnp.float32(350.0),
        centre_px=jnp.array([240.0, 135.0]),
        distortion=jnp.array([-0.12, 0.0]),
    )


def _straight(camera):
    return dataclasses.replace(camera, distortion=jnp.zeros(2))


def _quad(corners, alpha=1.0):
    return primitives.quads(
        jnp.array([corners], jnp.float32),
        primitives.material(jnp.array([200.0, 100.0, 0.0])),
        alpha=alpha,
    )


def _painted(shapes, view, seen: raster.Raster):
    empty = jnp.zeros((7, *view.size_hw), jnp.int16)
    return np.asarray(raster.paint(empty, shapes, view, seen, render.blend))


def test_a_tile_that_sticks_out_is_not_painted_twice(lens):
    view = raster.View((20, 30), (16, 24))
    half = _quad([[2.0, 3.0], [28.0, 3.0], [28.0, 19.0], [2.0, 19.0]], alpha=0.5)
    seen = raster.raster(_straight(lens), view, jnp.zeros(2, jnp.int32))
    want = np.zeros((20, 30))
    want[3:19, 2:28] = 100 * film.FIXED
    np.testing.assert_allclose(_painted(half, view, seen)[0], want, atol=1)


def test_tiles_reach_whatever_a_lens_and_blur_move_into_them(lens):
    """Tiles give the picture that is given without them."""
    corners = [[20.0, 12.0], [430.0, 30.0], [455.0, 250.0], [60.0, 262.0]]
    for blur in (0.0, 2.0):
        views = raster.View((90, 160), (16, 24)), raster.View((90, 160), (90, 160))
        assert [view.whole for view in views] == [False, True]
        planes = [
            _painted(
                _quad(corners),
                view,
                raster.raster(
                    lens, view, jnp.zeros(2, jnp.int32), (3.0, 3.0), blur_px=blur
                ),
            )
            for view in views
        ]
        np.testing.assert_array_equal(planes[0], planes[1])


def test_a_pixel_shows_what_the_lens_shows_there(lens):
    """The coverage of a quad whose corners are distorted by an oracle."""
    view = raster.View(HW, (48, 64))
    seen = raster.raster(lens, view, jnp.zeros(2, jnp.int32))
    inside = _painted(
        _quad([[30.0, 20.0], [440.0, 20.0], [440.0, 250.0], [30.0, 250.0]]), view, seen
    )[0]
    y, x = np.mgrid[: HW[0], : HW[1]] + 0.5
    out = np.stack([x - 240.0, y - 135.0], axis=-1) / np.hypot(240.0, 135.0)
    radius = np.linalg.norm(out, axis=-1)
    table = np.linspace(0.0, 1.6, 4000)
    ideal = np.interp(radius, table * (1 - 0.12 * table**2), table)
    scale = (ideal / np.maximum(radius, 1e-9))[..., None]
    at = out * scale * np.hypot(240.0, 135.0) + [240.0, 135.0]
    gap = np.minimum(at - [30.0, 20.0], [440.0, 250.0] - at).min(axis=-1)
    clear = np.abs(gap) > 1.0
    shown = inside > 100 * film.FIXED
    np.testing.assert_array_equal(shown[clear], (gap > 0)[clear])


def test_without_a_shift_a_shaken_view_is_the_still_one_to_the_bit(lens):
    plain = raster.crop((40, 60), tiled=True)
    view = raster.crop((40, 60), tiled=True, shaken=True, source_width=480)
    assert view.margin >= np.ceil(film.SHAKE * 480)
    assert plain.margin == 0
    assert view.padded.size_hw == (40 + 2 * view.margin, 60 + 2 * view.margin)
    origin = jnp.array([200, 100], jnp.int32)
    seen = raster.raster(lens, view, origin)
    planes = jnp.asarray(
        np.random.default_rng(0).integers(0, 16000, (7, *view.padded.size_hw)),
        jnp.int16,
    )
    run = jax.jit(lambda shift: raster.shaken(seen, planes, view, shift))
    still, cut = run(jnp.zeros(2))
    m = view.margin
    np.testing.assert_array_equal(cut, planes[:, m:-m, m:-m])
    want = raster.raster(lens, plain, origin)
    np.testing.assert_allclose(still.x, want.x, atol=1e-4)
    np.testing.assert_array_equal(still.origin_xy, want.origin_xy)
    same, untouched = raster.shaken(want, planes, plain, jnp.ones(2))
    assert same is want
    assert untouched is planes
    # By whole pixels it is a slice; by parts of them the mean of its neighbours.
    moved, cut = run(jnp.array([1.0, -1.0]))
    np.testing.assert_array_equal(cut, planes[:, m - 1 : -m - 1, m + 1 : 1 - m])
    np.testing.assert_array_equal(moved.origin_xy, origin + jnp.array([1.0, -1.0]))
    _, cut = run(jnp.array([0.25, 0.0]))
    inner = np.asarray(planes, float)[:, m:-m]
    want_cut = 0.75 * inner[:, :, m:-m] + 0.25 * inner[:, :, m + 1 : 1 - m]
    np.testing.assert_allclose(cut, want_cut, atol=0.51)


def test_pixels_lie_a_step_apart_and_see_as_much_as_blur_lets_them(lens):
    view = raster.scaled((27, 48), tiled=True)
    assert not view.compressed
    step = jnp.array([10.0, 10.0])
    x, y = raster.centres(view, jnp.zeros(2), step)
    np.testing.assert_allclose([x[0], x[-1], y[0], y[-1]], [5.0, 475.0, 5.0, 265.0])
    seen = raster.raster(_straight(lens), view, jnp.zeros(2, jnp.int32), step)
    np.testing.assert_array_equal(seen.x[0], x)
    np.testing.assert_array_equal(seen.y[:, 0], y)
    np.testing.assert_array_equal(seen.sees_xy, step)
    wide = raster.raster(
        _straight(lens), view, jnp.zeros(2, jnp.int32), step, blur_px=2.0
    )
    # Variances of a pixel's square and of the blur add.
    np.testing.assert_allclose(wide.sees_xy**2 / 12, step**2 / 12 + 4.0, rtol=1e-5)
