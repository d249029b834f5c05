"""The control of a play, step by step: what the ball does, and what follows from it."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from ttjax.sim import physics as physics_
from ttjax.sim import players, points, shots, strokes
from ttjax.sim import script as script_
from ttjax.sim.physics import Ball, Physics
from ttjax.sim.play import CONTROL_HZ, DEAD, GONE, PLAY, TOSS
from ttjax.sim.players import Meeting
from ttjax.sim.script import Script

BOUNCE_SPEED_M_S = 0.5
"""Slower impacts on the table (a ball that comes to rest) are not called bounces."""
AREA_M = (4.5, 3.5)
"""Half length and half width of the playing area: beyond it the ball is out."""
SLOWEST_M_S = 0.45
"""A ball out of play that is slower lies still."""
LONGEST_S, LIES_S = 3.5, 2.2
"""A flight is called out after so long; so long after a stroke a dead ball lies."""
STEP_S = 1.0 / CONTROL_HZ


@flax.struct.dataclass
class State:
    """Between two steps.

    left: steps until something happens in this phase. since: steps since the last
    stroke. ordinal, kind: of the next stroke; target: side of the player who plays it.
    meeting: where. missed: it will not be met. again: the point ended in a let, the
    same player serves again. settled: the dead ball has come to the floor, or to rest.
    """

    ball: Ball
    phase: Array
    left: Array
    since: Array
    point: Array
    server: Array
    ordinal: Array
    kind: Array
    target: Array
    meeting: Meeting
    missed: Array
    again: Array
    settled: Array
    tally: points.Tally


@flax.struct.dataclass
class _Happening:
    """What falls into a step, apart from what the ball touches."""

    hit: Array
    serves: Array
    reason: Array
    begins: Array
    vanish: Array
    throw: Array


@flax.struct.dataclass
class Seen:
    """A step as it is recorded.

    track_m: the ball after each sub-step. velocity, spin: after the last one.
    landing_m: where it met the table. event_s: seconds, for each kind of event.
    numbers: those of `NUMBERS`, then one flag for each kind of event.
    """

    track_m: Float[Array, "*n s 3"]
    velocity: Float[Array, "*n 3"]
    spin: Float[Array, "*n 3"]
    landing_m: Float[Array, "*n 2"]
    event_s: Float[Array, "*n e"]
    numbers: Int32[Array, "*n c"]


NUMBERS = (
    "phase",
    "point",
    "server",
    "ordinal",
    "kind",
    "target",
    "left",
    "missed",
    "landed",
    "reason",
    "winner",
    "struck",
)


def _choose(flag, first, second):
    return jax.tree.map(lambda a, b: jnp.where(flag, a, b), first, second)


def _side(flag, x):
    """-1 or 1 where the flag is set, else 0."""
    return jnp.where(flag, jnp.where(x < 0.0, -1.0, 1.0), 0.0)


def begin(script: Script) -> State:
    """Before the first point."""
    server, no = script.schedule.server[0], jnp.zeros((), bool)
    zero, still = jnp.int32(0), jnp.zeros(3)
    return State(
        ball=Ball(script_.serve(script, zero, server).position, still, still),
        phase=jnp.int32(GONE),
        left=script.schedule.pause[0],
        since=zero,
        point=zero,
        server=server,
        ordinal=zero,
        kind=zero,
        target=server,
        meeting=script_.meeting(script, zero, zero),
        missed=no,
        again=no,
        settled=no,
        tally=points.struck(no),
    )


def _stroke(physics: Physics, script: Script, state: State, now: _Happening):
    """After the next stroke of the rally, or the serve of a point."""

    def answer(state):
        aim = script_.aim(script, state.ordinal, state.kind)
        return shots.stroke(physics, state.ball.position, state.target, aim)

    def serve(state):
        return script_.serve(script, state.point, state.server)

    struck = jax.lax.cond(now.hit, answer, serve, state)
    ordinal = state.ordinal + 1
    kind = jnp.where(now.serves, strokes.SERVE, state.kind)
    reply = script.answers[ordinal, kind]
    reply = jnp.where(script.schedule.warm_up[state.point], strokes.WARM_UP, reply)
    luck = script.aims.luck[ordinal, 0]
    return dataclasses.replace(
        state,
        ball=dataclasses.replace(struck, position=state.ball.position),
        phase=jnp.int32(PLAY),
        since=jnp.int32(0),
        ordinal=ordinal,
        kind=reply,
        target=-state.target,
        meeting=script_.meeting(script, ordinal, reply),
        missed=luck < jnp.array(strokes.MISS_SHARES)[kind],
        tally=points.struck(now.serves),
    )


def _turn(physics: Physics, script: Script, state: State, now: _Happening) -> State:
    """After a step in which the phase changes or the ball is struck."""
    schedule, decided = script.schedule, now.reason != 0
    state = jax.lax.cond(
        now.hit | now.serves,
        lambda state: _stroke(physics, script, state, now),
        lambda state: state,
        state,
    )
    again = jnp.where(decided, now.reason == points.LET, state.again)
    point = state.point + now.vanish
    server = jnp.where(now.vanish & ~again, schedule.server[point], state.server)
    plan = script_.serve(script, point, server)
    toss = schedule.toss[point]
    left = jnp.where(now.begins, schedule.linger[point], state.left)
    left = jnp.where(now.vanish, schedule.pause[point], left)
    up = shots.toss_m_s(physics, STEP_S * toss) * jnp.array([0.0, 0.0, 1.0])
    still = jnp.zeros(3)
    # Where it is tossed next the ball waits before it is seen.
    waits = Ball(plan.position, jnp.where(now.throw, up, still), still)
    phase = jnp.select(
        [decided, now.vanish, now.throw], [DEAD, GONE, TOSS], state.phase
    )
    return dataclasses.replace(
        state,
        ball=_choose(now.vanish | now.throw, waits, state.ball),
        phase=phase.astype(jnp.int32),
        left=jnp.where(now.throw, toss, left),
        point=point,
        server=server,
        target=jnp.where(now.vanish, server, state.target),
        missed=state.missed & ~now.vanish,
        again=again,
        settled=(state.settled | now.begins) & ~now.vanish,
    )


def advance(physics: Physics, script: Script, state: State) -> tuple[State, Seen]:
    """One step, and what is recorded of it."""
    phase = state.phase
    gone, playing = phase == GONE, phase == PLAY
    left, since = state.left - 1, state.since + 1
    flown, track, contacts = physics_.track(physics, state.ball, STEP_S)
    ball = _choose(gone, state.ball, flown)
    x, y, _ = ball.position
    bounced = ~gone & (contacts.table_speed > BOUNCE_SPEED_M_S)
    touched = ~gone & contacts.touch
    before = touched & (~bounced | (contacts.touch_s <= contacts.table_s))
    floor = ~gone & contacts.floor & ~state.settled
    beyond = (jnp.abs(x) > AREA_M[0]) | (jnp.abs(y) > AREA_M[1])
    out = playing & (beyond | (since > round(LONGEST_S * CONTROL_HZ)))
    out |= floor
    bounce_side = _side(bounced, contacts.table_xy_m[0])
    tally, reason, winner = points.judge(
        state.tally, -state.target, before, bounce_side, _side(out, x)
    )
    reason = jnp.where(playing, reason, 0)
    tally = _choose(playing, tally, state.tally)
    hit = playing & (reason == 0) & tally.landed & ~state.missed
    hit &= players.meets(physics, ball, state.target, state.meeting)
    dead = (reason != 0) | (phase == DEAD)
    lies = jnp.sum(ball.velocity**2) < SLOWEST_M_S**2
    lies |= state.tally.landed & (bounce_side == state.target)
    lies |= floor | beyond | (since > round(LIES_S * CONTROL_HZ))
    now = _Happening(
        hit=hit,
        serves=(phase == TOSS) & (left <= 0),
        reason=reason,
        begins=dead & lies & ~state.settled,
        vanish=state.settled & (left <= 0),
        throw=gone & (left <= 0),
    )
    moved = dataclasses.replace(state, ball=ball, left=left, since=since, tally=tally)
    rare = hit | now.serves | (reason != 0) | now.begins | now.vanish | now.throw
    after = jax.lax.cond(
        rare,
        lambda moved: _turn(physics, script, moved, now),
        lambda moved: moved,
        moved,
    )
    stroke = hit | now.serves
    kind = jnp.where(now.serves, strokes.SERVE, state.kind)
    numbers = (
        phase,
        state.point,
        state.server,
        state.ordinal,
        state.kind,
        state.target,
        left,
        state.missed,
        tally.landed,
        reason,
        jnp.where(playing, winner, 0.0),
        jnp.where(stroke, kind, 0),
        bounced,
        ~gone & contacts.net,
        touched,
        stroke,
        out,
    )
    seconds = (
        contacts.table_s,
        contacts.net_s,
        contacts.touch_s,
        jnp.float32(STEP_S),
        jnp.where(floor, contacts.floor_s, STEP_S),
    )
    seen = Seen(
        track_m=jnp.where(gone, ball.position[None], track),
        velocity=ball.velocity,
        spin=ball.spin,
        landing_m=contacts.table_xy_m,
        event_s=jnp.stack(seconds),
        numbers=jnp.stack([jnp.asarray(number, jnp.int32) for number in numbers]),
    )
    return after, seen
