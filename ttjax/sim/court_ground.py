"""The floor with its lines, and the crowd behind it: pixels by their rays."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int16, UInt32

from ttjax.geometry.camera import Camera
from ttjax.sim import court
from ttjax.sim.court import Arena

FIXED = 64.0
"""Planes hold grey levels as 16-bit integers in units of 1/64."""
SEAT_M = 0.6, 0.9
"""Seats of the stands: along x, and up the slope (as measured on the floor)."""
STAND_Y_M, STAND_HEIGHT_M, SLOPE = 11.5, 1.2, 0.5

SEAT, BODY, HEAD = range(3)
FACE = (190.0, 140.0, 112.0)
"""Brightest skin in the crowd."""


def _band(offset, footprint, width):
    """Share of a pixel that a line of some width covers; exact for thin ones."""
    half = 0.5 * width
    ends = (offset + half) / footprint, (offset - half) / footprint
    return jnp.clip(ends[0] + 0.5, 0.0, 1.0) - jnp.clip(ends[1] + 0.5, 0.0, 1.0)


Grid = Float[Array, "h w"]


def lines(x: Grid, y: Grid, size: tuple[Grid, Grid, Grid, Grid]) -> Grid:
    """Share of pixels covered by lines.

    x, y: where the pixels' centres meet the floor. size: how far x and y of the floor
    go per pixel to the right (x, y) and down (x, y).
    """
    along = jnp.abs(size[0]) + jnp.abs(size[2])
    across = jnp.abs(size[1]) + jnp.abs(size[3])
    half_x, half_y = court.LENGTH_M / 2, court.WIDTH_M / 2
    x_abs, y_abs = jnp.abs(x), jnp.abs(y)
    end = half_x - x_abs
    width = court.LINE_M

    def round_(centre, radius):
        reach = jnp.sqrt((end - centre) ** 2 + y**2 + 1e-6)
        out_x, out_y = (end - centre) / reach, y / reach
        # Mirrored halves: the sign of `out_x` does not matter to a footprint that is
        # the sum of the two sides of a pixel, up to how they are turned.
        turned = jnp.where(x < 0, 1.0, -1.0) * out_x
        footprint = jnp.abs(turned * size[0] + out_y * size[1])
        footprint += jnp.abs(turned * size[2] + out_y * size[3])
        return _band(reach - radius, footprint + 1e-4, width)

    inside_y, inside_x = y_abs <= half_y + 0.5 * width, end >= -0.5 * width
    straight = court.ARC_M**2 - (half_y - court.CORNER_M) ** 2
    corner = court.BASKET_M + straight**0.5
    key_y = court.KEY_WIDTH_M / 2
    total = jnp.where(inside_x, _band(y_abs - half_y, across, width), 0.0)
    for part, cover in (
        (inside_y, _band(end, along, width)),
        (inside_y, _band(x, along, width)),
        (True, round_(half_x, court.CIRCLE_M)),
        (inside_x & (end <= court.KEY_LENGTH_M), _band(y_abs - key_y, across, width)),
        (y_abs <= key_y, _band(end - court.KEY_LENGTH_M, along, width)),
        (end >= court.KEY_LENGTH_M, round_(court.KEY_LENGTH_M, court.CIRCLE_M)),
        (end >= corner, round_(court.BASKET_M, court.ARC_M)),
        (
            inside_x & (end < corner),
            _band(y_abs - half_y + court.CORNER_M, across, width),
        ),
        (end >= court.BASKET_M, round_(court.BASKET_M, court.NO_CHARGE_M)),
    ):
        total = jnp.maximum(total, jnp.where(part, cover, 0.0))
    return total


def _scramble(bits: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """A 32-bit integer hash (xor-shift and multiply)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * jnp.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def _crowd(seed: Float[Array, ""], x: Grid, up: Grid):
    """People in rows, at points of the stands: random bits, body, head, brightness."""
    x = jnp.clip(x / SEAT_M[0], -4000.0, 4000.0)
    up = jnp.clip(up / SEAT_M[1], -50.0, 4000.0)
    column, row = jnp.floor(x), jnp.floor(up)
    u, v = x - column - 0.5, up - row
    start = (seed * 2.0**24).astype(jnp.uint32)
    place = (column + 4096.0).astype(jnp.uint32) * 8191
    place = place + (row + 64.0).astype(jnp.uint32)
    bits = _scramble(place ^ start)
    there = (bits & 255) < 190
    body = there & (jnp.abs(u) < 0.36 - 0.2 * v) & (v < 0.62)
    head = there & (u**2 * 2.0 + (v - 0.74) ** 2 * 1.4 < 0.03)
    kind = jnp.where(head, HEAD, jnp.where(body, BODY, SEAT))
    return bits, kind, 0.75 - 0.2 * jnp.clip(up / 14.0, 0.0, 1.0)


def _crowd_channel(stand, skin, shift, bits, kind):
    """Grey levels of one colour channel of the stands."""
    # Clothes share a part of their brightness: few are of a pure colour.
    cloth = ((bits >> shift) & 63) + ((bits >> 26) & 63) + 20
    face = skin - ((bits >> 20) & 63).astype(jnp.float32)
    value = jnp.where(kind == HEAD, face, cloth.astype(jnp.float32))
    return jnp.where(kind == SEAT, stand, value)


def background(
    arena: Arena, camera: Camera, size_hw: tuple[int, int]
) -> Int16[Array, "4 h w"]:
    """Red, green, blue of floor and stands, and zeros: no pixel has an owner."""
    height, width = size_hw
    right, below = camera.rotation[:2] / camera.focal_px
    ahead = camera.rotation[2]
    across = (jnp.arange(width) + 0.5 - camera.centre_px[0])[None, :]
    down = (jnp.arange(height) + 0.5 - camera.centre_px[1])[:, None]
    across, down = (jnp.broadcast_to(v, size_hw) for v in (across, down))
    rays = [across * right[k] + down * below[k] + ahead[k] for k in range(3)]
    start = camera.position_m
    falling = jnp.minimum(rays[2], -1e-4)
    steps = -start[2] / falling
    x, y = start[0] + steps * rays[0], start[1] + steps * rays[1]
    size = tuple(
        steps * (turn[k] - rays[k] / falling * turn[2])
        for turn in (right, below)
        for k in (0, 1)
    )
    behind = (y > court.ADVERT_Y_M) | (rays[2] >= -1e-4)
    white = lines(x, y, size)
    end, y_abs = court.LENGTH_M / 2 - jnp.abs(x), jnp.abs(y)
    off = (end < 0) | (y_abs > court.WIDTH_M / 2)
    key = (end < court.KEY_LENGTH_M) & (y_abs < court.KEY_WIDTH_M / 2)
    grain = jnp.ones(size_hw)
    for wave in arena.waves:
        turns = wave[0] * x + wave[1] * y + wave[2]
        grain = grain + wave[3] * jnp.sin(2 * jnp.pi * turns)
    # Stands: a plane that rises behind the adverts.
    rising = rays[2] - SLOPE * rays[1]
    steps = SLOPE * (start[1] - STAND_Y_M) - start[2] + STAND_HEIGHT_M
    steps = steps / jnp.where(jnp.abs(rising) < 1e-4, 1e-4, rising)
    seat_x = start[0] + steps * rays[0]
    seat_up = start[1] + steps * rays[1] - STAND_Y_M
    bits, kind, dim = _crowd(arena.seed, seat_x, seat_up)
    colours = jnp.stack([arena.floor, arena.key, arena.surround, arena.stand])
    zone = jnp.where(behind, 3, jnp.where(off, 2, jnp.where(key, 1, 0)))

    # One channel at a time: what channels share is computed once, before.
    def plane(of):
        colour, line, skin, shift = of
        ground = jnp.where(zone == 1, colour[1], colour[0])
        ground = jnp.where(zone == 2, colour[2], ground)
        ground = (ground + white * (line - ground)) * grain
        crowd = _crowd_channel(colour[3], skin, shift, bits, kind) * dim
        value = jnp.clip(jnp.where(zone == 3, crowd, ground), 0.0, 255.0)
        return jnp.round(FIXED * value).astype(jnp.int16)

    shifts = jnp.array([8, 13, 18], jnp.uint32)
    planes = jax.lax.map(plane, (colours.T, arena.line, jnp.array(FACE), shifts))
    return jnp.concatenate([planes, jnp.zeros((1, *size_hw), jnp.int16)])
