"""What is drawn of a play before its first ball is served."""

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from ttjax.sim import shots, strokes, timeline
from ttjax.sim.physics import Ball, Physics
from ttjax.sim.players import Meeting
from ttjax.typing import PRNGKey

STROKES_PER_S = 4
"""No more than so many on average."""
HOME_M = ((1.75, 2.1), (-0.1, 0.65))
"""Where players wait: behind the net, and across."""


@flax.struct.dataclass
class Script:
    """What is drawn before the first ball is served.

    aims: a row for each stroke, a column for each kind. answers: the kind that is
    played as the n-th stroke against each kind. plans: of serves, from the right, one
    for each point. home_m: where the players wait.
    """

    schedule: timeline.Schedule
    aims: strokes.Aims
    answers: Int32[Array, "*n k"]
    plans: Ball
    home_m: Float[Array, "*m 2"]


def _row(tree, *index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def meeting(
    script: Script, ordinal: Int32[Array, ""], kind: Int32[Array, ""]
) -> Meeting:
    """Where the n-th stroke, of that kind, meets the ball."""
    aim = _row(script.aims, ordinal, kind)
    lowest = jnp.array(strokes.LOWEST_M)[kind]
    return Meeting(aim.reach_m, aim.highest_m, aim.low_m, lowest)


def aim(
    script: Script, ordinal: Int32[Array, ""], kind: Int32[Array, ""]
) -> strokes.Aims:
    """What is tried with the n-th stroke if it is of that kind."""
    return _row(script.aims, ordinal, kind)


def serve(script: Script, point: Int32[Array, ""], server: Float[Array, ""]) -> Ball:
    """The ball of the n-th point's serve as it leaves the racket of `server`."""
    return shots.mirrored(_row(script.plans, point), server)


def draw(
    key: PRNGKey,
    seconds: float,
    rate_hz: int,
    physics: Physics,
    variety: Float[Array, ""] | float,
) -> Script:
    """The script of so many seconds, in steps of 1 / rate_hz."""
    keys = jax.random.split(key, 4)
    count = int(seconds / timeline.SHORTEST_POINT_S) + 2
    schedule = timeline.schedule(timeline.rows(keys[0], count, 7), variety, rate_hz)
    numbers = timeline.rows(keys[1], count, strokes.NUMBERS + 3)
    aims, _ = strokes.aims(numbers[:, :-3], variety)
    serves = _row(aims, slice(None), strokes.SERVE)
    plans = jax.vmap(lambda aim, u: shots.serve(physics, aim, u))(
        serves, numbers[:, -3:]
    )
    count = int(seconds * STROKES_PER_S) + 8
    aims, answers = strokes.aims(
        timeline.rows(keys[2], count, strokes.NUMBERS), variety
    )
    u = jax.random.uniform(keys[3], (2, 2))
    home = jnp.stack(
        [strokes.between(limits, u[n]) for n, limits in enumerate(HOME_M)], axis=-1
    )
    return Script(schedule, aims, answers, plans, home)
