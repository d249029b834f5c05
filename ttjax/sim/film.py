"""How a camera records: rate, exposure, rolling shutter, shake, colour, noise.

Everything is a number that may be traced: one compilation serves every camera.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int16, Int32, UInt8, UInt32

from ttjax.sim.draws import Uniforms

DRAWS = 40
"""Numbers that `draw` takes."""
RATES = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 100.0, 120.0, 200.0, 240.0)
"""Frame rates of cameras, in frames per second."""
EXPOSURE_S = (1.0 / 500.0, 1.0 / 50.0)
"""Shortest and longest time that a varied camera exposes a frame, where its rate
allows. Indoors long ones are common: half of those at 25 frames/s exceed 1 / 98 s."""
LONGEST_SHARE = 0.96
"""Of the time of a frame: what exposure or read-out take at most."""
READOUT_S = (0.004, 0.024)
"""Of a rolling shutter, from the first row to the last."""
SHAKE = 0.0036
"""Largest way of a shaken picture to either side, in widths of the picture."""
MAINS_HZ = (100.0, 120.0)
"""Rates at which lamps flicker."""

FIXED = 64.0
"""Planes hold grey levels as 16-bit integers in units of 1/64: blending is
repeatable."""
HASH_SPREAD = 147.8
"""Standard deviation of the sum of four bytes."""
GAIN_BITS = 12
"""Gains are multiplied as integers in units of 1/4096."""


@flax.struct.dataclass
class Film:
    """All that a camera does to a picture beside its geometry.

    fps: frames per second. exposure_s: for so long every row is exposed.
    readout_s: from the exposure of the first row to that of the last one; 0 for a
        global shutter.
    shake: of the picture along x and y: largest way in widths of the picture, rate in
        radians per second, phase.
    noise: standard deviation of a pixel, in grey levels. flicker: standard deviation of
        the brightness of whole frames.
    mains: of lamps: relative depth, rate in Hz, phase in radians.
    gamma: exponent of the relative brightness. gains: of red, green, blue.
    blur_px: standard deviation of the optics' blur, source px.
    compression: step of the coarsest quantisation of 8 x 8 blocks, in grey levels.
    """

    fps: Float[Array, "*n"]
    exposure_s: Float[Array, "*n"]
    readout_s: Float[Array, "*n"]
    shake: Float[Array, "*n 2 3"]
    noise: Float[Array, "*n"]
    flicker: Float[Array, "*n"]
    mains: Float[Array, "*n 3"]
    gamma: Float[Array, "*n"]
    gains: Float[Array, "*n 3"]
    blur_px: Float[Array, "*n"]
    compression: Float[Array, "*n"]


def rate(
    uniform: Float[Array, ""], rates: tuple[float | Array, float | Array]
) -> Float[Array, ""]:
    """A frame rate between two others: that of the nearest camera, if it is there."""
    low, high = (jnp.asarray(value, jnp.float32) for value in rates)
    drawn = low * (high / low) ** uniform
    known = jnp.array(RATES, jnp.float32)
    near = known[jnp.argmin(jnp.abs(jnp.log(known) - jnp.log(drawn)))]
    drawn = jnp.where((near >= low) & (near <= high), near, drawn)
    return jnp.where(low == high, low, drawn)


def draw(
    draws: Uniforms,
    variety: float | Float[Array, ""],
    rates: tuple[float | Array, float | Array] = (120.0, 120.0),
) -> Film:
    """A camera's film; `rates`: the lowest and the highest frames per second.

    Without `variety` it is that of OpenTTGames: a third of a frame's time of exposure,
    a global shutter, little noise. Each defect comes with a probability that grows
    with it.
    """
    variety = jnp.asarray(variety, jnp.float32)
    u = draws.take(DRAWS)
    # A share of the films has a defect: the draw below `share` says how much of it.
    some = iter(range(1, DRAWS))

    def between(low, high):
        return low + (high - low) * u[next(some)]

    def maybe(share):
        return (u[next(some)] < share * variety).astype(jnp.float32)

    fps = rate(u[0], rates)
    plain = (0.15 + 0.4 * u[next(some)]) / fps
    longest = jnp.minimum(EXPOSURE_S[1], LONGEST_SHARE / fps)
    free = EXPOSURE_S[0] * (longest / EXPOSURE_S[0]) ** jnp.sqrt(u[next(some)])
    is_free = maybe(1.0) > 0.0
    readout = maybe(0.6) * between(*READOUT_S)
    shaken = maybe(0.5) * between(0.1, 1.0) ** 2 * SHAKE
    shake = [
        jnp.stack([shaken * between(0.4, 1.0), between(3.0, 20.0), between(0.0, 6.28)])
        for _ in range(2)
    ]
    grainy = 2.0 + 1.2 * u[next(some)]
    flicker = 0.02 * u[next(some)]
    mains = jnp.stack(
        [
            maybe(0.4) * between(0.02, 0.2),
            jnp.where(u[next(some)] < 0.6, *MAINS_HZ),
            between(0.0, 6.28),
        ]
    )
    warm = variety * between(-0.22, 0.22)
    tint = variety * between(-0.06, 0.06)
    gains = jnp.stack([jnp.exp(warm), jnp.exp(tint), jnp.exp(-warm)])
    gains = gains * jnp.exp(variety * between(-0.3, 0.25))
    return Film(
        fps=fps,
        exposure_s=jnp.where(is_free, free, plain),
        readout_s=jnp.minimum(readout, LONGEST_SHARE / fps),
        shake=jnp.stack(shake),
        noise=grainy * jnp.exp(variety * between(-1.5, 0.9)),
        flicker=flicker,
        mains=mains,
        gamma=jnp.exp(variety * between(-0.3, 0.3)),
        gains=gains,
        blur_px=maybe(0.6) * between(0.2, 1.3),
        compression=maybe(0.6) * between(1.0, 6.0),
    )


def shift_px(
    film: Film, seconds: Float[Array, ""], width: float | Array
) -> Float[Array, " 2"]:
    """How far the picture lies from where it lies on average, source px."""
    angle = film.shake[:, 1] * seconds + film.shake[:, 2]
    # Two incommensurate waves: a hand does not swing like a pendulum.
    wave = (jnp.sin(angle) + 0.5 * jnp.sin(2.7 * angle + 1.0)) / 1.5
    return film.shake[:, 0] * width * wave


def row_s(
    film: Film, y_px: Float[Array, "*n"], height: float | Array
) -> Float[Array, "*n"]:
    """How much later than a frame's middle row a row is exposed."""
    return film.readout_s * (y_px / height - 0.5)


def lamps(film: Film, seconds: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Relative brightness of rows whose exposure has its middle at `seconds`.

    The mean over the exposure of a lamp's sine: a beat between its rate and the
    camera's, bands where rows are exposed one after the other.
    """
    depth, rate_hz, phase = film.mains
    spread = rate_hz * film.exposure_s
    angle = 2.0 * np.pi * jnp.mod(rate_hz * seconds, 1.0) + phase
    return 1.0 + depth * jnp.sinc(spread) * jnp.sin(angle)


def tone(film: Film, colour: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
    """Grey levels (0-255) as this camera gives colours: its gains, then its gamma."""
    gains = jnp.broadcast_to(film.gains, colour.shape)
    relative = jnp.clip(colour * gains / 255.0, 1e-6, 1.0)
    toned = jnp.where(film.gamma == 1.0, relative, relative**film.gamma)
    plain = (film.gamma == 1.0) & jnp.all(film.gains == 1.0)
    return jnp.where(plain, colour, 255.0 * toned)


BLOCK = 8
"""Side of the blocks of a codec, px."""


def compress(film: Film, levels: Int32[Array, "c h w"]) -> Int32[Array, "c h w"]:
    """What a codec leaves of details: nothing below a threshold, the rest lowered.

    levels: in units of 1 / `FIXED` grey levels. A detail is the difference to the mean
    of its block; brightness is compared with the threshold, colour with twice as much.
    """
    channels, height, width = levels.shape
    pad = (-height % BLOCK, -width % BLOCK)
    padded = jnp.pad(levels, ((0, 0), (0, pad[0]), (0, pad[1])), mode="edge")
    value = padded.astype(jnp.float32) / FIXED
    blocks = value.reshape(
        channels, padded.shape[1] // BLOCK, BLOCK, padded.shape[2] // BLOCK, BLOCK
    )
    mean = blocks.mean(axis=(2, 4), keepdims=True)
    rest = blocks - mean
    grey = rest.mean(axis=0, keepdims=True)
    colour = rest - grey

    def lowered(detail, threshold):
        return detail - jnp.clip(detail, -threshold, threshold)

    kept = lowered(grey, film.compression) + lowered(colour, 2.0 * film.compression)
    value = jnp.round(FIXED * (mean + kept)).astype(jnp.int32)
    return value.reshape(padded.shape)[:, :height, :width]


def _scramble(bits: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """A 32-bit integer hash (xor-shift and multiply)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * jnp.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def expose(
    film: Film,
    planes: Int16[Array, "3 h w"],
    x: Float[Array, " w"],
    y: Float[Array, " h"],
    *,
    seconds: Float[Array, ""],
    height: Float[Array, ""],
    seed: UInt32[Array, ""],
    area: Float[Array, ""],
    compressed: bool,
) -> UInt8[Array, "h w 3"]:
    """RGB of a frame: lamps, flicker, noise keyed by source pixel, and a codec.

    planes: of red, green and blue, `FIXED`. x, y: source px of the centres of columns
    and rows. seconds: middle of the exposure. height: of the source frame, px. seed: of
    this frame. area: source px in a pixel.
    """
    start = _scramble(seed)
    swing = (start >> 8).astype(jnp.float32) / 2.0**23 - 1.0
    gain = lamps(film, seconds + row_s(film, y, height))
    gain = gain * (1.0 + 1.7 * film.flicker * swing)
    gain = jnp.round(2.0**GAIN_BITS * gain).astype(jnp.int32)[None, :, None]
    place = y.astype(jnp.uint32)[:, None] * 8192 + x.astype(jnp.uint32)[None, :]
    place = place[None] * 3 + jnp.arange(3, dtype=jnp.uint32)[:, None, None]
    bits = _scramble(place ^ start)
    total = (bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + (bits >> 24)
    level = film.noise * (FIXED * 256.0 / HASH_SPREAD / jnp.sqrt(area))
    noise = (total.astype(jnp.int32) - 510) * jnp.round(level).astype(jnp.int32) >> 8
    value = (planes.astype(jnp.int32) * gain >> GAIN_BITS) + noise
    if compressed:
        value = jax.lax.cond(
            film.compression > 0.0,
            lambda value: compress(film, value),
            lambda value: value,
            value,
        )
    value = jnp.clip(value + int(FIXED / 2) >> 6, 0, 255).astype(jnp.uint8)
    return jnp.transpose(value, (1, 2, 0))
