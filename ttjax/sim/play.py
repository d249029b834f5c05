"""What a rally holds, independent of any camera, and what a camera sees of it.

Time runs in steps of 1 / `CONTROL_HZ` seconds, each of a few sub-steps. Between the
sub-steps the ball is interpolated along straight lines: within 10 micrometres of its
flight; a bounce is cut by a few millimetres, 12 mm at most, for a millisecond.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int8, Int32

CONTROL_HZ = 120
"""Steps per second."""
GONE, TOSS, PLAY, DEAD = 0, 1, 2, 3
"""Phases: no ball, the ball is thrown up to serve, in play, out of play."""
KINDS = ("bounce", "net", "touch", "stroke", "out")
"""Events. net: the ball comes to the plane of the net, over it or into it, or the net
throws it back; touch: it touches the net; out: it meets the floor or leaves the
playing area."""
EVENTS = ("bounce", "net")
"""Those that are labelled."""

Leaf = Array | np.ndarray


@flax.struct.dataclass
class Play:
    """n consecutive steps of play, each of s sub-steps.

    ball_m: centre of the ball at the end of each sub-step. present: the ball exists
    during the step; where it does not, its position is meaningless. phase: during the
    step. other_m, other_present: of a second ball that belongs to nobody's rally.
    root_m: where the two players (left, right) stand at the end of the step, on the
    floor. hand_m: their rackets. swing: 1 at a stroke, decaying to 0.
    happened: whether an event of each of `KINDS` fell into the step. event_s: how long
    after the start of the step. event_m: where the ball's centre was, along and across
    the table; its side is the sign of the first.
    kind: of a stroke (`strokes`), where one happened.
    point: ordinal of the point that the step belongs to. server: its side, -1 left or
    1 right. reason: why it ended (`points`), in the one step in which it did, else 0.
    winner: -1 or 1 in that step, 0 for a let.
    """

    ball_m: Float[Leaf, "*n s 3"]
    present: Bool[Leaf, "*n"]
    phase: Int8[Leaf, "*n"]
    other_m: Float[Leaf, "*n s 3"]
    other_present: Bool[Leaf, "*n"]
    root_m: Float[Leaf, "*n 2 2"]
    hand_m: Float[Leaf, "*n 2 3"]
    swing: Float[Leaf, "*n 2"]
    happened: Bool[Leaf, "*n 5"]
    event_s: Float[Leaf, "*n 5"]
    event_m: Float[Leaf, "*n 5 2"]
    kind: Int8[Leaf, "*n"]
    point: Int32[Leaf, "*n"]
    server: Int8[Leaf, "*n"]
    reason: Int8[Leaf, "*n"]
    winner: Int8[Leaf, "*n"]


@flax.struct.dataclass
class Moments:
    """What is where in n frames.

    path_m: centre of the ball at the beginning, the middle and the end of the
    exposure. present: it exists in the middle. other_path_m, other_present: the same
    of the second ball. phase: in the middle. root_m, hand_m, swing: players.
    """

    path_m: Float[Leaf, "*n 3 3"]
    present: Bool[Leaf, "*n"]
    other_path_m: Float[Leaf, "*n 3 3"]
    other_present: Bool[Leaf, "*n"]
    phase: Int8[Leaf, "*n"]
    root_m: Float[Leaf, "*n 2 2"]
    hand_m: Float[Leaf, "*n 2 3"]
    swing: Float[Leaf, "*n 2"]


def _between(values: Leaf, times_s: Array, rate_hz: float) -> Array:
    """Samples taken at 1, 2, ... / rate_hz, between which `values` change linearly."""
    last = values.shape[0] - 1
    place = jnp.clip(times_s * rate_hz - 1.0, 0.0, float(last))
    first = jnp.minimum(place.astype(jnp.int32), max(last - 1, 0))
    share = (place - first).reshape(place.shape + (1,) * (values.ndim - 1))
    values = jnp.asarray(values)
    before, after = values[first], values[jnp.minimum(first + 1, last)]
    return before + share * (after - before)


def _runs(present: Bool[Array, " n"]) -> tuple[Int32[Array, " n"], Int32[Array, " n"]]:
    """First step, and the one after the last, of the run that a step belongs to."""
    count = present.shape[0]
    steps = jnp.arange(count, dtype=jnp.int32)
    change = present[1:] != present[:-1]
    first = jnp.where(jnp.append(True, change), steps, 0)
    end = jnp.where(jnp.append(change, True), steps + 1, count)
    return jax.lax.cummax(first), jax.lax.cummin(end, reverse=True)


def moments(
    play: Play, times_s: Float[Leaf, " n"], exposure_s: Float[Leaf, ""] | float
) -> Moments:
    """What a camera sees whose exposures have their middle at `times_s`.

    Any times in any order, from the start of the play. Where the ball appears or
    vanishes during an exposure, its path ends there.
    """
    times_s = jnp.asarray(times_s)
    half = 0.5 * jnp.asarray(exposure_s) * jnp.array([-1.0, 0.0, 1.0])
    around = times_s[:, None] + half[None]
    steps, substeps = play.ball_m.shape[:2]
    step = jnp.clip((times_s * CONTROL_HZ).astype(jnp.int32), 0, steps - 1)

    def path(track, present):
        first, end = _runs(jnp.asarray(present))
        first, end = first[step] / CONTROL_HZ, end[step] / CONTROL_HZ
        within = jnp.clip(around, first[:, None], end[:, None])
        flat = jnp.asarray(track).reshape(steps * substeps, 3)
        return _between(flat, within, CONTROL_HZ * substeps)

    def slow(values):
        return _between(values, times_s, CONTROL_HZ)

    return Moments(
        path_m=path(play.ball_m, play.present),
        present=jnp.asarray(play.present)[step],
        other_path_m=path(play.other_m, play.other_present),
        other_present=jnp.asarray(play.other_present)[step],
        phase=jnp.asarray(play.phase)[step],
        root_m=slow(play.root_m),
        hand_m=slow(play.hand_m),
        swing=slow(play.swing),
    )


def event_times(play: Play, kind: str) -> Float[Array, " n"]:
    """Seconds from the start of the play to an event of each step; inf without one."""
    which = KINDS.index(kind)
    start = jnp.arange(play.happened.shape[0]) / CONTROL_HZ
    happened = jnp.asarray(play.happened)[:, which]
    return jnp.where(happened, start + play.event_s[:, which], jnp.inf)
