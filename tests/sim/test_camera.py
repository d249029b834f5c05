import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.geometry import fields_of_play as field
from ttjax.sim import camera
from ttjax.sim.draws import Uniforms

DRAWS = 64
SIZES = ((360, 640), (720, 1280), (1080, 1920), (576, 720))
HALF_X, HALF_Y = field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2
CORNERS = np.array(
    [
        [-HALF_X, -HALF_Y, 0.76],
        [-HALF_X, HALF_Y, 0.76],
        [HALF_X, HALF_Y, 0.76],
        [HALF_X, -HALF_Y, 0.76],
    ],
    np.float32,
)
POST = HALF_Y + field.NET_OVERHANG_M
NET = np.array(
    [[0, -POST, 0.76], [0, POST, 0.76], [0, POST, 0.9125], [0, -POST, 0.9125]],
    np.float32,
)


def _draw(key, source_hw, rig, variety):
    return camera.draw(Uniforms(key, 100), source_hw, rig, variety)


draw_many = jax.jit(jax.vmap(_draw, in_axes=(0, None, None, None)))


def _many(name, source_hw=camera.SOURCE_HW, variety=0.0):
    keys = jax.random.split(jax.random.key(5), DRAWS)
    size = jnp.array(source_hw, jnp.int32)
    rig = jnp.int32(camera.RIGS.index(name))
    return draw_many(keys, size, rig, jnp.float32(variety))


@jax.jit
@jax.vmap
def _seen(drawn):
    points = jnp.concatenate([jnp.asarray(CORNERS), jnp.asarray(NET)])
    ideal, depth = pinhole.project(drawn, points)
    return pinhole.distort(drawn, ideal), depth


def _area(corners_px):
    x, y = corners_px[..., 0], corners_px[..., 1]
    ahead_x, ahead_y = np.roll(x, -1, axis=-1), np.roll(y, -1, axis=-1)
    return 0.5 * np.abs((x * ahead_y - y * ahead_x).sum(axis=-1))


def test_the_table_stands_where_it_stands_in_real_side_views():
    # Ranges over the public clips of OpenTTGames, widened by 60 px.
    low = np.array([[230, 480], [440, 400], [1190, 400], [1310, 570]])
    high = np.array([[520, 850], [690, 700], [1440, 700], [1600, 850]])
    corners = np.asarray(_seen(_many("side"))[0])[:, :4]
    assert (corners > low).all(), corners.min(axis=0)
    assert (corners < high).all(), corners.max(axis=0)


def test_another_frame_size_sees_the_same():
    half = np.asarray(_seen(_many("side", (540, 960)))[0])
    np.testing.assert_allclose(2 * half, _seen(_many("side"))[0], atol=0.01)


@pytest.mark.parametrize("name", camera.RIGS)
@pytest.mark.parametrize("variety", [0.0, 1.0])
def test_the_whole_table_is_in_the_picture_and_its_net_is_seen(name, variety):
    for height, width in SIZES:
        at, depth = (
            np.asarray(v) for v in _seen(_many(name, (height, width), variety))
        )
        assert (depth > 1.0).all()
        assert (at > 0.0).all(), (name, variety, at.min())
        assert (at < [width, height]).all(), (name, variety, at.max())
        # Neither a speck nor edge-on.
        assert (_area(at[:, :4]) > 0.008 * width * height).all()
        assert (_area(at[:, 4:]) > 6e-5 * width * height).all()


def test_every_rig_stands_where_its_name_says():
    for name in camera.RIGS:
        drawn = _many(name, variety=1.0)
        x, y, z = np.asarray(drawn.position_m).T
        away = np.hypot(x, y)
        assert (z > 1.0).all()
        if name == "side":
            assert (y < -3.0).all()
            assert (np.abs(x) < 1.0).all()
        elif name == "far_side":
            assert (y > 3.0).all()
        elif name == "behind":
            assert (np.abs(x) > 4.0).all()
            assert (x < 0).any()
            assert (x > 0).any()
        elif name == "broadcast":
            assert (away > 8.5).all()
            assert (z > 4.5).all()
            # Mostly across the table, the net edge-on.
            assert np.median(np.arctan2(np.abs(x), np.abs(y))) < np.deg2rad(28.0)
        elif name == "phone":
            assert (away < 5.0).all()
            assert (z < 2.0).all()
        else:
            assert (np.abs(x) > 1.5).all()


def test_the_ball_is_as_large_as_in_real_pictures():
    """Diameters over the table, in px at a width of 1920."""
    for name, smallest, largest in (
        ("side", 11.0, 19.0),
        ("far_side", 11.0, 19.0),
        ("diagonal", 6.0, 22.0),
        ("behind", 5.0, 22.0),
        ("broadcast", 4.5, 16.0),
        ("phone", 6.0, 30.0),
    ):
        drawn = _many(name)
        distance = np.linalg.norm(
            np.asarray(drawn.position_m) - [0.0, 0.0, 0.9], axis=-1
        )
        size = 0.04 * np.asarray(drawn.focal_px) / distance
        assert size.min() > smallest, (name, size.min())
        assert size.max() < largest, (name, size.max())


def test_lenses_bend_and_cameras_roll_with_variety_only():
    for name in camera.RIGS:
        plain, varied = _many(name), _many(name, variety=1.0)
        np.testing.assert_array_equal(plain.distortion, 0.0)
        assert np.abs(varied.distortion).max() > 0.01
        assert np.abs(varied.rotation[:, 0, 2]).max() > 0.005


def test_the_largest_focal_length_lets_the_table_touch_the_border():
    size = jnp.array([720, 1280], jnp.int32)
    drawn = jax.tree.map(lambda leaf: leaf[0], _many("diagonal", (720, 1280)))
    largest = float(camera.largest_focal_px(drawn, size))
    x, y = HALF_X, HALF_Y
    low, high = camera.REFERENCE_Z_M
    worst = 0.0
    points = [(a, b, z) for a in (-x, x) for b in (-y, y) for z in (low, 0.76)]
    points += [(0, b, z) for b in (-POST, POST) for z in (low, high)]
    for point in points:
        seen = np.asarray(drawn.rotation) @ (point - np.asarray(drawn.position_m))
        across, down = abs(seen[0] / seen[2]), abs(seen[1] / seen[2])
        worst = max(worst, across * largest / 640.0, down * largest / 360.0)
    assert abs(worst - 1.0) < 1e-4
    assert camera.MARGIN < 1.0
