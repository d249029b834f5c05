"""The hall around the table: floor, walls, banners, spectators, pixel by pixel.

Every pixel's ray is followed to the planes it may meet. What it sees there is read
from textures in coordinates of the room, so that every window, scale and rig agrees.
"""

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int16, Int32

from ttjax.sim import adverts, crowd, primitives

FIXED = 64.0
"""Planes hold grey levels as 16-bit integers in units of 1/64."""
WALL_KNOTS, FLOOR_KNOTS = (16, 193), (24, 24)
FOLD_M, DROP_M, PATCH_M = 0.07, 0.35, 0.6
"""Metres between the knots of the curtain (along, down) and of the floor."""
PANELS = 16
"""Kinds of banners that alternate around the court."""
SEAM_M = 0.016
"""Width of the joints of the floor."""

BRIGHTEST = 2.6
"""Of the knots of textures."""
LONGEST_M = 90.0
"""Every side has a stretch of its own along the banners."""


@flax.struct.dataclass
class Place:
    """Where walls and banners stand: low x, high x, low y, high y, and heights, in m.

    fence_m: 0 high where there is none. umpire: sign of y of the umpire's side.
    """

    walls: Float[Array, "*n 4"]
    walls_m: Float[Array, "*n"]
    fence: Float[Array, "*n 4"]
    fence_m: Float[Array, "*n"]
    umpire: Float[Array, "*n"]


@flax.struct.dataclass
class Room:
    """Colours (0-255) and textures of a hall.

    curtain: of the walls, with relative brightness at the `wall_knots` of cloth;
        `plain`: 0 for folds to 1 for a flat wall; `skirting`: brightness of its lower
        part and how high that is in metres.
    floor: within the banners and beyond; knots of its relative brightness; boards:
        their width (m), how much they and their joints differ.
    papers, inks, words: of the banners; panel_m: their length; bank: how much ever
        other one is tilted to the light. decals: strength of words on the floor.
    crowd: spectators. shadow: strength and softness (m) of the shadow of the table.
    light: brightness across and down the picture. ceiling: its colour.
    """

    place: Place
    curtain: Float[Array, "*n 3"]
    wall_knots: Float[Array, "*n 16 193"]
    plain: Float[Array, "*n"]
    skirting: Float[Array, "*n 2"]
    floor: Float[Array, "*n 2 3"]
    floor_knots: Float[Array, "*n 24 24"]
    boards: Float[Array, "*n 3"]
    papers: Float[Array, "*n 16 3"]
    inks: Float[Array, "*n 16 3"]
    words: Int32[Array, "*n 16"]
    panel_m: Float[Array, "*n"]
    decals: Float[Array, "*n"]
    crowd: crowd.Crowd
    shadow: Float[Array, "*n 2"]
    light: Float[Array, "*n 3"]
    ceiling: Float[Array, "*n 3"]


Grid = Float[Array, "h w"]


def _packed(knots, scale):
    """Every knot with its neighbours to the right and below, eight bits each.

    One look-up instead of four: they are what takes time. `scale`: largest value.
    """
    level = jnp.round(jnp.clip(knots / scale, 0.0, 1.0) * 255.0).astype(jnp.uint32)
    right = jnp.roll(level, -1, axis=-1)
    pair = level | (right << 8)
    return pair | (jnp.roll(pair, -1, axis=-2) << 16)


def _between(packed, scale, row, column):
    """Bilinear interpolation of `_packed` knots at places counted in knots.

    Beyond the edges the outermost hold.
    """
    rows, columns = packed.shape
    row = jnp.clip(row, 0.0, rows - 1.001)
    column = jnp.clip(column, 0.0, columns - 1.001)
    top, left = jnp.floor(row), jnp.floor(column)
    down, along = row - top, column - left
    at = top.astype(jnp.int32) * columns + left.astype(jnp.int32)
    bits = packed.reshape(-1)[at]
    corners = [((bits >> k) & 255).astype(jnp.float32) for k in (0, 8, 16, 24)]
    upper = corners[0] + along * (corners[1] - corners[0])
    lower = corners[2] + along * (corners[3] - corners[2])
    return (scale / 255.0) * (upper + down * (lower - upper))


def _colours(table):
    """Colours of 0-255 in 24 bits."""
    red, green, blue = jnp.round(table).astype(jnp.uint32).T
    return red | (green << 8) | (blue << 16)


def _fold_back(place, period):
    """A triangle wave: textures go on for ever, mirrored."""
    turn = jnp.mod(place, 2.0 * period)
    return period - jnp.abs(turn - period)


def _leave(box, start, way):
    """Where rays leave the upright sides of a box: how far, which way along them.

    Sides beyond which the camera stands are open. Returns distances in ray lengths and
    the place along the sides in metres, each side with a stretch of its own.
    """
    far_x = jnp.where(way[0] > 0.0, box[1], box[0]) - start[0]
    far_y = jnp.where(way[1] > 0.0, box[3], box[2]) - start[1]
    to_x = far_x / jnp.where(jnp.abs(way[0]) < 1e-6, 1e-6, way[0])
    to_y = far_y / jnp.where(jnp.abs(way[1]) < 1e-6, 1e-6, way[1])
    to_x = jnp.where(to_x > 1e-3, jnp.minimum(to_x, 1e4), 1e4)
    to_y = jnp.where(to_y > 1e-3, jnp.minimum(to_y, 1e4), 1e4)
    steps = jnp.minimum(to_x, to_y)
    across = start[1] + steps * way[1]
    along = start[0] + steps * way[0]
    place = jnp.where(
        to_x < to_y,
        jnp.where(way[0] > 0.0, 1.0, -1.0) * -across + LONGEST_M,
        jnp.where(way[1] > 0.0, 1.0, -1.0) * along,
    )
    return steps, place


def _words(room: Room, along_m, height, dots):
    """Kind of the banner, and ink, for places along it and shares of its height.

    dots: how many dots of the letters a pixel is wide; it is the same for all of a
    picture.
    """
    panel = along_m / room.panel_m
    number = jnp.floor(panel)
    kind = jnp.mod(number.astype(jnp.int32), PANELS)
    share = panel - number
    level = jnp.clip(jnp.round(jnp.log2(dots)) + 1.0, 0.0, adverts.LEVELS - 1.0)
    level = level.astype(jnp.int32)
    texels = jnp.asarray(adverts.packed())[level]
    _, rows, columns = texels.shape
    inside = (share > 0.01) & (share < 0.99) & (height > 0.02) & (height < 0.98)
    row = jnp.clip((1.0 - height) * rows - 0.5, 0.0, rows - 1.001)
    row = room.words[kind] * rows + row
    ink = _between(texels.reshape(-1, columns), 1.0, row, share * columns - 0.5)
    ink = 0.5 + jnp.asarray(adverts.STEEP, jnp.float32)[level] * (ink - 0.42)
    return kind, jnp.where(inside, jnp.clip(ink, 0.0, 1.0), 0.0)


def background(
    scene, x: Grid, y: Grid, step: float | Float[Array, ""] = 1.0
) -> Int16[Array, "7 h w"]:
    """What stands still far away: floor, walls, banners, spectators, as planes.

    x, y: ideal px of the source frame. step: source px between pixels; it says how soft
    edges and letters are. `scene` needs a `camera`, a `room`, a `source_hw`.
    """
    room, camera = scene.room, scene.camera
    stands, start = room.place, camera.position_m
    across = (x - camera.centre_px[0]) / camera.focal_px
    down = (y - camera.centre_px[1]) / camera.focal_px
    right, below, ahead = camera.rotation
    way = [across * right[k] + down * below[k] + ahead[k] for k in range(3)]
    soft = jnp.asarray(step, jnp.float32) / camera.focal_px

    # The floor.
    to_floor = -start[2] / jnp.minimum(way[2], -1e-4)
    floor_x, floor_y = start[0] + to_floor * way[0], start[1] + to_floor * way[1]
    texture = _between(
        _packed(room.floor_knots, BRIGHTEST),
        BRIGHTEST,
        _fold_back(floor_y / PATCH_M + 40.0, FLOOR_KNOTS[0] - 1.0),
        _fold_back(floor_x / PATCH_M + 40.0, FLOOR_KNOTS[1] - 1.0),
    )
    width, uneven, joint = room.boards
    # Pixels of the floor are long where it is seen at a flat angle.
    size = soft * to_floor * to_floor / start[2] * 1.0
    fade = jnp.clip(1.5 - size / width, 0.0, 1.0)
    board = jnp.floor(floor_y / width)
    grain = jnp.sin(board * 12.9898) * 43758.547
    length = jnp.floor(floor_x / (9.0 * width) + 3.0 * grain)
    mixed = jnp.sin(board * 78.233 + length * 37.719) * 24634.634
    mixed = mixed - jnp.floor(mixed)
    texture = texture * (1.0 + fade * uneven * (2.0 * mixed - 1.0))
    seam = jnp.abs(floor_y / width - board - 0.5) - 0.5
    seam = jnp.clip(1.0 + seam * width / jnp.maximum(SEAM_M, size), 0.0, 1.0)
    texture = texture * (1.0 - joint * fade * seam)
    strength, blur = room.shadow[0], room.shadow[1]
    inside_x = jax.nn.sigmoid((1.25 - jnp.abs(floor_x)) / (0.4 * blur))
    inside_y = jax.nn.sigmoid((0.75 - jnp.abs(floor_y)) / (0.4 * blur))
    texture = texture * (1.0 - strength * inside_x * inside_y)
    low_x, high_x, low_y, high_y = stands.fence
    on_mat = (
        (floor_x > low_x) & (floor_x < high_x) & (floor_y > low_y) & (floor_y < high_y)
    )

    # The walls.
    to_wall, wall_m = _leave(stands.walls, start, way)
    wall_z = start[2] + to_wall * way[2]
    cloth = _between(
        _packed(room.wall_knots, BRIGHTEST),
        BRIGHTEST,
        (stands.walls_m - wall_z) / DROP_M,
        _fold_back(wall_m / FOLD_M + 95.0, WALL_KNOTS[1] - 1.0),
    )
    cloth = 1.0 + (1.0 - room.plain) * (cloth - 1.0)
    skirting, skirting_m = room.skirting
    cloth = jnp.where(wall_z < skirting_m, skirting * cloth, cloth)
    edge = soft * to_wall
    over = jnp.clip(0.5 - wall_z / edge, 0.0, 1.0)
    above = jnp.clip(0.5 + (wall_z - stands.walls_m) / edge, 0.0, 1.0)

    # The banners, and words on the floor.
    to_fence, fence_m = _leave(stands.fence, start, way)
    fence_z = start[2] + to_fence * way[2]
    edge = soft * to_fence
    fence_m_high = jnp.maximum(stands.fence_m, 1e-3)
    banner = jnp.clip((stands.fence_m - fence_z) / edge + 0.5, 0.0, 1.0)
    banner = banner * (fence_z > -0.5 * edge) * (to_fence <= to_wall)
    on_fence = banner > 0.0
    strip = jnp.where(floor_y > 0.0, floor_y - 2.0, floor_y + 2.4)
    along = jnp.where(on_fence, fence_m, 0.8 * floor_x + 1.3)
    tall = jnp.where(on_fence, fence_z / fence_m_high, strip / 0.7)
    facing = jnp.sqrt(jnp.sum(start**2)) * soft
    dots = facing * adverts.DOTS / room.panel_m
    kind, ink = _words(room, along, tall, dots)
    decal = ink * room.decals * on_mat

    # The spectators, a metre behind the banners.
    seats = stands.fence + jnp.array([-1.0, 1.0, -1.0, 1.0])
    to_seat, seat_m = _leave(seats, start, way)
    seat_z = start[2] + to_seat * way[2]
    edge = jnp.maximum(soft * to_seat, 0.012)
    person, there, head, hair = crowd.seats(room.crowd, seat_m + 90.0, seat_z, edge)
    there = there * (to_seat <= to_wall)

    width_px, height_px = 2.0 * camera.centre_px[0], 2.0 * camera.centre_px[1]
    left = 2.0 * x / width_px - 1.0
    light = 1.0 + room.light[0] * left - room.light[1] * left**2
    top = 2.0 * y / height_px - 1.0
    cloth = cloth * jnp.maximum(1.0 + room.light[2] * (top + 0.4), 0.3)
    # Light fades into the depth of the hall.
    texture = texture * (0.72 + 0.28 * jnp.clip(1.6 - to_floor / 12.0, 0.0, 1.0))

    paper, inked = _colours(room.papers)[kind], _colours(room.inks)[kind]

    # One channel at a time: what channels share is computed once, before.
    def plane(of):
        wall, mat, beyond, roof, face, shirt, shift = of
        value = wall * cloth
        value = value + above * (roof - value)
        ground = jnp.where(on_mat, mat, beyond)
        ground = (ground + decal * (205.0 - ground)) * texture
        value = value + over * (ground - value)
        people = crowd.channel(room.crowd, face, shirt, person, head, hair)
        value = value + there * (people - value)
        near = jnp.where(fence_z < 0.0, ground, value)
        sheet = ((paper >> shift) & 255).astype(jnp.float32)
        sheet = sheet + ink * (((inked >> shift) & 255).astype(jnp.float32) - sheet)
        near = near + banner * (sheet - near)
        near = jnp.clip(near * light, 0.0, 255.0)
        return jnp.round(FIXED * near).astype(jnp.int16)

    planes = jax.lax.map(
        plane,
        (
            room.curtain,
            room.floor[0],
            room.floor[1],
            room.ceiling,
            jnp.array(crowd.FACE),
            jnp.array(crowd.SHIFTS, jnp.uint32),
            jnp.array([0, 8, 16], jnp.uint32),
        ),
    )
    empty = jnp.zeros((len(primitives.PLANES) - 3, *x.shape), jnp.int16)
    return jnp.concatenate([planes, empty])
