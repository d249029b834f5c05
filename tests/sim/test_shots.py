import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import physics, shots, strokes
from ttjax.sim.physics import Ball, Physics

COUNT = 128
START_M = {
    strokes.DRIVE: (1.6, 0.1, 1.0),
    strokes.PUSH: (1.2, 0.1, 0.95),
    strokes.CHOP: (2.4, 0.2, 0.85),
    strokes.LOB: (3.2, 0.1, 0.7),
    strokes.SMASH: (1.4, 0.1, 1.5),
    strokes.WARM_UP: (1.6, 0.0, 1.0),
}


@functools.cache
def _flights():
    """First two bounces (place and step), whether the net was touched before them."""

    def run(ball):
        def body(ball, _):
            ball, contacts = physics.step(Physics(), ball, 1 / 120)
            return ball, (contacts.table_xy_m, contacts.table_s, contacts.touch)

        return jax.lax.scan(body, ball, None, length=230)[1]

    return jax.jit(jax.vmap(run))


def bounces(balls: Ball, number: int):
    place, seconds, touch = map(np.asarray, _flights()(balls))
    order = np.isfinite(seconds).cumsum(axis=1)
    at = (order == number).argmax(axis=1)
    rows = np.arange(COUNT)
    touched = (touch & (np.arange(230)[None] <= at[:, None])).any(axis=1)
    happened = order.max(axis=1) >= number
    return np.where(happened[:, None], place[rows, at], np.nan), touched


@pytest.fixture(scope="module")
def drawn():
    uniform = jax.random.uniform(jax.random.key(0), (COUNT, strokes.NUMBERS))
    return strokes.aims(uniform, 1.0)[0]


@functools.cache
def _solver():
    def solve(start, side, aim):
        return shots.stroke(Physics(), start, side, aim)

    return jax.jit(jax.vmap(solve, in_axes=(None, None, 0)))


@pytest.mark.parametrize("kind", START_M)
def test_strokes_land_where_they_are_aimed_from_either_side(kind, drawn):
    aim = jax.tree.map(lambda leaf: leaf[:, kind], drawn)
    meant = np.asarray(aim.clearance_m > 0.01) & np.asarray(aim.depth_m < 1.35)
    meant &= np.abs(np.asarray(aim.across_m)) < strokes.SIDE_M
    assert meant.mean() > 0.6
    for side in (-1.0, 1.0):
        x, y, z = START_M[kind]
        start = jnp.array([side * x, y, z])
        balls = _solver()(start, jnp.float32(side), aim)
        place, touched = bounces(balls, 1)
        goal = np.stack([-side * np.asarray(aim.depth_m), aim.across_m], axis=-1)
        off = np.linalg.norm(place - goal, axis=-1)
        good = off < 0.03
        assert good[meant].mean() > (0.85 if kind == strokes.CHOP else 0.97)
        assert touched[meant].mean() < 0.12


def test_low_ones_meet_the_net_and_long_ones_the_floor(drawn):
    aim = jax.tree.map(lambda leaf: leaf[:, strokes.DRIVE], drawn)
    balls = _solver()(jnp.array([1.6, 0.1, 0.95]), jnp.float32(1.0), aim)
    place, touched = bounces(balls, 1)
    low = np.asarray(aim.clearance_m) < -0.01
    assert low.sum() > 5
    assert touched[low].mean() > 0.6
    long = (np.asarray(aim.depth_m) > 1.45) & ~touched
    assert not (place[long, 0] < -0.2).any()


def test_a_serve_bounces_on_the_own_half_then_where_it_is_aimed(drawn):
    aim = jax.tree.map(lambda leaf: leaf[:, strokes.SERVE], drawn)
    uniform = jax.random.uniform(jax.random.key(1), (COUNT, 3))
    serve = jax.jit(jax.vmap(lambda aim, u: shots.serve(Physics(), aim, u)))
    balls = serve(aim, uniform)
    meant = np.asarray(aim.clearance_m > 0.01) & np.asarray(aim.depth_m < 1.35)
    goal = np.stack([-np.asarray(aim.depth_m), aim.across_m], axis=-1)
    for side in (1.0, -1.0):
        turned = jax.vmap(lambda b, s=side: shots.mirrored(b, jnp.float32(s)))(balls)
        flip = np.array([[side, 1.0]])
        first, _ = bounces(turned, 1)
        second, touched = bounces(turned, 2)
        own = strokes.between(strokes.SERVE_OWN_M, uniform[:, 0])
        np.testing.assert_allclose(side * first[:, 0], own, atol=0.01)
        off = np.linalg.norm(second - goal * flip, axis=-1)
        assert (off < 0.03)[meant].mean() > 0.97
        assert touched[meant].mean() < 0.05
    assert (np.abs(np.asarray(balls.position)[:, 0]) > 1.0).all()


def test_a_ball_thrown_up_is_back_in_time():
    quarter = jax.jit(lambda ball, time: physics.step(Physics(), ball, time)[0])
    for seconds in (0.17, 0.35):
        up = shots.toss_m_s(Physics(), jnp.float32(seconds))
        ball = Ball(
            jnp.array([1.7, 0.0, 1.05]), jnp.array([0.0, 0.0, 1.0]) * up, jnp.zeros(3)
        )
        for _ in range(4):
            ball = quarter(ball, seconds / 4)
        assert float(ball.position[2]) == pytest.approx(1.05, abs=1e-3)


def test_eager_and_compiled_strokes_agree(drawn):
    aim = jax.tree.map(lambda leaf: leaf[3, strokes.DRIVE], drawn)
    start = jnp.array([1.6, 0.1, 1.0])
    eager = shots.stroke(Physics(), start, jnp.float32(1.0), aim)
    batch = jax.tree.map(lambda leaf: leaf[:, strokes.DRIVE], drawn)
    compiled = _solver()(start, jnp.float32(1.0), batch)
    np.testing.assert_allclose(eager.velocity, compiled.velocity[3], atol=1e-3)
