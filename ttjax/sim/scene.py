"""A hall: camera, colours, everything that stands still, and who plays in it."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, UInt32

from ttjax.geometry.camera import Camera
from ttjax.sim import camera as rigs
from ttjax.sim import decor, furniture, table, wardrobe
from ttjax.sim import film as film_
from ttjax.sim.body import Person
from ttjax.sim.draws import Uniforms
from ttjax.sim.film import Film
from ttjax.sim.primitives import Shapes
from ttjax.sim.room import Room
from ttjax.typing import PRNGKey

DISTRACTORS = 3
PUSHED = 0.2
"""Share of the most varied halls in which somebody pushes the table."""
PUSH_S = (0.5, 6.0)
"""When the table is pushed, after the start of the recording."""
PUSH_M = (0.02, 0.12)
"""How far, either way."""


@flax.struct.dataclass
class Scene:
    """All that does not change during a recording.

    source_hw: size of the frame. rig: index into `ttjax.sim.camera.RIGS`.
    static: painted over the background, far things first; over them `table`, or
        `moved` from `push_s` seconds on, when it stands `push_m` further along x and y.
    room: floor, walls and what is painted on them.
    people: how the two players look, left and right.
    ball_colour: 0-255; distractors: white things that move: xy px, amplitude xy px,
        rate in radians per frame of a 120 fps recording, phase, radius px, brightness
        relative to the ball.
    film: what the camera makes of it. seed: of the noise.
    """

    camera: Camera
    source_hw: Int32[Array, "*n 2"]
    rig: Int32[Array, "*n"]
    static: Shapes
    table: Shapes
    moved: Shapes
    push_m: Float[Array, "*n 2"]
    push_s: Float[Array, "*n"]
    room: Room
    people: Person
    ball_colour: Float[Array, "*n 3"]
    distractors: Float[Array, "*n 3 8"]
    film: Film
    seed: UInt32[Array, "*n"]


def _distractors(draws: Uniforms, source_hw: Int32[Array, " 2"]):
    """White spots in the upper half of the picture, as of people behind the court.

    They sway no faster than people walk: at 1920 px, 140 px/s at most.
    """
    height, width = source_hw.astype(jnp.float32)
    scale = width / rigs.SOURCE_HW[1]
    low = [0.05 * width, 0.1 * height, 0.0, 0.0, 0.002, 0.0, 2.0 * scale, 0.4]
    high = [0.95 * width, 0.47 * height, 0.03 * width, 0.01 * height]
    high += [0.02, 6.28, 10.0 * scale, 0.95]
    low, high = jnp.stack(low), jnp.stack(high)
    return low[None] + (high - low)[None] * draws.take(DISTRACTORS, 8)


def draw(
    key: PRNGKey,
    source_hw: tuple[int, int] | Int32[Array, " 2"] = rigs.SOURCE_HW,
    rig: int | Int32[Array, ""] = 0,
    variety: float | Float[Array, ""] = 0.0,
    rates: tuple[float | Array, float | Array] = (120.0, 120.0),
) -> Scene:
    """A hall with two players, at random around those of OpenTTGames.

    rates: lowest and highest frame rate. All arguments may be traced: one compilation
    draws every size, rig and variety (0 to 1, see `ttjax.sim.camera.draw`).
    """
    draws = Uniforms(key, 5600)
    source_hw = jnp.asarray(source_hw, jnp.int32)
    rig = jnp.asarray(rig, jnp.int32)
    variety = jnp.asarray(variety, jnp.float32)
    camera = rigs.draw(draws, source_hw, rig, variety)
    light = draws.take(3, low=-1.0)
    bright = (draws.take() < 0.7 * variety) * draws.take(high=0.75)
    gain = 0.88 + 0.3 * light[0] + bright
    push = draws.take(6)
    pushed = push[0] < PUSHED * variety
    low, high = PUSH_M
    push_m = jnp.where(push[1:3] < 0.5, -1.0, 1.0) * (low + (high - low) * push[3:5])
    push_s = PUSH_S[0] + (PUSH_S[1] - PUSH_S[0]) * push[5]
    place = decor.place(draws, camera, variety)
    tables = table.draw(draws, camera, push_m, gain, variety)
    # In real frames the ball is 1.3 to 1.45 times as bright as a white banner.
    white = np.array([165.0, 216.0, 204.0], np.float32)
    plain = np.array([215.0, 218.0, 212.0], np.float32)
    orange = np.array([235.0, 150.0, 50.0], np.float32)
    kind = draws.take(2)
    ball = jnp.where(kind[0] < 0.7 * variety, plain, white)
    ball = jnp.where(kind[1] < 0.06 * variety, orange, ball) * gain
    return Scene(
        camera=camera,
        source_hw=source_hw,
        rig=rig,
        static=furniture.hall(draws, camera, place, gain, variety),
        table=jax.tree.map(lambda leaf: leaf[0], tables),
        moved=jax.tree.map(lambda leaf: leaf[1], tables),
        push_m=push_m,
        push_s=jnp.where(pushed, push_s, jnp.inf),
        room=decor.draw(draws, place, gain, variety),
        people=wardrobe.people(draws, gain, variety),
        ball_colour=jnp.minimum(ball * (1.0 + 0.07 * light[1]), 250.0),
        distractors=_distractors(draws, source_hw),
        film=film_.draw(draws, variety, rates),
        seed=(draws.take() * 2.0**24).astype(jnp.uint32),
    )
