"""An instant of a basketball game: who stands where, in which pose, and the ball."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from ttjax.geometry.camera import Camera
from ttjax.sim import athletes, court, poses
from ttjax.sim.athletes import Body
from ttjax.sim.court import Arena, Court
from ttjax.sim.draws import Uniforms
from ttjax.typing import PRNGKey

REFEREES = 0.12
"""Share of the people."""
MARKED = 0.45
"""Share of the people who stand close to another one."""
IN_HAND, DRIBBLED, IN_THE_AIR, NO_BALL = range(4)
BALL_SHARES = (0.3, 0.25, 0.33, 0.12)
"""How often the ball is where."""


@flax.struct.dataclass
class Play:
    """An instant of a game.

    shown: whether a row is a person. bodies: in the world. heights_m: of people.
    root_m: where they stand. team: 0 to `court.TEAMS`. looks: their colours.
    ball_m: centre of the ball. ball_shown: False where there is none. smear: of the
    ball's picture, in its radii, along x and y. seams: turn of its seams, radians.
    """

    shown: Bool[Array, "*n p"]
    bodies: Body
    heights_m: Float[Array, "*n p"]
    root_m: Float[Array, "*n p 2"]
    team: Int32[Array, "*n p"]
    looks: Float[Array, "*n p 9 3"]
    ball_m: Float[Array, "*n 3"]
    ball_shown: Bool[Array, "*n"]
    smear: Float[Array, "*n 2"]
    seams: Float[Array, "*n"]
    camera: Camera


def _choose(shares, uniform: Float[Array, "*n"]) -> Int32[Array, "*n"]:
    """Index of a share, by a number in [0, 1)."""
    steps = jnp.array(np.cumsum(shares)[:-1], jnp.float32)
    return jnp.searchsorted(steps, uniform, side="right").astype(jnp.int32)


def _places(draws: Uniforms, focus_m, span_m, count: int) -> Float[Array, "n 2"]:
    """Where people stand: around the focus, some of them close to the one before."""
    reach = jnp.stack([0.47 * span_m, 4.0 + 0.1 * span_m])
    free = focus_m + reach[None] * draws.take(count, 2, low=-1.0)
    angle = draws.take(count, high=2 * np.pi)
    apart = draws.take(count, low=0.4, high=1.1)
    near = jnp.stack([apart * jnp.cos(angle), apart * jnp.sin(angle)], axis=-1)
    marked = draws.take(count) < MARKED
    before = jnp.roll(free, 1, axis=0)
    # Pairs only: who is followed stands freely.
    follows = marked & (jnp.arange(count) % 2 == 1)
    places = jnp.where(follows[:, None], before + near, free)
    limit = jnp.array([court.LENGTH_M / 2 + 1.0, court.WIDTH_M / 2 + 0.8])
    return jnp.clip(places, -limit[None], limit[None])


def _bodies(draws: Uniforms, kind, root_m, yaw, team):
    """Bodies of people in their poses, their heights, and who is mirrored."""
    count = len(kind)
    angles = jax.vmap(poses.pose)(kind, draws.take(count, poses.COUNT))
    official = team == court.TEAMS - 1
    heights = draws.take(count, low=1.82, high=2.1)
    heights = jnp.where(official, heights - 0.14, heights)
    mirrored = draws.take(count) < 0.5
    bodies = jax.vmap(athletes.body)(angles, heights, mirrored)
    return jax.vmap(athletes.place)(bodies, root_m, yaw), heights, mirrored


def draw(
    key: PRNGKey, arena: Arena, image_hw: tuple[int, int], settings: Court = Court()
) -> Play:
    """An instant in an arena: a part of the court, the people there, the ball."""
    count = settings.people[1]
    draws = Uniforms(key, 64 + 64 * count)
    span = draws.take(low=settings.span_m[0], high=settings.span_m[1])
    u = draws.take(6, low=-1.0)
    focus = jnp.stack([11.0 * u[0], 3.0 * u[1]])
    aim = focus + jnp.stack([0.1 * span * u[2], 1.5 * u[3]])
    view = court.camera(arena, jnp.append(aim, 1.0 + 0.5 * u[4]), span, image_hw)
    fewest = settings.people[0]
    shown = jnp.arange(count) < fewest + jnp.floor(draws.take() * (count - fewest + 1))
    root = _places(draws, focus[None], span, count)
    official = draws.take(count) < REFEREES
    # The first holds the ball.
    official = official & (jnp.arange(count) > 0)
    team = jnp.where(official, court.TEAMS - 1, jnp.arange(count) % 2)
    where = _choose(BALL_SHARES, draws.take())
    kind = _choose(poses.SHARES, draws.take(count))
    holding = jnp.where(draws.take() < 0.5, poses.HOLDING, poses.SHOOTING)
    kind = kind.at[0].set(
        jnp.select(
            [where == IN_HAND, where == DRIBBLED],
            [holding, jnp.int32(poses.DRIBBLING)],
            kind[0],
        )
    )
    calm = jnp.where(kind % 4 == 0, poses.SIGNALLING, poses.STANDING)
    kind = jnp.where(official & (kind != poses.RUNNING), calm, kind)
    yaw = draws.take(count, high=2 * np.pi)
    bodies, heights, mirrored = _bodies(draws, kind, root, yaw, team)
    ball = _ball(draws, bodies, mirrored, focus, span, where)
    speed = draws.take(2, low=-0.6, high=0.6)
    return Play(
        shown=shown,
        bodies=bodies,
        heights_m=heights,
        root_m=root,
        team=team,
        looks=court.people(draws, arena, team),
        ball_m=ball,
        ball_shown=where != NO_BALL,
        smear=jnp.where(where == IN_THE_AIR, speed, 0.2 * speed),
        seams=draws.take(high=np.pi),
        camera=view,
    )


def _ball(draws: Uniforms, bodies, mirrored, focus_m, span_m, where):
    """Centre of the ball: at the first one's better hand, below it, or in the air."""
    better = jnp.where(mirrored[0], 0, 1)
    hand, face = bodies.hands[0, better], bodies.face[0]
    beyond = jnp.stack([0.1 * face[0], 0.1 * face[1], jnp.zeros(())])
    held = hand + beyond
    high = jnp.maximum(hand[2] - 0.1, court.BALL_RADIUS_M)
    low = court.BALL_RADIUS_M
    bounced = jnp.stack([held[0], held[1], low + (high - low) * draws.take()])
    u = draws.take(3, low=-1.0)
    flying = jnp.stack(
        [
            focus_m[0] + 0.42 * span_m * u[0],
            focus_m[1] + 3.5 * u[1],
            low + 2.2 * (1.0 + u[2]),
        ]
    )
    return jnp.select([where == IN_HAND, where == DRIBBLED], [held, bounced], flying)
