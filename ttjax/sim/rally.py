"""Play at one table, from a key: points that are served, played and decided.

`simulate` gives any number of consecutive steps, `moments` what a camera of any frame
rate sees of them. Who serves, which stroke is tried and where it is aimed depends on
the key and on the ordinal of the point and of the stroke alone.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.sim import control, strokes, timeline
from ttjax.sim import players as players_
from ttjax.sim import script as script_
from ttjax.sim.control import Seen
from ttjax.sim.physics import Ball, Physics
from ttjax.sim.play import (
    CONTROL_HZ,
    DEAD,
    EVENTS,
    GONE,
    KINDS,
    PLAY,
    TOSS,
    Moments,
    Play,
    event_times,
    moments,
)
from ttjax.sim.script import Script
from ttjax.typing import PRNGKey

__all__ = (
    "CONTROL_HZ",
    "DEAD",
    "EVENTS",
    "GONE",
    "KINDS",
    "PLAY",
    "TOSS",
    "Moments",
    "Play",
    "event_times",
    "moments",
    "simulate",
)


def _watch(physics: Physics, script: Script, seen: Seen) -> Play:
    """The play from what was seen at its steps, with players who follow the ball."""
    track, count = seen.track_m, len(control.NUMBERS)
    phase, point, server, ordinal, kind, target, left = seen.numbers.T[:7]
    missed, landed, reason, winner, struck = seen.numbers.T[7:count]
    happened = seen.numbers[:, count:].astype(bool)
    ball = Ball(track[:, -1], seen.velocity, seen.spin)
    side = target.astype(jnp.float32)
    meeting = jax.vmap(lambda n, k: script_.meeting(script, n, k))(ordinal, kind)
    until, place = jax.vmap(lambda *ball: players_.foresee(physics, *ball))(
        ball, landed.astype(bool), side, meeting
    )
    plan = jax.vmap(lambda n, side: script_.serve(script, n, side))(
        point, server.astype(jnp.float32)
    )
    playing, before = phase == PLAY, (phase == GONE) | (phase == TOSS)
    until = jnp.where(
        before, jnp.where(phase == TOSS, control.STEP_S * left, 1.0), until
    )
    place = jnp.where(before[:, None], plan.position, place)
    live = playing & (reason == 0) & (side * seen.velocity[:, 0] > 0.0)
    stroke = happened[:, KINDS.index("stroke")]
    tasks = players_.Tasks(
        target=side,
        active=before | live | stroke,
        until_s=until,
        place_m=place,
        missed=missed.astype(bool),
        smashed=playing & (kind == strokes.SMASH),
        strikes=stroke,
        ball_m=ball.position,
    )
    people = players_.follow(tasks, script.home_m, control.STEP_S)
    at = jnp.broadcast_to(ball.position[:, None, :2], (len(phase), len(KINDS), 2))
    return Play(
        ball_m=track,
        present=phase != GONE,
        phase=phase.astype(jnp.int8),
        other_m=jnp.zeros_like(track),
        other_present=jnp.zeros(phase.shape, bool),
        root_m=people.root_m,
        hand_m=people.hand_m,
        swing=people.swing,
        happened=happened,
        event_s=jnp.where(happened, seen.event_s, 0.0),
        event_m=at.at[:, 0].set(seen.landing_m),
        kind=struck.astype(jnp.int8),
        point=point,
        server=server.astype(jnp.int8),
        reason=reason.astype(jnp.int8),
        winner=winner.astype(jnp.int8),
    )


def simulate(
    key: PRNGKey,
    steps: int,
    physics: Physics | None = None,
    variety: Float[Array, ""] | float = 0.0,
) -> Play:
    """`steps` steps of play, from the moment before a serve.

    Pure and unbatched; `vmap` over keys. `variety` in [0, 1]: with 0 there are serves
    and drives; the more of it, the more often lobs, smashes, chops, warm-up, long
    pauses, a second ball.
    """
    physics = Physics() if physics is None else physics
    play_key, other_key = jax.random.split(key)
    seconds = steps / CONTROL_HZ
    script = script_.draw(play_key, seconds, CONTROL_HZ, physics, variety)

    def body(state, _):
        return control.advance(physics, script, state)

    seen = jax.lax.scan(body, control.begin(script), None, length=steps)[1]
    play = _watch(physics, script, seen)
    periods = int(seconds / timeline.OTHER_EVERY_S) + 1
    numbers = timeline.rows(other_key, periods, 9)
    ends = jnp.arange(1, steps * physics.substeps + 1) * (
        control.STEP_S / physics.substeps
    )
    other, there = timeline.other_ball(
        numbers, variety, ends.reshape(steps, -1), physics.gravity_m_s2
    )
    there = there[:, physics.substeps // 2]
    return dataclasses.replace(play, other_m=other, other_present=there)
