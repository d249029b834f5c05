"""A hall: camera, colours, everything that stands still, and who plays in it."""

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from ttjax.geometry.camera import Camera
from ttjax.sim import camera as side_camera
from ttjax.sim import furniture
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
    curtain: Float[Array, " 3"]
    curtain_knots: Float[Array, "10 97"]
    floor: Float[Array, " 3"]
    floor_knots: Float[Array, "18 33"]
    shadow: Float[Array, " 2"]
    light: Float[Array, " 3"]
    people: Float[Array, "2 8 3"]
    heights: Float[Array, " 2"]
    ball_colour: Float[Array, " 3"]
    distractors: Float[Array, "3 7"]
    exposure: Float[Array, ""]
    noise: Float[Array, ""]
    flicker: Float[Array, ""]
    seed: UInt32[Array, ""]


def _jitter(key, colour, spread):
    """A colour near `colour`: common brightness and a little of each channel."""
    noise = jax.random.uniform(key, (4,), minval=-1.0, maxval=1.0)
    colour = jnp.asarray(colour, jnp.float32) * (1 + spread * noise[0])
    return jnp.clip(colour + 25 * spread * noise[1:], 0.0, 235.0)


def _choice(key, colours, weights, spread=0.25):
    pick, vary = jax.random.split(key)
    table = jnp.array(colours, jnp.float32)
    index = jax.random.choice(pick, len(colours), p=jnp.array(weights))
    return _jitter(vary, table[index], spread)


def _people(key: PRNGKey) -> Float[Array, "8 3"]:
    keys = jax.random.split(key, 8)
    shirts = ((110, 36, 30), (25, 40, 120), (28, 30, 34), (150, 150, 150), (30, 90, 50))
    shirt = _choice(keys[0], shirts, (0.3, 0.25, 0.25, 0.08, 0.12))
    sleeve = _choice(
        keys[1], ((30, 32, 36), (140, 140, 140), (120, 40, 34)), (0.5, 0.2, 0.3)
    )
    sleeve = jnp.where(jax.random.bernoulli(keys[2], 0.5), shirt, sleeve)
    shorts = _choice(
        keys[3], ((26, 28, 30), (62, 70, 66), (30, 34, 80)), (0.6, 0.2, 0.2)
    )
    skin = _choice(
        keys[4], ((120, 95, 62), (92, 70, 46), (70, 50, 34)), (0.6, 0.3, 0.1)
    )
    hair = _choice(
        keys[5], ((30, 26, 20), (70, 55, 32), (110, 105, 90)), (0.6, 0.3, 0.1)
    )
    shoe = _choice(
        keys[6], ((40, 60, 90), (140, 150, 150), (40, 40, 44)), (0.4, 0.4, 0.2)
    )
    racket = _choice(keys[7], ((120, 28, 24), (26, 26, 26)), (0.5, 0.5))
    trim = jnp.minimum(shirt * 0.4 + 110.0, 190.0)
    return jnp.stack([skin, hair, shirt, sleeve, shorts, shoe, racket, trim])


def _curtain_knots(key: PRNGKey) -> Float[Array, "10 97"]:
    """Vertical folds that drift sideways and fade from row to row."""
    rows, columns = CURTAIN_KNOTS
    fine, coarse, large = jax.random.split(key, 3)
    folds = jax.random.normal(fine, (rows, columns))
    for row in range(1, rows):
        folds = folds.at[row].set(0.8 * folds[row - 1] + 0.6 * folds[row])
    width = jnp.linspace(0.0, 1.0, columns)
    waves = jax.random.uniform(coarse, (6, 3))
    for wave in waves:
        phase = 6.28 * (wave[0] * 12 * width + wave[1])
        folds = folds + 0.5 * wave[2] * jnp.sin(phase)[None]
    blotch = jax.random.normal(large, (4, 7))
    blotch = jax.image.resize(blotch, (rows, columns), "linear")
    return jnp.clip(1.0 + 0.2 * folds + 0.22 * blotch, 0.25, 2.2)


def draw(key: PRNGKey, source_hw: tuple[int, int] = side_camera.SOURCE_HW) -> Scene:
    """A hall with two players, at random around those of OpenTTGames."""
    keys = jax.random.split(key, 14)
    camera = side_camera.draw(keys[0], source_hw)
    light = jax.random.uniform(keys[1], (8,), minval=-1.0, maxval=1.0)
    gain = 0.92 + 0.33 * light[0]
    curtains = ((9, 34, 112), (12, 14, 90), (20, 70, 50), (60, 60, 66), (90, 30, 34))
    curtain = _choice(keys[2], curtains, (0.5, 0.22, 0.12, 0.08, 0.08)) * gain
    floors = ((160, 143, 38), (118, 86, 20), (120, 34, 30), (60, 84, 110))
    floor = _choice(keys[3], floors, (0.6, 0.25, 0.08, 0.07)) * gain
    height, width = source_hw
    spots = jax.random.uniform(keys[6], (DISTRACTORS, 7))
    low = jnp.array([0.05 * width, 0.1 * height, 0, 0, 0.01, 0, 3.0])
    high = jnp.array(
        [0.95 * width, 0.6 * height, 0.05 * width, 0.04 * height, 0.06, 6.28, 9.0]
    )
    scale = width / side_camera.SOURCE_HW[1]
    low, high = (v.at[6].multiply(scale) for v in (low, high))
    distractors = low[None] + (high - low)[None] * spots
    floor_knots = 1.0 + 0.05 * jax.random.normal(keys[7], FLOOR_KNOTS)
    people = jnp.stack([_people(keys[8]), _people(keys[9])]) * gain
    return Scene(
        camera=camera,
        static=furniture.hall(keys[10], camera, gain),
        curtain=curtain,
        curtain_knots=_curtain_knots(keys[4]),
        floor=floor,
        floor_knots=floor_knots,
        shadow=jnp.stack([0.72 + 0.12 * light[1], 0.35 + 0.15 * light[2]]),
        light=jnp.stack([0.18 * light[3], 0.15 + 0.15 * light[4], 0.25 * light[5]]),
        people=people,
        heights=1.0 + 0.06 * jax.random.uniform(keys[11], (2,), minval=-1.0),
        ball_colour=jnp.array([190.0, 205.0, 200.0])
        * (0.9 + 0.15 * light[6])
        * gain**0.5,
        distractors=distractors,
        exposure=0.35 + 0.2 * light[7],
        noise=2.0 + 1.0 * jax.random.uniform(keys[12]),
        flicker=0.02 * jax.random.uniform(keys[12]),
        seed=jax.random.bits(keys[13], dtype=jnp.uint32),
    )
