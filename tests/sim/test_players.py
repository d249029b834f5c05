import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import physics, players
from ttjax.sim.physics import Ball, Physics
from ttjax.sim.players import Meeting, Players, Tasks

STEP_S = 1 / 120
MEETING = Meeting(
    jnp.float32(1.5), jnp.float32(1.5), jnp.float32(1.0), jnp.float32(0.72)
)


def _flight(velocity):
    """The ball over time, when it bounces, and the first moment it is met."""
    ball = Ball(jnp.array([-1.5, 0.1, 1.0]), velocity, jnp.zeros(3))

    def body(carry, _):
        ball, landed = carry
        ball, contacts = physics.step(Physics(), ball, STEP_S)
        landed = landed | (contacts.table_s < 1.0)
        met = landed & players.meets(Physics(), ball, jnp.float32(1.0), MEETING)
        until, place = players.foresee(
            Physics(), ball, landed, jnp.float32(1.0), MEETING
        )
        return (ball, landed), (ball.position, landed, met, until, place)

    start = (ball, jnp.zeros((), bool))
    return jax.lax.scan(body, start, None, length=140)[1]


@pytest.mark.parametrize("velocity", [(5.0, 0.2, 2.0), (7.5, -0.3, 0.9)])
def test_a_player_foresees_where_the_ball_is_met(velocity):
    seen = jax.jit(_flight)(jnp.array(velocity))
    position, landed, met, until, place = map(np.asarray, seen)
    assert met.any()
    at = int(met.argmax())
    assert landed[at]
    for before, tolerance in ((30, 0.3), (8, 0.12), (1, 0.05)):
        expected = before * STEP_S
        assert until[at - before] == pytest.approx(expected, abs=0.1 * expected + 0.03)
        gap = np.linalg.norm(place[at - before] - position[at])
        assert gap < tolerance


def test_a_racket_is_at_the_ball_in_time_and_feet_keep_to_their_speed():
    n, place = 60, np.array([1.5, -0.3, 1.1], np.float32)
    home = jnp.array([[2.0, 0.3], [2.1, 0.3]])
    no, ones = jnp.zeros(n, bool), jnp.ones(n)
    tasks = Tasks(
        target=ones,
        active=~no,
        until_s=jnp.arange(n)[::-1] * STEP_S,
        place_m=jnp.broadcast_to(place, (n, 3)),
        missed=no,
        smashed=no,
        strikes=no.at[-1].set(True),
        ball_m=jnp.broadcast_to(place, (n, 3)),
    )
    run = jax.jit(lambda tasks: players.follow(tasks, home, STEP_S))
    track: Players = jax.tree.map(np.asarray, run(tasks))
    gap = np.linalg.norm(track.hand_m[:, 1] - place, axis=-1)
    assert gap[-1] < 0.06
    assert gap[-2] < 0.2
    assert gap[: n // 2].min() > 0.2
    speed = np.linalg.norm(np.diff(track.root_m, axis=0), axis=-1) / STEP_S
    assert speed.max() < players.WALK_M_S + 1e-3
    np.testing.assert_allclose(track.root_m[:, 0], [[-2.0, 0.3]] * n, atol=0.02)
    np.testing.assert_array_equal(track.swing[-1], [0.0, 1.0])
    missing = run(dataclasses.replace(tasks, missed=~no, strikes=no))
    assert np.linalg.norm(np.asarray(missing.hand_m[-1, 1]) - place) > 0.15
    waiting = run(dataclasses.replace(tasks, smashed=~no))
    assert waiting.root_m[-1, 0, 0] < -2.6
