"""Spectators behind the banners: rows of heads and shoulders, pixel by pixel."""

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from ttjax.sim.draws import Uniforms

TIERS = 3
SEAT_M, RISE_M = 0.58, 0.42
"""Between neighbours, and between tiers."""
FIRST_M = 0.72
"""Height of the shoulders of the first tier."""
FACE = (176.0, 132.0, 104.0)
"""Brightest skin."""
SHIFTS = (2, 9, 16)
"""Bits of a spectator that tell the red, green and blue of the shirt."""


@flax.struct.dataclass
class Crowd:
    """Who sits there.

    seed: of everybody. full: share of the seats that are taken. dim: brightness.
    tiers: rows of people, 0 for nobody.
    """

    seed: UInt32[Array, "*n"]
    full: Float[Array, "*n"]
    dim: Float[Array, "*n"]
    tiers: Float[Array, "*n"]


def draw(draws: Uniforms, gain, variety: Float[Array, ""]) -> Crowd:
    """Spectators; none without variety."""
    u = draws.take(4)
    share = 0.55 * variety
    tiers = 1.0 + jnp.floor(jnp.minimum(u[0] / (share + 1e-6), 0.999) * TIERS)
    return Crowd(
        seed=(u[3] * 2.0**24).astype(jnp.uint32),
        full=0.45 + 0.5 * u[1],
        dim=(0.25 + 0.5 * u[2]) * gain,
        tiers=jnp.where(u[0] < share, tiers, 0.0),
    )


def _scramble(bits: UInt32[Array, "h w"]) -> UInt32[Array, "h w"]:
    """A 32-bit integer hash (xor-shift and multiply)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x7FEB352D)
    return bits ^ (bits >> 15)


def _share(bits, shift: int | Array, count: int):
    """Some bits as a number between 0 and 1."""
    part = (bits >> shift) & jnp.uint32(2**count - 1)
    return part.astype(jnp.float32) / (2**count - 1)


Grid = Float[Array, "h w"]


def _seats(
    crowd: Crowd, along_m: Grid, height_m: Grid, soft_m: Grid
) -> tuple[UInt32[Array, "h w"], Grid, Grid, Grid]:
    person = jnp.zeros(along_m.shape, jnp.uint32)
    body = jnp.zeros(along_m.shape)
    head = jnp.zeros(along_m.shape)
    hair = jnp.zeros(along_m.shape)
    for tier in reversed(range(TIERS)):
        place = along_m / SEAT_M + 0.5 * (tier % 2)
        cell = jnp.floor(place)
        number = (cell + 4096.0 * (1.0 + tier)).astype(jnp.uint32)
        bits = _scramble(number * jnp.uint32(0x9E3779B9) + crowd.seed)
        aside = SEAT_M * (place - cell - 0.5 + 0.3 * (_share(bits, 0, 6) - 0.5))
        up = height_m - (FIRST_M + RISE_M * tier) + 0.2 * (_share(bits, 6, 6) - 0.5)
        there = (_share(bits, 12, 8) < crowd.full) & (crowd.tiers > tier)
        # Shoulders: a rounded box; head: an ellipse.
        shoulders = 0.21 - jnp.sqrt(
            jnp.maximum(jnp.abs(aside) - 0.09, 0.0) ** 2
            + jnp.maximum(up + 0.16, 0.0) ** 2 * 1.2
        )
        skull = 0.115 - jnp.sqrt((1.25 * aside) ** 2 + (up - 0.17) ** 2)
        on_head = jnp.clip(skull / soft_m + 0.5, 0.0, 1.0)
        on_body = jnp.clip(shoulders / soft_m + 0.5, 0.0, 1.0)
        here = jnp.where(there, jnp.maximum(on_head, on_body), 0.0)
        take = here > 0.5
        person = jnp.where(take, bits, person)
        body = jnp.maximum(body, here)
        head = jnp.where(take, on_head, head)
        hair = jnp.where(take, jnp.clip((up - 0.2) / soft_m + 0.5, 0.0, 1.0), hair)
    return person, body, head, hair


def seats(
    crowd: Crowd, along_m: Grid, height_m: Grid, soft_m: Grid
) -> tuple[UInt32[Array, "h w"], Grid, Grid, Grid]:
    """Whom pixels of the upright plane of the spectators show.

    Returns the spectator's random bits, and how much of the pixel shows anybody, a head
    (of what shows anybody), hair (of the head). soft_m: width of soft edges.
    """

    def nobody(crowd, along_m, height_m, soft_m):
        zeros = jnp.zeros(along_m.shape)
        return jnp.zeros(along_m.shape, jnp.uint32), zeros, zeros, zeros

    # Where halls are painted in turn, an empty stand costs nothing.
    return jax.lax.cond(
        crowd.tiers > 0.0, _seats, nobody, crowd, along_m, height_m, soft_m
    )


def channel(
    crowd: Crowd,
    face: Float[Array, ""],
    shift: UInt32[Array, ""],
    person: UInt32[Array, "h w"],
    head: Grid,
    hair: Grid,
) -> Grid:
    """One colour channel of the spectators: `FACE` and `SHIFTS` of the channel."""
    shirt = 20.0 + 150.0 * _share(person, shift, 7) ** 2
    skin = face * (0.4 + 0.6 * _share(person, 25, 4))
    dark = 14.0 + 70.0 * _share(person, 28, 4) ** 3
    skin = skin + hair * (dark - skin)
    return crowd.dim * (shirt + head * (skin - shirt))
