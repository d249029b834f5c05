"""What players try with each stroke, from random numbers in [0, 1) alone."""

import flax.struct
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from ttjax.geometry import fields_of_play as field

HALF_M = field.TABLE_LENGTH_M / 2
SIDE_M = field.TABLE_WIDTH_M / 2

SERVE, DRIVE, PUSH, CHOP, LOB, SMASH, WARM_UP = range(7)
"""Kinds of strokes; the last is a drive of two who play to each other."""

DEPTH_M = (
    (0.4, 1.15),
    (0.35, 1.28),
    (0.3, 1.1),
    (0.6, 1.25),
    (0.75, 1.3),
    (0.5, 1.25),
    (0.8, 1.2),
)
"""How far behind the net it is aimed, one row for each kind."""
WIDTH = (0.5, 0.85, 0.8, 0.8, 0.7, 0.9, 0.45)
"""How far from the middle line at most, in half widths of the table."""
CLEARANCE_M = (
    (0.04, 0.18),
    (0.02, 0.22),
    (0.02, 0.14),
    (0.1, 0.3),
    (0.3, 0.3),
    (0.05, 0.1),
    (0.05, 0.25),
)
"""Over the net, at least; low ones are more frequent than high ones."""
SPIN_RAD_S = (
    (0.0, 0.0),
    (-60.0, 380.0),
    (-180.0, -40.0),
    (-320.0, -120.0),
    (40.0, 220.0),
    (0.0, 120.0),
    (0.0, 160.0),
)
"""Topspin; that of a serve is `SERVE_SPIN`."""
SIDE_SPIN_RAD_S = (0.0, 20.0, 30.0, 40.0, 60.0, 20.0, 10.0)
SPEED_M_S = (99.0, 99.0, 99.0, 8.0, 99.0, 16.0, 7.5)
"""Mean speed at most; a smash is at most by a third slower."""
APEX_M = (2.2, 3.6)
"""How high a lob flies above the floor."""
REACH_M = (
    (0.0, 0.0),
    (1.2, 1.65),
    (0.95, 1.35),
    (2.0, 2.8),
    (2.4, 3.4),
    (1.0, 1.9),
    (1.4, 1.75),
)
"""How far from the net the ball is met, at most."""
HIGHEST_M = (0.0, 1.5, 1.25, 1.3, 1.2, 1.6, 1.5)
"""The ball is met below, where it comes within reach too high."""
LOW_M = (
    (0.0, 0.0),
    (1.05, 1.05),
    (1.05, 1.05),
    (0.7, 0.95),
    (0.55, 0.85),
    (1.2, 1.5),
    (0.95, 1.05),
)
"""A falling ball is met here at the latest, however near it is."""
LOWEST_M = (0.72, 0.72, 0.72, 0.25, 0.25, 0.72, 0.72)
"""Below, it is not met any more."""

LOW_SHARE, LOW_CLEARANCE_M = 0.14, (-0.1, 0.025)
"""How many strokes are aimed at the cord or lower; of serves, `SERVE_LOW_SHARE`."""
SERVE_LOW_SHARE, SERVE_LOW_CLEARANCE_M = 0.08, (-0.01, 0.001)
SERVE_LOW_DEPTH_M = (0.25, 0.6)
LONG_SHARE, LONG_M = 0.05, (1.45, 1.9)
SERVE_LONG_SHARE = 0.02
MISS_SHARES = (0.07, 0.07, 0.05, 0.08, 0.1, 0.35, 0.02)
"""How many balls of each kind the other player does not meet."""
WIDE_SHARE, WIDE_M = 0.03, (0.8, 1.1)
EDGE_SHARE, EDGE_M = 0.05, (1.35, 1.385)
"""Only with variety: past a side line, onto the end of the table."""
REPLIES = (
    ((0.36, PUSH), (0.06, CHOP), (0.02, LOB)),
    ((0.05, PUSH), (0.08, CHOP), (0.07, LOB), (0.06, SMASH)),
    ((0.45, PUSH), (0.04, SMASH)),
    ((0.3, PUSH), (0.1, SMASH), (0.05, LOB)),
    ((0.75, SMASH), (0.05, LOB)),
    ((0.4, LOB), (0.2, CHOP)),
    (),
)
"""What is played back with full variety, after each kind; otherwise a drive."""

SERVE_OWN_M, SERVE_ACROSS = (0.75, 1.15), (-0.3, 0.3)
"""Where a serve bounces first; across in half widths."""
SERVE_SPIN = (-0.8, 1.1)
"""With full variety: topspin in units of that of a ball that rolls."""
SERVE_HEIGHT_M = (0.2, 0.32)
"""Of the stroke, above the first bounce."""
NUMBERS = 14
"""Random numbers for a stroke."""


Leaf = Array | np.ndarray


@flax.struct.dataclass
class Aims:
    """What is tried with a stroke.

    depth_m: of the aim behind the net, along the table; across_m: off the middle.
    clearance_m: of the ball over the net, at least. spin: topspin and sidespin, rad/s.
    speed_m_s: at most. apex_m: height of the flight above the floor, at least.
    reach_m, highest_m, low_m: where the ball is met. luck: in [0, 1), below
    `MISS_SHARES` of the kind of the ball it is not.
    """

    depth_m: Float[Leaf, "*n"]
    across_m: Float[Leaf, "*n"]
    clearance_m: Float[Leaf, "*n"]
    spin: Float[Leaf, "*n 2"]
    speed_m_s: Float[Leaf, "*n"]
    apex_m: Float[Leaf, "*n"]
    reach_m: Float[Leaf, "*n"]
    highest_m: Float[Leaf, "*n"]
    low_m: Float[Leaf, "*n"]
    luck: Float[Leaf, "*n"]


def between(
    limits: tuple[float, float], uniform: Float[Array, "*n"]
) -> Float[Array, "*n"]:
    """A number of [0, 1), stretched to these limits."""
    low, high = limits
    return low + (high - low) * uniform


def _ranges(limits, uniform: Float[Array, " n"]) -> Float[Array, "n k"]:
    """Within the range of each kind."""
    low, high = jnp.array(limits, jnp.float32).T
    return low[None] + (high - low)[None] * uniform[:, None]


def _answers(row, uniform: Float[Array, " n"], variety) -> Int32[Array, " n"]:
    """The kind of stroke with which a ball of one kind is played back."""
    answer, below = jnp.full(uniform.shape, DRIVE), jnp.float32(0.0)
    for share, kind in row:
        over, below = below, below + variety * share
        answer = jnp.where((uniform >= over) & (uniform < below), kind, answer)
    return answer


def aims(
    uniform: Float[Array, "n 14"], variety: Float[Array, ""] | float
) -> tuple[Aims, Int32[Array, "n k"]]:
    """For each stroke of a rally: aims of every kind, and the kind of the answer.

    The second is the kind that is played as stroke `n` against one of kind `k`.
    """
    u = uniform.T
    kinds = jnp.arange(len(WIDTH))
    serves, kind = (kinds == SERVE)[None], kinds[None]
    careful = (kinds == WARM_UP)[None]
    depth = _ranges(DEPTH_M, u[0])
    side = jnp.array(WIDTH, jnp.float32)[None] * SIDE_M
    across = side * (2.0 * u[1] - 1.0)[:, None]
    clearance = _ranges(CLEARANCE_M, u[2] ** 2)

    def happens(share, of_serves, number, grows):
        shares = jnp.where(serves, of_serves, share) * jnp.where(careful, 0.0, 1.0)
        return u[number][:, None] < shares * (variety if grows else 1.0)

    low = happens(LOW_SHARE, SERVE_LOW_SHARE, 3, False)
    too_low = jnp.where(
        serves,
        between(SERVE_LOW_CLEARANCE_M, u[2])[:, None],
        between(LOW_CLEARANCE_M, u[2])[:, None],
    )
    short = low & serves
    depth = jnp.where(short, between(SERVE_LOW_DEPTH_M, u[0])[:, None], depth)
    depth = jnp.where(
        happens(LONG_SHARE, SERVE_LONG_SHARE, 4, False),
        between(LONG_M, u[0])[:, None],
        depth,
    )
    depth = jnp.where(
        happens(EDGE_SHARE, 0.0, 5, True), between(EDGE_M, u[0])[:, None], depth
    )
    wide = jnp.sign(u[1] - 0.5) * between(WIDE_M, u[0])
    across = jnp.where(happens(WIDE_SHARE, 0.0, 6, True), wide[:, None], across)
    spin = jnp.stack(
        [
            _ranges(SPIN_RAD_S, u[7]),
            jnp.array(SIDE_SPIN_RAD_S)[None] * (2.0 * u[8] - 1.0)[:, None],
        ],
        axis=-1,
    )
    roll = 0.6 + variety * (between(SERVE_SPIN, u[7]) - 0.6)
    spin = spin.at[:, SERVE, 0].set(roll)
    speed = jnp.array(SPEED_M_S)[None] * (1.0 - 0.33 * (kind == SMASH) * u[9][:, None])
    apex = jnp.where(kind == LOB, between(APEX_M, u[9])[:, None], 0.0)
    answers = jnp.stack([_answers(row, u[11], variety) for row in REPLIES], axis=1)
    answers = answers.at[:, WARM_UP].set(WARM_UP)
    return (
        Aims(
            depth_m=depth,
            across_m=across,
            clearance_m=jnp.where(low, too_low, clearance),
            spin=spin,
            speed_m_s=speed,
            apex_m=apex,
            reach_m=_ranges(REACH_M, u[12]),
            highest_m=jnp.broadcast_to(jnp.array(HIGHEST_M), depth.shape),
            low_m=_ranges(LOW_M, u[13]),
            luck=jnp.broadcast_to(u[10][:, None], depth.shape),
        ),
        answers.astype(jnp.int32),
    )
