"""Pictures of a scene: any window of the source frame, at any scale.

What stands still is painted once per window; people and ball are painted over a copy
of it for every frame. A pixel's colour depends on its place in the source frame alone,
so that a crop equals that part of the whole frame.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int16, Int32, UInt8, UInt32

from ttjax.geometry import camera as camera_
from ttjax.sim import actors, primitives
from ttjax.sim.primitives import Shapes
from ttjax.sim.rally import Rally
from ttjax.sim.scene import Scene

FIXED = 64.0
"""Planes hold grey levels as 16-bit integers in units of 1/64: blending is
repeatable."""
HASH_SPREAD = 147.8
"""Standard deviation of the sum of four bytes."""


@dataclasses.dataclass(frozen=True)
class View:
    """A window of the source frame; its left upper corner is given apart.

    step_xy: source px per output px. tile_hw: output px that are painted at once;
    equal to
    `size_hw`, every shape is tried at every pixel, which suits accelerators.
    """

    size_hw: tuple[int, int]
    step_xy: tuple[float, float] = (1.0, 1.0)
    tile_hw: tuple[int, int] = (48, 64)

    def __post_init__(self):
        """Fits the tile into the window."""
        fitted = (
            min(self.tile_hw[0], self.size_hw[0]),
            min(self.tile_hw[1], self.size_hw[1]),
        )
        object.__setattr__(self, "tile_hw", fitted)

    @property
    def whole(self) -> bool:
        """One tile is the whole window."""
        return self.tile_hw == self.size_hw


def scaled(
    source_hw: tuple[int, int], size_hw: tuple[int, int], *, tiled: bool
) -> View:
    """The whole source frame at another size."""
    step = (source_hw[1] / size_hw[1], source_hw[0] / size_hw[0])
    return View(size_hw, step, (16, 24) if tiled else size_hw)


def crop(size_hw: tuple[int, int], *, tiled: bool) -> View:
    """A window at full resolution."""
    return View(size_hw, (1.0, 1.0), (48, 64) if tiled else size_hw)


def _centres(view: View, origin_xy: Int32[Array, " 2"], corner, size_hw):
    """Source px of pixel centres of the part of the window that begins at `corner`."""
    row = corner[0] + jnp.arange(size_hw[0])
    column = corner[1] + jnp.arange(size_hw[1])
    if view.step_xy == (1.0, 1.0):
        y = (origin_xy[1] + row).astype(jnp.float32) + 0.5
        x = (origin_xy[0] + column).astype(jnp.float32) + 0.5
    else:
        y = origin_xy[1] + (row.astype(jnp.float32) + 0.5) * view.step_xy[1]
        x = origin_xy[0] + (column.astype(jnp.float32) + 0.5) * view.step_xy[0]
    return x, y


def _between_knots(at: Float[Array, " n"], extent: Float[Array, ""], knots: int):
    """Index of the knot before each place of [0, extent], and how far on it is."""
    place = jnp.clip(at / extent, 0.0, 1.0) * (knots - 1)
    before = jnp.clip(jnp.floor(place), 0, knots - 2)
    return before.astype(jnp.int32), place - before


def _texture(knots, x, y, source_hw):
    """Bilinear interpolation; by look-up, as a matrix product rounds by its shape."""
    row, down = _between_knots(y, source_hw[0], knots.shape[0])
    column, along = _between_knots(x, source_hw[1], knots.shape[1])
    rows = knots[row] + down[:, None] * (knots[row + 1] - knots[row])
    left, right = rows[:, column], rows[:, column + 1]
    return left + along[None, :] * (right - left)


def _background(scene: Scene, x: Float[Array, " w"], y: Float[Array, " h"]):
    """Curtain and floor, `[7, h, w]`, with soft light and the shadow of the table."""
    camera = scene.camera
    size = (len(y), len(x))
    grid_x = jnp.broadcast_to(x[None, :], size)
    grid_y = jnp.broadcast_to(y[:, None], size)
    width, height = 2 * camera.centre_px[0], 2 * camera.centre_px[1]
    source_hw = (height, width)
    curtain = _texture(scene.curtain_knots, x, y, source_hw)
    floor = _texture(scene.floor_knots, x, y, source_hw)
    foot = jnp.array([[-6.0, 5.4, 0.0], [6.0, 5.4, 0.0]])
    (left, right), _ = camera_.project(camera, foot)
    slope = (right[1] - left[1]) / (right[0] - left[0])
    line = left[1] + slope * (grid_x - left[0])
    on_floor = jnp.clip(grid_y - line + 0.5, 0.0, 1.0)
    across = (grid_x - camera.centre_px[0]) / camera.focal_px
    down = (grid_y - camera.centre_px[1]) / camera.focal_px
    right, below, ahead = camera.rotation
    line_x = across * right[0] + down * below[0] + ahead[0]
    line_y = across * right[1] + down * below[1] + ahead[1]
    line_z = across * right[2] + down * below[2] + ahead[2]
    steps = -camera.position_m[2] / jnp.minimum(line_z, -1e-3)
    at_x = camera.position_m[0] + steps * line_x
    at_y = camera.position_m[1] + steps * line_y
    strength, soft = scene.shadow[0], scene.shadow[1]
    inside_x = jax.nn.sigmoid((1.25 - jnp.abs(at_x)) / (0.4 * soft))
    inside_y = jax.nn.sigmoid((0.75 - jnp.abs(at_y - 0.1)) / (0.4 * soft))
    floor = floor * (1.0 - strength * inside_x * inside_y)
    floor = floor * (0.72 + 0.28 * jnp.clip((grid_y - line) / (0.3 * height), 0.0, 1.0))
    across = (grid_x - camera.centre_px[0]) / camera.centre_px[0]
    down = (grid_y - camera.centre_px[1]) / camera.centre_px[1]
    light = 1.0 + scene.light[0] * across - scene.light[1] * across**2
    curtain = curtain * jnp.maximum(1.0 + scene.light[2] * (down + 0.4), 0.3)
    value = (
        scene.curtain[:, None, None] * ((1.0 - on_floor) * curtain)[None]
        + scene.floor[:, None, None] * (on_floor * floor)[None]
    )
    value = jnp.round(FIXED * jnp.clip(value * light[None], 0.0, 255.0))
    empty = jnp.zeros((len(primitives.PLANES) - 3, *size), jnp.int16)
    return jnp.concatenate([value.astype(jnp.int16), empty])


def _blend(planes, shape: Shapes, x, y, step, inside):
    """Planes with one shape over them."""
    size = (len(y), len(x))
    grid_x = jnp.broadcast_to(x[None, :], size)
    grid_y = jnp.broadcast_to(y[:, None], size)
    cover, gain = primitives.coverage(shape, grid_x, grid_y, step)
    below = planes.astype(jnp.float32)
    solid = primitives.SOLID * FIXED
    front = shape.behind[0] * below[3] + shape.behind[1] * below[4]
    cover = cover * (1.0 - jnp.minimum(front / solid, 1.0))
    if inside is not None:
        cover = jnp.where(inside, cover, 0.0)
    value = jnp.broadcast_to(shape.value[:, None, None] * FIXED, planes.shape)
    colour = np.arange(len(primitives.PLANES))[:, None, None] < 3
    value = jnp.where(colour, value * gain[None], value)
    return (below + jnp.round(cover[None] * (value - below))).astype(jnp.int16)


def paint(
    planes: Int16[Array, "c h w"],
    shapes: Shapes,
    view: View,
    origin_xy: Int32[Array, " 2"],
    blend: Callable = _blend,
) -> Int16[Array, "c h w"]:
    """Shapes over planes, first to last; each touches the tiles of its own box only.

    blend: `(planes, shape, x, y, step, inside) -> planes` of some pixels, centred at
    the columns x and rows y, with one shape over them where `inside` (None:
    everywhere).
    """
    height, width = view.size_hw
    rows, columns = view.tile_hw
    step = jnp.array(view.step_xy, jnp.float32)
    limit = jnp.array([width, height])

    def everywhere(planes, shape):
        x, y = _centres(view, origin_xy, (0, 0), view.size_hw)
        return blend(planes, shape, x, y, view.step_xy, None), None

    def tiled(planes, shape):
        origin = origin_xy.astype(jnp.float32)
        low = jnp.floor((shape.box[:2] - origin) / step) - 1
        high = jnp.ceil((shape.box[2:] - origin) / step) + 1
        low = jnp.clip(low, 0, limit).astype(jnp.int32)
        high = jnp.clip(high, 0, limit).astype(jnp.int32)
        across = -((low[0] - high[0]) // columns)
        down = -((low[1] - high[1]) // rows)
        shown = ~primitives.hidden(shape)
        count = jnp.where(shown, across * down, 0)

        def tile(index, planes):
            row = low[1] + index // across * rows
            column = low[0] + index % across * columns
            # The last tile is shifted into the window; what it shares with the tile
            # before must not be painted twice.
            corner = (
                jnp.minimum(row, height - rows),
                jnp.minimum(column, width - columns),
            )
            start = (0, *corner)
            part = jax.lax.dynamic_slice(
                planes, start, (planes.shape[0], rows, columns)
            )
            x, y = _centres(view, origin_xy, corner, view.tile_hw)
            new_row = corner[0] + jnp.arange(rows) >= row
            new_column = corner[1] + jnp.arange(columns) >= column
            inside = new_row[:, None] & new_column[None, :]
            part = blend(part, shape, x, y, view.step_xy, inside)
            return jax.lax.dynamic_update_slice(planes, part, start)

        return jax.lax.fori_loop(0, count, tile, planes), None

    body = everywhere if view.whole else tiled
    return jax.lax.scan(body, planes, shapes)[0]


def static(
    scene: Scene, view: View, origin_xy: Int32[Array, " 2"]
) -> Int16[Array, "7 h w"]:
    """All that stands still, seen through the window."""
    x, y = _centres(view, origin_xy, (0, 0), view.size_hw)
    return paint(_background(scene, x, y), scene.static, view, origin_xy)


def _scramble(bits: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """A 32-bit integer hash (xor-shift and multiply)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * jnp.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def expose(
    scene: Scene,
    planes: Int16[Array, "7 h w"],
    number: Int32[Array, ""],
    view: View,
    origin_xy: Int32[Array, " 2"],
) -> UInt8[Array, "h w 3"]:
    """RGB of frame `number`: flicker and noise, keyed by source pixel and frame."""
    start = _scramble(scene.seed + number.astype(jnp.uint32) * jnp.uint32(0x9E3779B9))
    swing = (start >> 8).astype(jnp.float32) / 2.0**23 - 1.0
    gain = jnp.round(256.0 * (1.0 + 1.7 * scene.flicker * swing)).astype(jnp.int32)
    x, y = _centres(view, origin_xy, (0, 0), view.size_hw)
    place = y.astype(jnp.uint32)[:, None] * 8192 + x.astype(jnp.uint32)[None, :]
    place = place[None] * 3 + jnp.arange(3, dtype=jnp.uint32)[:, None, None]
    bits = _scramble(place ^ start)
    total = (bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + (bits >> 24)
    area = view.step_xy[0] * view.step_xy[1]
    level = scene.noise * (FIXED * 256.0 / HASH_SPREAD / area**0.5)
    noise = (total.astype(jnp.int32) - 510) * jnp.round(level).astype(jnp.int32) >> 8
    value = (planes[:3].astype(jnp.int32) * gain >> 8) + noise + int(FIXED / 2)
    value = jnp.clip(value >> 6, 0, 255).astype(jnp.uint8)
    return jnp.transpose(value, (1, 2, 0))


def masks(planes: Int16[Array, "7 h w"]) -> UInt8[Array, "h w 3"]:
    """1 where table, humans, scoreboard show in half of the pixel or more."""
    at = [primitives.PLANES.index(name) for name in primitives.MASKS]
    half = primitives.SOLID * FIXED / 2
    return jnp.stack([planes[k] >= half for k in at], axis=-1).astype(jnp.uint8)


def frame(
    scene: Scene,
    background: Int16[Array, "7 h w"],
    moment: Rally,
    number: Int32[Array, ""],
    fps: float,
    view: View,
    origin_xy: Int32[Array, " 2"],
    *,
    ball: Float[Array, ""] | float = 1.0,
) -> Int16[Array, "7 h w"]:
    """The planes of one frame: people and ball over `background` (see `static`)."""
    shapes = actors.shapes(scene, moment, number, fps, ball=ball)
    return paint(background, shapes, view, origin_xy)


def render(
    scene: Scene,
    moments: Rally,
    numbers: Int32[Array, " n"],
    fps: float,
    view: View,
    origin_xy: Int32[Array, " 2"],
    *,
    ball: Float[Array, ""] | float = 1.0,
) -> tuple[UInt8[Array, "n h w 3"], UInt8[Array, "n h w 3"]]:
    """RGB and masks (table, humans, scoreboard) of n moments, one window."""
    background = static(scene, view, origin_xy)

    def one(item):
        moment, number = item
        planes = frame(
            scene, background, moment, number, fps, view, origin_xy, ball=ball
        )
        return expose(scene, planes, number, view, origin_xy), masks(planes)

    if view.whole:
        return jax.vmap(one)((moments, numbers))
    return jax.lax.map(one, (moments, numbers))
