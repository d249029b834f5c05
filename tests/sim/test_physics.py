import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics
from ttjax.sim.physics import Ball, Contacts, Physics

SECONDS = 1 / 120
VACUUM = Physics(drag_per_m=0.0, magnus=0.0)


COUNT, FRAMES = 64, 720


@functools.cache
def _flight(constants: Physics):
    def body(ball, _):
        ball, contacts = physics.step(constants, ball, SECONDS)
        return ball, (ball, contacts)

    def run(ball):
        return jax.lax.scan(body, ball, None, length=FRAMES)[1]

    return jax.jit(jax.vmap(run))


def fly(ball: Ball, frames=24, constants=VACUUM) -> tuple[Ball, Contacts]:
    batch = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (COUNT, 3)), ball)
    return jax.tree.map(lambda leaf: leaf[0, :frames], _flight(constants)(batch))


def ball_at(position, velocity, spin=(0.0, 0.0, 0.0)) -> Ball:
    return Ball(*(jnp.array(v, jnp.float32) for v in (position, velocity, spin)))


def many() -> Ball:
    draw = np.random.default_rng(0)
    position = draw.uniform([-1.6, -0.7, 0.8], [1.6, 0.7, 1.3], (COUNT, 3))
    velocity = draw.uniform([-9, -1, -3], [9, 1, 3], (COUNT, 3))
    spin = draw.uniform(-200, 200, (COUNT, 3))
    return Ball(*(jnp.asarray(v, jnp.float32) for v in (position, velocity, spin)))


def test_free_flight_without_drag_is_the_parabola():
    start, velocity = np.array([-1.5, 0.1, 1.0]), np.array([4.0, 0.3, 1.5])
    balls, contacts = fly(ball_at(start, velocity))
    time = SECONDS * np.arange(1, 25)[:, None]
    parabola = start + velocity * time
    parabola[:, 2] -= 0.5 * 9.81 * time[:, 0] ** 2
    np.testing.assert_allclose(balls.position, parabola, atol=1e-4)
    assert not contacts.floor.any()
    assert not contacts.touch.any()


def test_a_ball_dropped_from_30_cm_rises_23_cm():
    balls, contacts = fly(ball_at([0.5, 0.0, physics.SURFACE_Z_M + 0.3], [0, 0, 0]), 58)
    height = np.asarray(balls.position[:, 2]) - physics.SURFACE_Z_M
    first = int(np.argmax(contacts.table_speed > 0))
    assert height[first:].max() == pytest.approx(0.23, abs=0.002)
    expected = np.sqrt(2 * 9.81 * 0.3)
    assert float(contacts.table_speed[first]) == pytest.approx(expected, rel=1e-3)


def test_energy_never_grows():
    balls, contacts = _flight(Physics())(many())
    value = functools.partial(physics.energy, Physics())
    energy = jax.vmap(jax.vmap(value))(balls)
    change = np.diff(np.asarray(energy), axis=1)
    assert contacts.touch.any()
    assert (contacts.table_speed > 0).any()
    assert change.max() < 2e-3
    assert np.isfinite(np.asarray(balls.position)).all()


def test_the_world_is_symmetric_to_the_plane_of_the_net_and_to_the_long_middle():
    for axis in range(2):
        mirror = np.ones((1, 3), np.float32)
        mirror[0, axis] = -1.0
        ball = many()
        # Spin is a pseudo-vector: a mirror turns its components within the plane.
        other = Ball(
            ball.position * mirror, ball.velocity * mirror, -ball.spin * mirror
        )
        run = _flight(Physics())
        balls, contacts = run(ball)
        mirrored, same = run(other)
        np.testing.assert_allclose(
            mirrored.position[:, :24], balls.position[:, :24] * mirror[None], atol=1e-3
        )
        np.testing.assert_array_equal(contacts.touch[:, :24], same.touch[:, :24])


def test_drag_shortens_and_topspin_sinks():
    start, velocity = [-1.5, 0.0, 1.0], [6.0, 0.0, 1.0]
    constants = Physics()
    free, _ = fly(ball_at(start, velocity), 12)
    dragged, _ = fly(ball_at(start, velocity), 12, constants)
    top, _ = fly(ball_at(start, velocity, [0.0, 200.0, 0.0]), 12, constants)
    assert dragged.position[-1, 0] < free.position[-1, 0]
    assert top.position[-1, 2] < dragged.position[-1, 2] - 0.01


def test_the_net_stops_the_ball_and_the_cord_lets_it_through():
    into, hit = fly(ball_at([-0.2, 0.0, 0.82], [6.0, 0.0, 0.0]), 12)
    assert hit.touch.any()
    assert hit.net.any()
    assert (into.position[-1] < 0)[0]
    over, free = fly(ball_at([-0.2, 0.0, 1.1], [6.0, 0.0, 0.0]), 12)
    assert free.net.any()
    assert not free.touch.any()
    cord, clipped = fly(ball_at([-0.1, 0.0, physics.CORD_Z_M + 0.01], [6, 0, 0]), 12)
    assert clipped.touch.any()
    assert cord.position[-1, 0] > 0
    assert cord.position[-1, 0] < over.position[-1, 0]
    beside, missed = fly(ball_at([-0.2, physics.NET_HALF_M + 0.1, 0.82], [6, 0, 0]), 12)
    assert not missed.net.any()
    assert beside.position[-1, 0] > 0.1


def test_a_ball_comes_to_rest_and_none_sinks_into_table_or_floor():
    balls, _ = fly(ball_at([0.5, 0.0, 0.9], [0.0, 0.0, 0.0]), FRAMES)
    assert balls.position[:, 2].min() >= physics.SURFACE_Z_M - 1e-4
    assert float(balls.position[-1, 2]) == pytest.approx(physics.SURFACE_Z_M, abs=1e-3)
    off, floor = fly(ball_at([2.0, 0.0, 0.9], [0.5, 0.0, 0.0]), 120)
    assert floor.floor.any()
    assert off.position[:, 2].min() >= field.BALL_RADIUS_M - 1e-4


def test_one_sub_step_is_what_a_step_of_one_sub_step_does():
    constants = dataclasses.replace(Physics(), substeps=1)
    ball = ball_at([0.3, 0.0, 0.9], [2.0, 0.0, -1.0])
    one, _ = jax.jit(lambda b: physics.substep(constants, b, SECONDS))(ball)
    step, _ = jax.jit(lambda b: physics.step(constants, b, SECONDS))(ball)
    np.testing.assert_allclose(one.position, step.position, atol=1e-6)
