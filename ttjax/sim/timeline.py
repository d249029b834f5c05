"""When points begin, how long nothing happens, and what else rolls through the hall.

All of it is drawn from the key by ordinals: the n-th point, the n-th second ball.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from ttjax.geometry import fields_of_play as field
from ttjax.typing import PRNGKey

SHORTEST_POINT_S = 0.5
"""No two points begin closer to each other."""
PAUSE_S, FIRST_PAUSE_S = (0.2, 0.7), (0.0, 0.12)
"""Without a ball before a point."""
LONG_PAUSE_SHARE, LONG_PAUSE_S = 0.2, (1.0, 4.0)
"""With full variety, of the pauses between points."""
LINGER_S = (0.1, 0.4)
"""How long a ball that is out of play is seen after it has met the floor."""
LONG_LINGER_SHARE, LONG_LINGER_S = 0.35, (0.5, 2.5)
TOSS_S = (0.17, 0.35)
"""How long the ball flies before it is served."""
WARM_UP_SHARE = 0.05
"""With full variety, of the points."""

OTHER_SHARE, OTHER_EVERY_S = 0.6, 10.0
"""With full variety: a second ball appears in so many of these periods."""
OTHER_FLOOR = 0.72
"""Restitution of the second ball on the floor."""
ROLLING_SHARE, THROWN_SHARE = 0.4, 0.25
"""Of the second balls; the others come bouncing from another table."""
OTHER_X_M, FAR_Y_M, NEAR_Y_M = 5.5, (1.2, 4.0), (-2.2, -1.1)
"""Where the second ball enters; its lanes beyond the table and on this side of it."""


@flax.struct.dataclass
class Schedule:
    """n points in order.

    server: -1 left or 1 right. pause, toss, linger: steps without a ball before the
    point, of the throw, and with the dead ball after it. warm_up: two play to each
    other, nobody counts.
    """

    server: Float[Array | np.ndarray, "*n"]
    pause: Int32[Array | np.ndarray, "*n"]
    toss: Int32[Array | np.ndarray, "*n"]
    linger: Int32[Array | np.ndarray, "*n"]
    warm_up: Bool[Array | np.ndarray, "*n"]


def rows(key: PRNGKey, count: int, numbers: int) -> Float[Array, "count numbers"]:
    """Uniform numbers in [0, 1); a row depends on the key and its ordinal alone."""

    def row(ordinal):
        return jax.random.uniform(jax.random.fold_in(key, ordinal), (numbers,))

    return jax.vmap(row)(jnp.arange(count, dtype=jnp.uint32))


def schedule(
    uniform: Float[Array, "n 7"], variety: Float[Array, ""] | float, rate_hz: int
) -> Schedule:
    """Points, from a row of random numbers for each."""
    u = uniform.T

    def steps(limits, number):
        low, high = limits
        return jnp.floor((low + (high - low) * number) * rate_hz).astype(jnp.int32)

    pause = jnp.where(
        u[1] < LONG_PAUSE_SHARE * variety,
        steps(LONG_PAUSE_S, u[2]),
        steps(PAUSE_S, u[2]),
    )
    linger = jnp.where(
        u[3] < LONG_LINGER_SHARE * variety,
        steps(LONG_LINGER_S, u[4]),
        steps(LINGER_S, u[4]),
    )
    return Schedule(
        server=jnp.where(u[0] < 0.5, -1.0, 1.0),
        pause=pause.at[0].set(steps(FIRST_PAUSE_S, u[2, 0])),
        toss=steps(TOSS_S, u[5]),
        linger=linger,
        warm_up=u[6] < WARM_UP_SHARE * variety,
    )


def hops(
    seconds: Float[Array, "*#n"],
    height_m: Float[Array, "*#n"],
    climb_m_s: Float[Array, "*#n"],
    gravity_m_s2: Float[Array, ""] | float,
) -> Float[Array, "*#n"]:
    """Height above the floor of a ball after `seconds` of falling and bouncing.

    The n-th hop takes 2 w e^n / g, with the speed w of the first impact: the sum of a
    geometric series tells in which of them the ball is; after all of them it lies.
    """
    gravity = gravity_m_s2
    impact = jnp.sqrt(climb_m_s**2 + 2 * gravity * height_m)
    falls = (climb_m_s + impact) / gravity
    since = seconds - falls
    e = OTHER_FLOOR
    left = 1 - since * gravity * (1 - e) / (2 * e * impact + 1e-9)
    hop = jnp.floor(jnp.log(jnp.maximum(left, 1e-6)) / jnp.log(e))
    hop = jnp.maximum(hop, 0.0)
    begun = 2 * impact * e / gravity * (1 - e**hop) / (1 - e)
    within = since - begun
    speed = impact * e ** (hop + 1)
    bouncing = jnp.maximum(within * (speed - 0.5 * gravity * within), 0.0)
    bouncing = jnp.where(left > 1e-3, bouncing, 0.0)
    falling = height_m + climb_m_s * seconds - 0.5 * gravity * seconds**2
    return jnp.where(since < 0.0, falling, bouncing)


def other_ball(
    uniform: Float[Array, "n 9"],
    variety: Float[Array, ""] | float,
    times_s: Float[Array, "*t"],
    gravity_m_s2: Float[Array, ""] | float,
) -> tuple[Float[Array, "*t 3"], Bool[Array, "*t"]]:
    """Centre of a second ball that crosses the hall now and then, and whether it does.

    It rolls, comes bouncing from another table, or is thrown in; never over the table.
    One row of random numbers for each period of `OTHER_EVERY_S`.
    """
    period = jnp.floor(times_s / OTHER_EVERY_S)
    row = jnp.clip(period.astype(jnp.int32), 0, uniform.shape[0] - 1)
    u = jnp.moveaxis(uniform[row], -1, 0)
    rolls = u[1] < ROLLING_SHARE
    thrown = u[1] > 1 - THROWN_SHARE
    speed = jnp.where(rolls, 1.5 + 1.3 * u[2], 1.6 + 2.4 * u[2])
    lasts = jnp.minimum(2 * OTHER_X_M / speed, 0.75 * OTHER_EVERY_S)
    begins = 0.05 * OTHER_EVERY_S + u[3] * (0.9 * OTHER_EVERY_S - lasts)
    since = times_s - period * OTHER_EVERY_S - begins
    way = jnp.where(u[4] < 0.5, -1.0, 1.0)

    def lane(limits):
        low, high = limits
        return low + (high - low) * u[5]

    across = jnp.where(u[6] < 0.3, lane(NEAR_Y_M), lane(FAR_Y_M))
    height = jnp.where(thrown, 0.8 + 0.7 * u[7], 0.2 + 0.6 * u[7])
    climb = jnp.where(thrown, 1.0 + 2.0 * u[8], 0.0)
    height = jnp.where(rolls, 0.0, height)
    up = hops(since, height, climb, gravity_m_s2)
    drift = (u[8] - 0.5) * 0.3
    xyz = jnp.stack(
        [
            way * (speed * since - OTHER_X_M),
            across + drift * since,
            field.BALL_RADIUS_M + jnp.where(rolls, 0.0, up),
        ],
        axis=-1,
    )
    present = (u[0] < OTHER_SHARE * variety) & (since >= 0.0) & (since <= lasts)
    return xyz, present
