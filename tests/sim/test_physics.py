import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics
from ttjax.sim.physics import Ball, Physics

SECONDS = 1 / 120
AIRLESS = Physics(drag_per_m=0.0, magnus=0.0, restitution_loss_s_m=0.0)
COUNT, FRAMES = 32, 240


@jax.jit
def _flight(constants: Physics, balls: Ball, seconds):
    def body(ball, _) -> tuple[Ball, tuple[Ball, jax.Array, physics.Contacts]]:
        ball, track, contacts = physics.track(constants, ball, seconds)
        return ball, (ball, track, contacts)

    def run(ball):
        return jax.lax.scan(body, ball, None, length=FRAMES)[1]

    return jax.vmap(run)(balls)


def run(balls: Ball, constants: Physics, seconds=SECONDS):
    constants = jax.tree.map(jnp.float32, constants)
    balls, track, contacts = _flight(constants, balls, jnp.float32(seconds))
    return on_host(balls), np.asarray(track), on_host(contacts)


def on_host(struct, at=()) -> types.SimpleNamespace:
    fields = {name: np.asarray(leaf)[at] for name, leaf in vars(struct).items()}
    return types.SimpleNamespace(**fields)


def fly(ball: Ball, frames=24, constants=AIRLESS):
    batch = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (COUNT, 3)), ball)
    balls, _, contacts = run(batch, constants)
    at = (0, slice(frames))
    return on_host(balls, at), on_host(contacts, at)


def ball_at(position, velocity, spin=(0.0, 0.0, 0.0)) -> Ball:
    return Ball(*(jnp.array(v, jnp.float32) for v in (position, velocity, spin)))


def many(seed=0) -> Ball:
    draw = np.random.default_rng(seed)
    position = draw.uniform([-1.6, -0.7, 0.8], [1.6, 0.7, 1.3], (COUNT, 3))
    velocity = draw.uniform([-9, -1, -3], [9, 1, 3], (COUNT, 3))
    spin = draw.uniform(-200, 200, (COUNT, 3))
    return Ball(*(jnp.asarray(v, jnp.float32) for v in (position, velocity, spin)))


def when(contacts, name: str) -> float:
    """Seconds from the start of a flight to its first contact of a kind."""
    seconds = getattr(contacts, f"{name}_s")
    first = int(np.argmax(np.isfinite(seconds)))
    assert np.isfinite(seconds[first])
    return first * SECONDS + float(seconds[first])


def test_free_flight_without_drag_is_the_parabola():
    start, velocity = np.array([-1.5, 0.1, 1.0]), np.array([4.0, 0.3, 1.5])
    balls, contacts = fly(ball_at(start, velocity))
    time = SECONDS * np.arange(1, 25)[:, None]
    parabola = start + velocity * time
    parabola[:, 2] -= 0.5 * 9.81 * time[:, 0] ** 2
    np.testing.assert_allclose(balls.position, parabola, atol=1e-4)
    assert not contacts.floor.any()
    assert not contacts.touch.any()


def test_drag_slows_a_straight_flight_and_ends_a_fall_at_its_terminal_speed():
    drag, time = 0.14, SECONDS * np.arange(1, 121)
    weightless = dataclasses.replace(AIRLESS, drag_per_m=drag, gravity_m_s2=0.0)
    balls, _ = fly(ball_at([2.0, 0.0, 1.0], [12.0, 0, 0]), 120, weightless)
    slower = 1 + drag * 12.0 * time
    np.testing.assert_allclose(balls.velocity[:, 0], 12.0 / slower, rtol=1e-5)
    np.testing.assert_allclose(balls.position[:, 0], 2 + np.log(slower) / drag, 1e-5)
    falling = dataclasses.replace(AIRLESS, drag_per_m=drag)
    balls, _ = fly(ball_at([3.0, 0.0, 14.0], [0, 0, 0]), 120, falling)
    terminal = np.sqrt(9.81 / drag)
    share = np.tanh(9.81 * time / terminal)
    np.testing.assert_allclose(balls.velocity[:, 2], -terminal * share, rtol=1e-4)
    way = terminal**2 / 9.81 * np.log(np.cosh(9.81 * time / terminal))
    np.testing.assert_allclose(balls.position[:, 2], 14 - way, atol=1e-4)


def test_spin_alone_leads_the_ball_in_a_circle():
    lift, spin, speed = 0.004, 250.0, 8.0
    constants = dataclasses.replace(AIRLESS, magnus=lift, gravity_m_s2=0.0)
    balls, _ = fly(ball_at([3, 0, 1.0], [speed, 0, 0], [0, 0, spin]), 120, constants)
    angle = lift * spin * SECONDS * np.arange(1, 121)
    radius = speed / (lift * spin)
    np.testing.assert_allclose(
        balls.position[:, 0], 3 + radius * np.sin(angle), atol=1e-3
    )
    np.testing.assert_allclose(
        balls.position[:, 1], radius * (1 - np.cos(angle)), atol=1e-3
    )
    turned = physics.acceleration(
        constants, jnp.array([speed, 0.0, 0.0]), jnp.array([0.0, 0.0, spin])
    )
    np.testing.assert_allclose(turned, [0.0, lift * spin * speed, 0.0], rtol=1e-6)


def test_a_ball_of_the_laws_dropped_from_30_cm_rises_23_cm():
    laws = dataclasses.replace(Physics.laws(), drag_per_m=0.0)
    start = ball_at([0.5, 0.0, physics.SURFACE_Z_M + 0.3], [0, 0, 0])
    balls, contacts = fly(start, 58, laws)
    height = balls.position[:, 2] - physics.SURFACE_Z_M
    first = int(np.argmax(contacts.table_speed > 0))
    assert height[first:].max() == pytest.approx(0.23, abs=0.002)
    impact = contacts.table_speed[first]
    assert impact == pytest.approx(physics.DROP_SPEED_M_S, abs=0.01)


def test_restitution_falls_with_the_speed_of_impact():
    constants = Physics(restitution=0.9, restitution_loss_s_m=0.02)
    speeds = jnp.array([physics.DROP_SPEED_M_S, physics.DROP_SPEED_M_S + 2, 99.0])
    found = jax.vmap(lambda speed: physics.restitution(constants, speed))(speeds)
    np.testing.assert_allclose(found, [0.9, 0.86, 0.3], rtol=1e-6)
    soft = dataclasses.replace(
        AIRLESS, restitution=0.9, restitution_loss_s_m=0.02, gravity_m_s2=0.0
    )
    for speed in (2.0, 5.0):
        after, _ = fly(ball_at([0.5, 0, 0.8], [0, 0, -speed]), 12, soft)
        share = 0.9 - 0.02 * (speed - physics.DROP_SPEED_M_S)
        assert after.velocity[-1, 2] == pytest.approx(share * speed, rel=1e-4)


def test_friction_of_a_bounce_turns_spin_into_speed_at_most_until_the_ball_rolls():
    radius, weightless = field.BALL_RADIUS_M, {"gravity_m_s2": 0.0}
    velocity, spin = np.array([4.0, 1.0, -2.0]), np.array([30.0, -100.0, 50.0])
    for friction, rolls in ((0.1, False), (5.0, True)):
        constants = dataclasses.replace(AIRLESS, friction=friction, **weightless)
        after, _ = fly(ball_at([0.3, 0, 0.8], velocity, spin), 6, constants)
        slip = velocity[:2] + radius * np.array([-spin[1], spin[0]])
        impulse = friction * (1 + AIRLESS.restitution) * 2.0 / np.hypot(*slip)
        change = -slip * min(impulse, 0.4)
        np.testing.assert_allclose(after.velocity[-1, :2], velocity[:2] + change, 1e-4)
        turn = 1.5 / radius * np.array([change[1], -change[0], 0.0])
        np.testing.assert_allclose(after.spin[-1], spin + turn, rtol=1e-4)
        across = after.velocity[-1, :2] + radius * np.array(
            [-after.spin[-1, 1], after.spin[-1, 0]]
        )
        assert (np.abs(across) < 1e-3).all() == rolls


@pytest.mark.parametrize("seed", [0, 1])
def test_energy_never_grows(seed):
    balls, _, contacts = run(many(seed), Physics())
    value = functools.partial(physics.energy, Physics())
    struct = Ball(*(jnp.asarray(leaf) for leaf in vars(balls).values()))
    energy = np.asarray(jax.vmap(jax.vmap(value))(struct))
    assert contacts.touch.any()
    assert (contacts.table_speed > 0.5).any()
    assert contacts.floor.any()
    assert np.diff(energy, axis=1).max() < 2e-3
    assert np.isfinite(balls.position).all()
    over = (np.abs(balls.position[..., :2]) < [[[1.37, 0.7625]]]).all(axis=-1)
    height = balls.position[..., 2]
    above = np.maximum.accumulate(~over | (height < 0.7), axis=1)
    assert height[~above].min() > physics.SURFACE_Z_M - 1e-4
    assert height.min() > field.BALL_RADIUS_M - 1e-4


@pytest.mark.parametrize("axis", [0, 1])
def test_the_world_is_symmetric_to_the_net_and_to_the_long_middle(axis):
    mirror = np.ones((1, 3), np.float32)
    mirror[0, axis] = -1.0
    ball = many()
    # Spin is a pseudo-vector: a mirror turns its components within the plane.
    other = Ball(ball.position * mirror, ball.velocity * mirror, -ball.spin * mirror)
    balls, track, contacts = run(ball, Physics())
    _, mirrored, same = run(other, Physics())
    expected = track[:, :24] * mirror[None, None]
    np.testing.assert_allclose(mirrored[:, :24], expected, atol=1e-3)
    np.testing.assert_array_equal(contacts.touch[:, :24], same.touch[:, :24])
    np.testing.assert_allclose(
        contacts.table_s[:, :24], same.table_s[:, :24], atol=1e-5
    )
    np.testing.assert_array_equal(track[:, :, -1], balls.position)


def test_a_step_of_a_960th_second_is_converged():
    # 48 steps of 8 sub-steps; 192 of a quarter as long. Far from net and edges.
    ball = many(3)
    mirror = jnp.where(ball.position[:, :1] * ball.velocity[:, :1] > 0, 1.0, -1.0)
    away = ball.velocity * jnp.array([[0.15, 0.4, 1.0]])
    away *= jnp.concatenate([mirror, jnp.ones((COUNT, 2))], axis=1)
    place = ball.position * jnp.array([[0.4, 0.5, 1.0]])
    place = place.at[:, 0].add(0.3 * jnp.sign(place[:, 0]))
    ball = Ball(place, away, ball.spin)
    coarse, _, contacts = run(ball, Physics())
    fine, _, _ = run(ball, Physics(), SECONDS / 4)
    assert (contacts.table_speed[:, :48] > 0.5).sum() > COUNT / 2
    assert not contacts.touch[:, :48].any()
    on = np.abs(coarse.position[:, :48, :2]) < [[[1.3, 0.7]]]
    on = on.all(axis=(1, 2))
    assert on.sum() > COUNT / 2
    error = np.abs(coarse.position[on, 47] - fine.position[on, 191])
    assert error.max() < 3e-4


def test_contacts_have_the_times_and_places_of_the_closed_form():
    height, radius = 0.1, field.BALL_RADIUS_M
    fall_s = np.sqrt(2 * height / 9.81)
    start = [0.5, 0.1, physics.SURFACE_Z_M + height]
    _, table = fly(ball_at(start, [1.0, 0.5, 0.0]))
    assert when(table, "table") == pytest.approx(fall_s, abs=1e-5)
    at = table.table_xy_m[np.argmax(table.table_speed > 0)]
    np.testing.assert_allclose(at, [0.5 + fall_s, 0.1 + 0.5 * fall_s], atol=1e-5)
    _, floor = fly(ball_at([2.5, 0, radius + height], [0, 0, 0]))
    assert when(floor, "floor") == pytest.approx(fall_s, abs=1e-5)
    assert not np.isfinite(floor.table_s).any()
    _, over = fly(ball_at([-0.33, 0.0, 1.1], [5.0, 0.0, 0.0]))
    assert when(over, "net") == pytest.approx(0.33 / 5.0, abs=1e-5)
    assert not np.isfinite(over.touch_s).any()
    _, into = fly(ball_at([-0.33, 0.0, 0.85], [5.0, 0.0, 0.0]))
    assert when(into, "touch") == pytest.approx((0.33 - radius) / 5.0, abs=1e-5)
    assert when(into, "net") == when(into, "touch")


def test_the_mesh_stops_the_ball_and_the_cord_lets_it_over():
    into, hit = fly(ball_at([-0.2, 0.0, 0.82], [6.0, 0.0, 0.0]), 12)
    assert hit.touch.any()
    assert hit.net.sum() == 1
    assert (into.position[-1] < 0)[0]
    over, free = fly(ball_at([-0.2, 0.0, 1.1], [6.0, 0.0, 0.0]), 12)
    assert free.net.any()
    assert not free.touch.any()
    cord, clipped = fly(ball_at([-0.1, 0.0, physics.CORD_Z_M + 0.01], [6, 0, 0]), 12)
    assert clipped.touch.any()
    assert clipped.net.sum() == 1
    assert 0 < cord.position[-1, 0] < over.position[-1, 0]
    assert cord.velocity[:, 2].max() > 0.5
    beside, missed = fly(ball_at([-0.2, physics.NET_HALF_M + 0.1, 0.82], [6, 0, 0]), 12)
    assert not missed.net.any()
    assert beside.position[-1, 0] > 0.1
    for speed, above, side in ((0.9, 0.06, -1), (2.0, 0.03, 1)):
        drop = ball_at([-0.1, 0.0, physics.CORD_Z_M + above], [speed, 0, 0])
        rolled, touched = fly(drop, FRAMES)
        # Onto the cord, and down it on either side.
        assert touched.touch.any()
        assert rolled.position[-1, 2] < physics.CORD_Z_M
        assert side * rolled.position[-1, 0] > 0.02


def test_the_edge_of_the_table_turns_a_ball_away():
    end, radius = field.TABLE_LENGTH_M / 2, field.BALL_RADIUS_M
    out, contacts = fly(ball_at([end + 0.012, 0.0, 0.9], [0.0, 0.0, -2.0]), 24)
    assert contacts.table_speed.max() > 1
    assert out.velocity[-1, 0] > 1.0
    below = np.sqrt(radius**2 - 0.012**2)
    fall = 0.9 - field.TABLE_HEIGHT_M - below
    seconds = (-2.0 + np.sqrt(4.0 + 2 * 9.81 * fall)) / 9.81
    assert when(contacts, "table") == pytest.approx(seconds, abs=1e-4)
    miss, none = fly(ball_at([end + 0.021, 0.0, 0.9], [0.0, 0.0, -2.0]), 12)
    assert not (none.table_speed > 0).any()
    assert miss.position[-1, 0] == pytest.approx(end + 0.021)


def test_a_ball_comes_to_rest_and_none_sinks_into_table_or_floor():
    dull = dataclasses.replace(AIRLESS, restitution=0.5)
    balls, _ = fly(ball_at([0.5, 0.0, 0.9], [0.0, 0.0, 0.0]), FRAMES, dull)
    assert balls.position[:, 2].min() >= physics.SURFACE_Z_M - 1e-4
    assert float(balls.position[-1, 2]) == pytest.approx(physics.SURFACE_Z_M, abs=1e-3)
    off, floor = fly(ball_at([2.0, 0.0, 0.9], [0.5, 0.0, 0.0]), 120)
    assert floor.floor.any()
    assert off.position[:, 2].min() >= field.BALL_RADIUS_M - 1e-4


def test_a_step_is_its_sub_steps_one_by_one():
    constants = Physics(substeps=2)
    ball = ball_at([0.3, 0.0, 0.79], [2.0, 0.0, -2.0], [0.0, 90.0, 0.0])
    after, track, contacts = jax.jit(lambda b: physics.track(constants, b, SECONDS))(
        ball
    )
    one, times = ball, []
    for index in range(2):
        one, met = physics.substep(constants, one, SECONDS / 2)
        times.append(float(met.table_s) + index * SECONDS / 2)
        np.testing.assert_allclose(track[index], one.position, atol=1e-6)
    for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(track[-1], after.position)
    assert float(contacts.table_s) == pytest.approx(min(times), abs=1e-7)


def test_derivatives_through_a_bounce_are_those_of_the_closed_form():
    drop, seconds = 0.002, 0.03

    def height(restitution, start):
        constants = dataclasses.replace(AIRLESS, restitution=restitution, substeps=1)
        ball = Ball(
            jnp.stack([jnp.float32(0.5), jnp.float32(0.0), start]),
            jnp.array([0.0, 0.0, -1.0]),
            jnp.zeros(3),
        )
        return physics.step(constants, ball, seconds)[0].position[2]

    start = jnp.float32(physics.SURFACE_Z_M + drop)
    by_restitution, by_start = jax.jit(jax.grad(height, argnums=(0, 1)))(0.9, start)
    impact = np.sqrt(1 + 2 * 9.81 * drop)
    met = (impact - 1) / 9.81
    assert by_restitution == pytest.approx(impact * (seconds - met), rel=1e-3)
    # dz = e dv (T - t) - (e v - g (T - t)) dt, dv = g dt, dt = dh / v.
    rest = seconds - met
    expected = (0.9 * 9.81 * rest - (0.9 * impact - 9.81 * rest)) / impact
    assert by_start == pytest.approx(expected, rel=1e-3)


def test_gradients_are_finite_wherever_the_ball_is():
    @jax.jit
    @jax.vmap
    def slope(ball):
        def end(constants, ball):
            after, _ = physics.substep(constants, ball, SECONDS)
            return sum(leaf.sum() for leaf in jax.tree.leaves(after))

        constants = jax.tree.map(jnp.float32, Physics())
        return jax.grad(end, argnums=(0, 1))(constants, ball)

    special = [
        ball_at([0.0, 0.0, 1.2], [0, 0, 0]),
        ball_at([0.5, 0.0, physics.SURFACE_Z_M], [0, 0, 0]),
        ball_at([0.0, 0.0, physics.CORD_Z_M + 0.02], [0, 0, 0]),
        ball_at([2.0, 0.0, field.BALL_RADIUS_M], [1.0, 0, 0]),
        ball_at([-0.02, 0.0, 0.8], [5.0, 0, 0]),
        ball_at([field.TABLE_LENGTH_M / 2, 0.0, 0.781], [0, 0, -3.0]),
    ]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *special)
    found = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), batch, many())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope(found)))


def test_constants_are_a_key_and_a_tree():
    assert hash(Physics()) == hash(Physics())
    assert Physics() == Physics() != Physics(magnus=0.0)
    assert jax.tree.leaves(Physics()) == [
        value for name, value in vars(Physics()).items() if name != "substeps"
    ]
