"""Play at one table, from a key: serves, drives, net balls, misses, pauses.

`simulate` gives any number of consecutive frames. As in OpenTTGames a `net` event is
the moment at which the ball comes to the plane of the net, whether it flies over the
cord or into the net; `touch` tells the two apart.
"""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int8

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics as physics_
from ttjax.sim import strokes
from ttjax.sim.physics import Ball, Physics
from ttjax.typing import PRNGKey

GONE, TOSS, PLAY, DEAD = 0, 1, 2, 3
"""Phases: no ball, the ball is thrown up to serve, in play, out of play."""

EVENTS = ("bounce", "net")
BOUNCE_SPEED_M_S = 0.5
"""Slower impacts on the table (a ball that comes to rest) are not called bounces."""
REACH_M = 0.35
"""From the middle of the body to the racket, along the table."""
SWING_M_S, BACKSWING_M = 4.5, 0.5
"""Speed of a racket on its way to the ball, and from how far behind it comes."""
AHEAD_S = 0.3
"""For so long a player foresees the ball."""


@flax.struct.dataclass
class Rally:
    """n consecutive frames of play.

    velocity_m_s: of the ball at the frame, for its blur.
    present: the ball exists; where it does not, its position is meaningless.
    bounce, net, touch, stroke: something happened between the previous frame and this
    one.
    root_m: where the two players (left, right) stand, on the floor.
    hand_m: their rackets.
    swing: 1 at a stroke, decaying to 0.
    """

    ball_m: Float[Array | np.ndarray, "*n 3"]
    velocity_m_s: Float[Array | np.ndarray, "*n 3"]
    present: Bool[Array | np.ndarray, "*n"]
    phase: Int8[Array | np.ndarray, "*n"]
    bounce: Bool[Array | np.ndarray, "*n"]
    net: Bool[Array | np.ndarray, "*n"]
    touch: Bool[Array | np.ndarray, "*n"]
    stroke: Bool[Array | np.ndarray, "*n"]
    root_m: Float[Array | np.ndarray, "*n 2 2"]
    hand_m: Float[Array | np.ndarray, "*n 2 3"]
    swing: Float[Array | np.ndarray, "*n 2"]


@flax.struct.dataclass
class _State:
    ball: Ball
    phase: Array
    seconds: Array
    """Time left in the phase."""
    target: Array
    """Side of the player who plays the next ball: -1 or 1."""
    bounces: Array
    """Bounces since the last stroke, on the target's half."""
    strike_m: Array
    miss: Array
    root: Array
    hand: Array
    swing: Array
    plan: Ball
    """The serve for which the ball is tossed."""


def _until_stroke(state: _State, gravity_m_s2: float) -> Array:
    """Seconds until the next player meets the ball, at most `AHEAD_S`."""
    (x, _, z), (vx, _, vz) = state.ball.position, state.ball.velocity
    way = state.strike_m - state.target * x
    flight = way / jnp.maximum(state.target * vx, 1.0)
    drop = jnp.maximum(vz**2 + 2 * gravity_m_s2 * (z - state.strike_m), 0.0)
    fall = (vz + jnp.sqrt(drop + 1e-9)) / gravity_m_s2
    return jnp.clip(jnp.where(state.phase == TOSS, fall, flight), 0.0, AHEAD_S)


def _players(state: _State, physics: Physics, seconds: float, home: Array):
    """Feet and rackets follow the ball, at limited speed."""
    ball, sides = state.ball, jnp.array([-1.0, 1.0])
    active = (state.phase == PLAY) | (state.phase == TOSS)
    mine = active & (sides == state.target)
    ahead = jnp.clip(
        (sides * 1.65 - ball.position[0])
        / jnp.where(jnp.abs(ball.velocity[0]) < 1.0, 1e9, ball.velocity[0]),
        0.0,
        0.5,
    )
    reach_x = jnp.clip(jnp.abs(ball.position[0]), 1.35, 2.2) + REACH_M
    want_x = jnp.where(mine & (sides * ball.position[0] > 1.0), reach_x, home[:, 0])
    # The racket arm is on the side of the camera for both: the body stands behind it.
    want_y = ball.position[1] + ball.velocity[1] * ahead + 0.25
    want_y = jnp.where(mine, jnp.clip(want_y, -0.7, 1.0), home[:, 1])
    want = jnp.stack([sides * want_x, want_y], axis=-1)
    gap = want - state.root
    pace = jnp.sqrt(jnp.sum(gap**2, axis=-1) + 1e-9)
    limit = 2.6 * seconds
    move = gap * jnp.minimum(0.08, limit / pace)[:, None]
    root = state.root + move

    near = mine & (sides * ball.position[0] > 0.7) & (ball.position[2] > 0.6)
    rest = jnp.stack(
        [
            root[:, 0] - sides * (0.38 + 0.5 * state.swing),
            root[:, 1] - 0.22 + 0.25 * state.swing,
            0.95 + 0.45 * state.swing,
        ],
        axis=-1,
    )
    until = _until_stroke(state, physics.gravity_m_s2)
    meet = ball.position + until * ball.velocity
    meet = meet.at[2].set(jnp.clip(meet[2], field.TABLE_HEIGHT_M + 0.05, 1.5))
    # Swung forward from behind: in time the racket is where it meets the ball.
    back = 0.08 + jnp.minimum(SWING_M_S * until, BACKSWING_M)
    behind = jnp.stack([sides * back, jnp.zeros(2), jnp.full(2, -0.05)], axis=-1)
    goal = jnp.where(near[:, None], meet[None] + behind, rest)
    pull = jnp.where(near, 0.3, 0.12)
    hand = state.hand + pull[:, None] * (goal - state.hand)
    return root, hand


def _advance(physics: Physics, fps: float, home: Array, state: _State, uniform: Array):
    seconds = 1.0 / fps
    ball, contacts = physics_.step(physics, state.ball, seconds)
    phase, left = state.phase, state.seconds - seconds
    x, z, vx, vz = (
        ball.position[0],
        ball.position[2],
        ball.velocity[0],
        ball.velocity[2],
    )
    playing = phase == PLAY
    exists = phase != GONE

    on_table = contacts.table_speed > 0.0
    own_half = jnp.sign(x) == state.target
    bounces = state.bounces + (on_table & own_half).astype(jnp.int32)
    coming = vx * state.target > 0.0
    strike = (x * state.target > state.strike_m) | (
        (vz < -0.3) & (x * state.target > 0.45) & (z < 1.05)
    )
    hit = playing & (bounces == 1) & coming & strike & ~state.miss & (z > 0.72)
    toss_over = (phase == TOSS) & (vz < 0.0) & (z <= state.strike_m)
    stroke = hit | toss_over

    driven = strokes.drive(physics, ball.position, state.target, uniform[:8])
    served = dataclasses.replace(state.plan, position=ball.position)
    shot = jax.tree.map(lambda a, b: jnp.where(hit, a, b), driven, served)
    ball = jax.tree.map(lambda a, b: jnp.where(stroke, a, b), shot, ball)

    over = playing & (
        contacts.floor
        | (bounces >= 2)
        | (left < 0.0)
        | (jnp.sum(ball.velocity**2) < 0.2)
        | (jnp.abs(x) > 4.5)
    )
    vanish = (phase == DEAD) & (left < 0.0)
    throw = (phase == GONE) & (left < 0.0)
    # The next server tosses the ball where the serve is to start.
    server = jnp.where(uniform[8] < 0.5, -1.0, 1.0)
    plan = strokes.serve(physics, server, uniform[9:17])
    up = 0.8 + 0.9 * uniform[17]
    toss = Ball(
        position=plan.position,
        velocity=jnp.stack([jnp.zeros(()), jnp.zeros(()), up]),
        spin=jnp.zeros(3),
    )
    ball = jax.tree.map(lambda a, b: jnp.where(throw, a, b), toss, ball)

    phase = jnp.select(
        [toss_over, over, vanish, throw], [PLAY, DEAD, GONE, TOSS], phase
    ).astype(jnp.int32)
    left = jnp.where(over, 0.1 + 0.3 * uniform[18], left)
    left = jnp.where(vanish, 0.2 + 0.5 * uniform[18], left)
    left = jnp.where(stroke, 2.2, left)
    target = jnp.where(throw, server, jnp.where(stroke, -state.target, state.target))
    strike_m = jnp.where(stroke, 1.2 + 0.45 * uniform[19], state.strike_m)
    strike_m = jnp.where(throw, plan.position[2], strike_m)
    moved = dataclasses.replace(state, ball=ball)
    root, hand = _players(moved, physics, seconds, home)
    swung = stroke & (jnp.array([-1.0, 1.0]) == state.target)
    swing = jnp.where(swung, 1.0, state.swing * jnp.exp(-5.0 * seconds))
    after = _State(
        ball=ball,
        phase=phase,
        seconds=left,
        target=target,
        bounces=jnp.where(stroke | throw, 0, bounces),
        strike_m=strike_m,
        miss=jnp.where(stroke, uniform[20] < 0.07, state.miss),
        root=root,
        hand=hand,
        swing=swing,
        plan=jax.tree.map(lambda a, b: jnp.where(throw, a, b), plan, state.plan),
    )
    frame = Rally(
        ball_m=ball.position,
        velocity_m_s=ball.velocity,
        present=phase != GONE,
        phase=phase.astype(jnp.int8),
        bounce=exists & (contacts.table_speed > BOUNCE_SPEED_M_S),
        net=exists & contacts.net,
        touch=exists & contacts.touch,
        stroke=stroke,
        root_m=root,
        hand_m=hand,
        swing=swing,
    )
    return after, frame


def simulate(
    key: PRNGKey, frames: int, fps: float, physics: Physics | None = None
) -> Rally:
    """`frames` frames of play at `fps`, from the moment before a serve.

    Pure and unbatched; `vmap` over keys. About one frame in eight has no ball.
    """
    physics = Physics() if physics is None else physics
    start_key, play_key = jax.random.split(key)
    start = jax.random.uniform(start_key, (6,))
    home = jnp.stack([1.75 + 0.35 * start[:2], -0.1 + 0.75 * start[2:4]], axis=-1)
    sides = jnp.array([-1.0, 1.0])
    root = home * jnp.stack([sides, jnp.ones(2)], axis=-1)
    hand = jnp.concatenate([root, jnp.full((2, 1), 0.95)], axis=-1)
    still = jnp.zeros(3)
    state = _State(
        ball=Ball(jnp.array([0.0, 0.0, 1.0]), still, still),
        phase=jnp.int32(GONE),
        seconds=0.12 * start[4],
        target=jnp.where(start[5] < 0.5, -1.0, 1.0),
        bounces=jnp.int32(0),
        strike_m=jnp.float32(1.4),
        miss=jnp.bool_(False),
        root=root,
        hand=hand,
        swing=jnp.zeros(2),
        plan=Ball(still, still, still),
    )
    uniform = jax.random.uniform(play_key, (frames, 24))

    def body(state, uniform):
        return _advance(physics, fps, home, state, uniform)

    return jax.lax.scan(body, state, uniform)[1]
