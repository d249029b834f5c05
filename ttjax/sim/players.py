"""Two players follow the ball: where they will meet it, their feet, their rackets."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ttjax.sim import physics as physics_
from ttjax.sim.physics import Ball, Physics

SIDES = (-1.0, 1.0)
REACH_M = 0.35
"""From the middle of the body to the racket, along the table."""
ARM_M = 0.25
"""The body stands behind the racket arm, which is on the side of the camera."""
SWING_M_S, BACKSWING_M = 4.5, 0.5
"""Speed of a racket on its way to the ball, and from how far behind it comes."""
AHEAD_S = 0.3
"""For so long before the stroke the racket moves to the ball."""
CONTACT_M = 0.05
"""From the middle of the racket to that of the ball at the stroke."""
WALK_M_S, RUN_M_S = 2.6, 4.2
"""Of the feet at most; when the ball comes far behind the table."""
STEP = 0.08
"""Share of the way to where they want to be that the feet go in 1 / 120 s."""
AFTER_BOUNCE = 0.85
"""Share of its speed along the table that a player expects the ball to keep."""
MISSED_M = 0.24
"""By how much a racket misses a ball."""
RETREAT_M = 2.9
"""Where a player waits for a smash."""


@flax.struct.dataclass
class Meeting:
    """Where a player wants to strike the ball.

    reach_m: at this distance from the net, unless it is to rise above highest_m; a
    falling ball at low_m at the latest, below lowest_m not any more.
    """

    reach_m: Float[Array, "*n"]
    highest_m: Float[Array, "*n"]
    low_m: Float[Array, "*n"]
    lowest_m: Float[Array, "*n"]


@flax.struct.dataclass
class Players:
    """Feet, rackets and strokes of two (left, right), as in `play.Play`."""

    root_m: Float[Array | np.ndarray, "*n 2 2"]
    hand_m: Float[Array | np.ndarray, "*n 2 3"]
    swing: Float[Array | np.ndarray, "*n 2"]


NEAR_M, FALLING_M_S = 0.45, -0.3
"""A falling ball is not met nearer to the net; from which speed on it falls."""


def meets(
    physics: Physics,
    ball: Ball,
    side: Float[Array, ""],
    meeting: Meeting,
) -> Bool[Array, ""]:
    """Whether a ball that has bounced is now where the player of `side` strikes it."""
    x, z = side * ball.position[0], ball.position[2]
    vx, vz = side * ball.velocity[0], ball.velocity[2]
    apex = z + jnp.maximum(vz, 0.0) ** 2 / (2 * physics.gravity_m_s2)
    there = (x > meeting.reach_m) & (apex < meeting.highest_m)
    falls = (vz < FALLING_M_S) & (x > NEAR_M) & (z < meeting.low_m)
    return (vx > 0.0) & (there | falls) & (z > meeting.lowest_m)


def _fall_s(z, vz, level, gravity):
    """Seconds until a ball that may still rise is below `level`, falling."""
    room = vz**2 + 2 * gravity * (z - level)
    down = (vz + jnp.sqrt(jnp.maximum(room, 0.0) + 1e-9)) / gravity
    # Where it never gets there it is low already as soon as it falls.
    return jnp.maximum(jnp.where(room > 0.0, down, (vz + 0.3) / gravity), 0.0)


def foresee(
    physics: Physics,
    ball: Ball,
    landed: Bool[Array, ""],
    side: Float[Array, ""],
    meeting: Meeting,
) -> tuple[Float[Array, ""], Float[Array, " 3"]]:
    """In how many seconds, and where, the ball will be where `side` strikes it.

    From parabolas and an expected bounce: rough at first, exact when the ball is near.
    """
    gravity = physics.gravity_m_s2
    pull = physics_.acceleration(physics, ball.velocity, ball.spin)
    z, vz = ball.position[2], ball.velocity[2]
    sink = jnp.maximum(-pull[2], 2.0)
    room = jnp.maximum(vz**2 + 2 * sink * (z - physics_.SURFACE_Z_M), 0.0)
    flight = jnp.where(landed, 0.0, (vz + jnp.sqrt(room + 1e-9)) / sink)
    flight = jnp.clip(flight, 0.0, 2.0)
    slow = 1 / (1 + physics.drag_per_m * jnp.sqrt(jnp.sum(ball.velocity**2)) * flight)
    at = ball.position + ball.velocity * flight * jnp.sqrt(slow)
    keeps = jnp.where(landed, 1.0, AFTER_BOUNCE * slow)
    velocity = ball.velocity * keeps
    up = jnp.where(landed, vz, physics.restitution * (sink * flight - vz))
    height = jnp.where(landed, z, physics_.SURFACE_Z_M)
    x, vx = side * at[0], side * velocity[0]
    along = (meeting.reach_m - x) / jnp.maximum(vx, 0.3)
    high = jnp.where(
        height + jnp.maximum(up, 0.0) ** 2 / (2 * gravity) > meeting.highest_m,
        _fall_s(height, up, meeting.highest_m, gravity),
        0.0,
    )
    low = jnp.maximum(
        _fall_s(height, up, meeting.low_m, gravity),
        (NEAR_M - x) / jnp.maximum(vx, 0.3),
    )
    wait = jnp.maximum(jnp.minimum(jnp.maximum(along, high), low), 0.0)
    wait = jnp.minimum(wait, 1.5)
    place = jnp.stack(
        [
            at[0] + velocity[0] * wait,
            at[1] + velocity[1] * wait,
            height + up * wait - 0.5 * gravity * wait**2,
        ]
    )
    return flight + wait, place


@flax.struct.dataclass
class Tasks:
    """What there is to do in n steps.

    target: side (-1 left, 1 right) of who plays next. active: that one goes to the
    ball, to be met in until_s seconds at place_m. missed: will not meet it. smashed:
    the other one expects a smash. strikes: the ball is struck at the end of the step,
    at ball_m.
    """

    target: Float[Array, "*n"]
    active: Bool[Array, "*n"]
    until_s: Float[Array, "*n"]
    place_m: Float[Array, "*n 3"]
    missed: Bool[Array, "*n"]
    smashed: Bool[Array, "*n"]
    strikes: Bool[Array, "*n"]
    ball_m: Float[Array, "*n 3"]


def follow(tasks: Tasks, home_m: Float[Array, "2 2"], seconds: float) -> Players:
    """Feet and rackets after each of n steps of so many seconds.

    home_m: how far behind the net each waits, and where across the table.
    """
    sides = jnp.array(SIDES)
    mine = tasks.target[:, None] == sides[None]
    active = mine & tasks.active[:, None]
    reach = jnp.clip(jnp.abs(tasks.place_m[:, 0]), 1.35, 3.8) + REACH_M
    aside = jnp.clip(tasks.place_m[:, 1] + ARM_M, -0.9, 1.2)
    retreats = tasks.smashed[:, None] & ~mine
    want_x = jnp.where(active, reach[:, None], home_m[None, :, 0])
    want_x = jnp.where(retreats, RETREAT_M, want_x)
    want_y = jnp.where(active, aside[:, None], home_m[None, :, 1])
    want = jnp.stack([sides[None] * want_x, want_y], axis=-1)
    limit = jnp.where(want_x > 2.4, RUN_M_S, WALK_M_S) * seconds
    # Swung forward from behind: in time the racket is where it meets the ball.
    back = CONTACT_M + jnp.minimum(SWING_M_S * tasks.until_s, BACKSWING_M)
    beside = jnp.where(tasks.missed, MISSED_M, 0.0)
    offset = jnp.stack([tasks.target * back, 0.6 * beside, 0.8 * beside - 0.02], -1)
    goal = tasks.place_m + offset
    near = active & (tasks.until_s < AHEAD_S)[:, None]
    soon = jnp.clip(seconds / (tasks.until_s + seconds), 0.1, 1.0)
    pull = jnp.where(near, soon[:, None], 0.12)
    # At the stroke it is a hand's breadth behind the ball.
    strikes = mine & tasks.strikes[:, None]
    contact = jnp.stack([CONTACT_M * tasks.target, 0 * back, 0 * back - 0.02], -1)
    goal = jnp.where(tasks.strikes[:, None], tasks.ball_m + contact, goal)
    near, pull = near | strikes, jnp.where(strikes, 1.0, pull)

    def body(players, step):
        want, limit, goal, near, pull, strikes = step
        gap = want - players.root_m
        pace = jnp.sqrt(jnp.sum(gap**2, axis=-1) + 1e-9)
        root = players.root_m + gap * jnp.minimum(STEP, limit / pace)[:, None]
        swing = players.swing * jnp.exp(-5.0 * seconds)
        rest = jnp.stack(
            [
                root[:, 0] - sides * (0.38 + 0.5 * swing),
                root[:, 1] - 0.22 + 0.25 * swing,
                0.95 + 0.45 * swing,
            ],
            axis=-1,
        )
        aim = jnp.where(near[:, None], goal[None], rest)
        hand = players.hand_m + pull[:, None] * (aim - players.hand_m)
        after = Players(root, hand, jnp.where(strikes, 1.0, swing))
        return after, after

    root = home_m * jnp.stack([sides, jnp.ones(2)], axis=-1)
    hand = jnp.concatenate([root, jnp.full((2, 1), 0.95)], axis=-1)
    steps = (want, limit, goal, near, pull, strikes)
    return jax.lax.scan(body, Players(root, hand, jnp.zeros(2)), steps)[1]
