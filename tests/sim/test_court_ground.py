import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import court, court_ground

HW = (97, 129)
STEP_M = 0.08


def hard_lines(x, y):
    """Whether points of the floor lie on a line, straight from the rules."""
    half = court.LINE_M / 2
    end, side = 14.0 - np.abs(x), np.abs(y)
    on = np.zeros(x.shape, bool)

    def near(value, where):
        return (np.abs(value) <= half) & where

    inside = (side <= 7.5 + half) & (end >= -half)
    on |= near(side - 7.5, inside) | near(end, inside) | near(x, side <= 7.5)
    on |= near(np.hypot(x, y) - 1.8, True)
    on |= near(side - 2.45, (end >= 0) & (end <= 5.8)) | near(end - 5.8, side <= 2.45)
    on |= near(np.hypot(end - 5.8, y) - 1.8, end >= 5.8)
    corner = 1.575 + np.sqrt(6.75**2 - 6.6**2)
    on |= near(np.hypot(end - 1.575, y) - 6.75, end >= corner)
    on |= near(side - 6.6, (end >= 0) & (end <= corner))
    on |= near(np.hypot(end - 1.575, y) - 1.25, end >= 1.575)
    return on


def test_lines_cover_what_the_rules_draw():
    # Seen from straight above, turned a little: pixels of 8 cm.
    x, y = np.meshgrid(np.arange(-15.0, 15.0, STEP_M), np.arange(-8.5, 8.5, STEP_M))
    cos, sin = np.cos(0.1), np.sin(0.1)
    size = [STEP_M * v for v in (cos, sin, -sin, cos)]
    floor_x, floor_y = cos * x - sin * y, sin * x + cos * y
    subs = (np.arange(8) + 0.5) / 8 - 0.5
    want = np.mean(
        [
            hard_lines(
                floor_x + a * size[0] + b * size[2], floor_y + a * size[1] + b * size[3]
            )
            for a in subs
            for b in subs
        ],
        axis=0,
    )
    sizes = tuple(jnp.full(x.shape, v, jnp.float32) for v in size)
    got = jax.jit(court_ground.lines)(
        jnp.asarray(floor_x, jnp.float32), jnp.asarray(floor_y, jnp.float32), sizes
    )
    error = np.abs(np.asarray(got) - want)
    assert error.mean() < 0.005
    assert np.percentile(error, 99.5) < 0.35  # where lines meet
    assert np.asarray(got).sum() == pytest.approx(want.sum(), rel=0.03)


def test_floor_lines_and_stands_are_where_the_camera_sees_them():
    arena = jax.jit(court.draw)(jax.random.key(4))
    view = court.camera(arena, jnp.array([0.0, 4.0, 0.5]), jnp.float32(12.0), HW)
    planes = np.asarray(
        jax.jit(lambda a, v: court_ground.background(a, v, HW))(arena, view)
    )
    assert planes.shape == (4, *HW)
    assert (planes[3] == 0).all()
    colour = planes[:3] / court_ground.FIXED

    def at(x, y):
        xy, _ = pinhole.project(view, jnp.array([x, y, 0.0]))
        column, row = np.asarray(xy).astype(int)
        assert 0 <= column < HW[1]
        assert 0 <= row < HW[0]
        return colour[:, row, column]

    floor = np.asarray(arena.floor)
    for y in (2.5, 4.0, 6.5):
        assert np.abs(at(2.2, y) / floor - 1).max() < 0.13
    off = np.asarray(arena.surround)
    assert np.abs(at(2.2, 8.5) / off - 1).max() < 0.13
    middle = at(0.0, 4.0)
    white = np.asarray(arena.line) - floor
    assert (middle - floor) @ white / (white @ white) > 0.15
    # The stands' colours are those of no floor: rows differ.
    assert colour[:, :3].std() > 0
