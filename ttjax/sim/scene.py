"""A hall: camera, colours, everything that stands still, and who plays in it."""

import flax.struct
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from ttjax.geometry.camera import Camera
from ttjax.sim import camera as side_camera
from ttjax.sim import furniture
from ttjax.sim.draws import Uniforms
from ttjax.sim.primitives import Shapes
from ttjax.typing import PRNGKey

DISTRACTORS = 3
CURTAIN_KNOTS, FLOOR_KNOTS = (10, 97), (18, 33)


@flax.struct.dataclass
class Scene:
    """All that does not change during a recording.

    static: painted over the background, far things first.
    curtain, floor: colours 0-255, and their texture as knots over the source frame.
    shadow: strength and softness (m) of the shadow under the table.
    people: colours of the two players, `ttjax.sim.body.LOOKS`.
    heights: of the players, relative to 1.75 m.
    ball_colour: 0-255; distractors: white things that move: xy px, amplitude xy px,
        rate in radians per frame, phase, radius px.
    exposure: share of a frame for which the shutter is open.
    noise, flicker: standard deviations of a pixel, in grey levels, and of the gain.
    seed: of the noise.
    """

    camera: Camera
    static: Shapes
    curtain: Float[Array, "*n 3"]
    curtain_knots: Float[Array, "*n 10 97"]
    floor: Float[Array, "*n 3"]
    floor_knots: Float[Array, "*n 18 33"]
    shadow: Float[Array, "*n 2"]
    light: Float[Array, "*n 3"]
    people: Float[Array, "*n 2 8 3"]
    heights: Float[Array, "*n 2"]
    ball_colour: Float[Array, "*n 3"]
    distractors: Float[Array, "*n 3 7"]
    exposure: Float[Array, "*n"]
    noise: Float[Array, "*n"]
    flicker: Float[Array, "*n"]
    seed: UInt32[Array, "*n"]


# Per row of `ttjax.sim.body.LOOKS`: the colours it is drawn from, and how often.
WARDROBE = (
    ((120, 95, 62), (92, 70, 46), (70, 50, 34), (120, 95, 62), (120, 95, 62)),
    ((30, 26, 20), (70, 55, 32), (40, 34, 28), (90, 84, 72), (30, 26, 20)),
    ((110, 36, 30), (25, 40, 120), (28, 30, 34), (150, 150, 150), (30, 90, 50)),
    ((30, 32, 36), (140, 140, 140), (120, 40, 34), (30, 32, 36), (26, 40, 110)),
    ((26, 28, 30), (62, 70, 66), (30, 34, 80), (26, 28, 30), (40, 40, 44)),
    ((40, 60, 90), (140, 150, 150), (40, 40, 44), (120, 130, 130), (30, 30, 34)),
    ((120, 28, 24), (26, 26, 26), (120, 28, 24), (26, 26, 26), (110, 30, 28)),
)
CURTAINS = ((9, 34, 112), (9, 34, 112), (12, 14, 90), (12, 14, 90), (9, 34, 112))
CURTAINS += ((20, 70, 50), (60, 60, 66), (90, 30, 34), (12, 14, 90), (9, 34, 112))
FLOORS = ((160, 143, 38), (160, 143, 38), (118, 86, 20), (120, 34, 30), (60, 84, 110))
FLOORS += ((160, 143, 38), (160, 143, 38), (118, 86, 20), (160, 143, 38), (90, 90, 80))


def _pick(colours: Float[Array, "*n k 3"], uniform: Float[Array, "*n 5"]):
    """One of k colours, with a little of its own brightness and hue."""
    index = jnp.floor(uniform[..., :1] * colours.shape[-2]).astype(jnp.int32)
    colour = jnp.take_along_axis(colours, index[..., None], axis=-2)[..., 0, :]
    vary = 2.0 * uniform[..., 1:] - 1.0
    colour = colour * (1.0 + 0.22 * vary[..., :1]) + 6.0 * vary[..., 1:]
    return jnp.clip(colour, 0.0, 235.0)


def _people(draws: Uniforms) -> Float[Array, "2 8 3"]:
    table = jnp.array(WARDROBE, jnp.float32)[None]
    table = jnp.broadcast_to(table, (2, *table.shape[1:]))
    looks = _pick(table, draws.take(2, len(WARDROBE), 5))
    same = draws.take(2, 1) < 0.5
    shirt = looks[:, 2]
    looks = looks.at[:, 3].set(jnp.where(same, shirt, looks[:, 3]))
    trim = jnp.minimum(0.4 * shirt + 110.0, 190.0)
    return jnp.concatenate([looks, trim[:, None]], axis=1)


def _drift() -> np.ndarray:
    """Rows of folds that follow the row above by 0.8, as a matrix of white rows."""
    rows = CURTAIN_KNOTS[0]
    matrix = np.zeros((rows, rows), np.float32)
    matrix[0, 0] = 1.0
    for row in range(1, rows):
        matrix[row] = 0.8 * matrix[row - 1]
        matrix[row, row] = 0.6
    return matrix


def _curtain_knots(draws: Uniforms) -> Float[Array, "10 97"]:
    """Folds that drift from row to row, wide waves, patches of light."""
    rows, columns = CURTAIN_KNOTS
    white = draws.take(rows, columns, low=-1.73, high=1.73)
    folds = jnp.einsum("ij,jk->ik", jnp.asarray(_drift()), white)
    wave = draws.take(6, 4)
    width = jnp.linspace(0.0, 1.0, columns)[None, None]
    sag = jnp.linspace(0.0, 1.0, rows)[None, :, None]
    turns = (12 * wave[:, 0])[:, None, None] * width + (5 * wave[:, 3] - 2)[
        :, None, None
    ] * (sag - 0.5) * sag
    angle = 2 * jnp.pi * (turns + wave[:, 1][:, None, None])
    waves = jnp.sum(0.5 * wave[:, 2][:, None, None] * jnp.sin(angle), axis=0)
    patches = draws.take(4, 7, low=-1.73, high=1.73)
    down = np.maximum(
        1 - np.abs(np.linspace(0, 3, rows)[:, None] - np.arange(4)[None]), 0
    )
    along = np.maximum(
        1 - np.abs(np.linspace(0, 6, columns)[:, None] - np.arange(7)[None]), 0
    )
    patches = jnp.einsum(
        "ai,ij,bj->ab", down.astype(np.float32), patches, along.astype(np.float32)
    )
    return jnp.clip(1.0 + 0.12 * (folds + 1.6 * waves) + 0.2 * patches, 0.25, 2.2)


def draw(key: PRNGKey, source_hw: tuple[int, int] = side_camera.SOURCE_HW) -> Scene:
    """A hall with two players, at random around those of OpenTTGames."""
    draws = Uniforms(key, 2200)
    camera = side_camera.draw(draws, source_hw)
    light = draws.take(8, low=-1.0)
    gain = 0.88 + 0.3 * light[0]
    curtain = _pick(jnp.array(CURTAINS, jnp.float32), draws.take(5)) * gain
    floor = _pick(jnp.array(FLOORS, jnp.float32), draws.take(5)) * gain
    height, width = source_hw
    low = np.array([0.05 * width, 0.1 * height, 0, 0, 0.01, 0, 3.0], np.float32)
    high = np.array(
        [0.95 * width, 0.47 * height, 0.05 * width, 0.04 * height, 0.06, 6.28, 9.0],
        np.float32,
    )
    low[6], high[6] = (v[6] * width / side_camera.SOURCE_HW[1] for v in (low, high))
    spots = jnp.asarray(low)[None] + (high - low)[None] * draws.take(DISTRACTORS, 7)
    # In real frames the ball is 1.3 to 1.45 times as bright as a white banner.
    white = jnp.array([165.0, 216.0, 204.0]) * gain
    return Scene(
        camera=camera,
        static=furniture.hall(draws, camera, gain),
        curtain=curtain,
        curtain_knots=_curtain_knots(draws),
        floor=floor,
        floor_knots=1.0 + 0.014 * draws.take(*FLOOR_KNOTS, low=-1.73, high=1.73),
        shadow=jnp.stack([0.72 + 0.12 * light[1], 0.35 + 0.15 * light[2]]),
        light=jnp.stack([0.18 * light[3], 0.15 + 0.15 * light[4], 0.25 * light[5]]),
        people=_people(draws) * gain,
        heights=draws.take(2, low=0.95, high=1.06),
        ball_colour=jnp.minimum(white * (1.0 + 0.07 * light[6]), 250.0),
        distractors=spots,
        exposure=0.35 + 0.2 * light[7],
        noise=draws.take(low=2.0, high=3.2),
        flicker=draws.take(high=0.02),
        seed=(draws.take() * 2.0**24).astype(jnp.uint32),
    )
