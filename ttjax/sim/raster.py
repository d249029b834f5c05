"""Where the pixels of a view lie, and shapes painted over them.

A view is a window of the source frame, at any scale, of a camera with any lens.
"""

import dataclasses
from collections.abc import Callable

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int16, Int32

from ttjax.geometry import camera as camera_
from ttjax.geometry.camera import Camera
from ttjax.sim import film, primitives
from ttjax.sim.primitives import Shapes

BOX_SIDE = 12.0**0.5
"""Side of a square, in standard deviations of the places in it along one axis."""
FAR = 1.4
"""Boxes end so many half pictures from its centre."""


@dataclasses.dataclass(frozen=True)
class View:
    """A window of the source frame, in output px; where it lies is given apart.

    tile_hw: output px that are painted at once; equal to `size_hw`, every shape is
    tried at every pixel, which suits accelerators.
    samples: points across and down each pixel at which the ball is looked up.
    margin: output px around the window by which the picture may be shaken.
    compressed: a codec's blocks are seen; of the source frame where the window's corner
    is a multiple of `film.BLOCK`.
    """

    size_hw: tuple[int, int]
    tile_hw: tuple[int, int] = (48, 64)
    samples: tuple[int, int] = (2, 2)
    margin: int = 0
    compressed: bool = True

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

    @property
    def padded(self) -> "View":
        """The window with its margin."""
        height, width = (side + 2 * self.margin for side in self.size_hw)
        tile = (height, width) if self.whole else self.tile_hw
        return dataclasses.replace(self, size_hw=(height, width), tile_hw=tile)


def _margin(width: int) -> int:
    """How far a picture of this width is shaken at most, and one for its neighbours."""
    return int(np.ceil(film.SHAKE * width)) + 1


def scaled(size_hw: tuple[int, int], *, tiled: bool, shaken: bool = False) -> View:
    """The whole source frame at another size."""
    return View(
        size_hw,
        (16, 24) if tiled else size_hw,
        samples=(3, 4),
        margin=_margin(size_hw[1]) if shaken else 0,
        compressed=False,
    )


def crop(
    size_hw: tuple[int, int],
    *,
    tiled: bool,
    shaken: bool = False,
    source_width: int = 1920,
) -> View:
    """A window at full resolution of a source frame at most so wide."""
    return View(
        size_hw,
        (48, 64) if tiled else size_hw,
        margin=_margin(source_width) if shaken else 0,
    )


@flax.struct.dataclass
class Raster:
    """Where the pixels of a view lie.

    x, y: ideal source px of their centres. origin_xy: source px of the left upper
    corner. step_xy: source px per pixel, whole ones where it is 1. sees_xy: width and
    height of what a pixel sees, source px. camera: whose lens bends the picture.
    """

    x: Float[Array, "h w"]
    y: Float[Array, "h w"]
    origin_xy: Float[Array, " 2"]
    step_xy: Float[Array, " 2"]
    sees_xy: Float[Array, " 2"]
    camera: Camera


def centres(
    view: View, origin_xy: Float[Array, " 2"], step_xy: Float[Array, " 2"]
) -> tuple[Float[Array, " w"], Float[Array, " h"]]:
    """Source px of the centres of a view's columns and rows, without its margin."""
    height, width = view.size_hw
    x = origin_xy[0] + (jnp.arange(width, dtype=jnp.float32) + 0.5) * step_xy[0]
    y = origin_xy[1] + (jnp.arange(height, dtype=jnp.float32) + 0.5) * step_xy[1]
    return x, y


def raster(
    camera: Camera,
    view: View,
    origin_xy: Int32[Array, " 2"],
    step_xy: Float[Array, " 2"] | tuple[float, float] = (1.0, 1.0),
    *,
    blur_px: float | Float[Array, ""] = 0.0,
) -> Raster:
    """The pixels of a view whose left upper corner is `origin_xy`, with its margin.

    blur_px: standard deviation of the optics' blur: every pixel sees more than itself.
    """
    step = jnp.asarray(step_xy, jnp.float32)
    origin = origin_xy.astype(jnp.float32) - view.margin * step
    height, width = view.padded.size_hw
    x, y = centres(view.padded, origin, step)
    x = jnp.broadcast_to(x[None, :], (height, width))
    y = jnp.broadcast_to(y[:, None], (height, width))
    ideal = camera_.undistort(camera, jnp.stack([x, y], axis=-1))
    sees = jnp.sqrt(step**2 + (BOX_SIDE * blur_px) ** 2)
    return Raster(ideal[..., 0], ideal[..., 1], origin, step, sees, camera)


def _cut(plane: Array, view: View, whole: Int32[Array, " 2"], part: Array) -> Array:
    """A window out of a plane with its margin, moved by whole pixels and a part."""
    height, width = view.size_hw
    lead = plane.shape[:-2]

    def at(down, across):
        corner = (view.margin + whole[1] + down, view.margin + whole[0] + across)
        start = (*(0 for _ in lead), *corner)
        cut = jax.lax.dynamic_slice(plane, start, (*lead, height, width))
        return cut.astype(jnp.float32)

    # Four cuts: slices of one cut are many times as slow on a CPU.
    x, y = part
    left, up = 1.0 - x, 1.0 - y
    upper = up * left * at(0, 0) + up * x * at(0, 1)
    return upper + y * left * at(1, 0) + y * x * at(1, 1)


def shaken(
    seen: Raster, planes: Int16[Array, "c h w"], view: View, shift_px: Array
) -> tuple[Raster, Int16[Array, "c hi wi"]]:
    """The part of a raster and of its planes that a shaken camera sees as the view.

    Planes are interpolated between pixels; without a shift they stay as they are.
    """
    if not view.margin:
        return seen, planes
    m, (height, width) = view.margin, view.size_hw
    shift = shift_px / seen.step_xy
    whole = jnp.clip(jnp.floor(shift), -m, m - 1.0)
    part, whole = jnp.clip(shift - whole, 0.0, 1.0), whole.astype(jnp.int32)

    def still(_):
        inner = (slice(m, m + height), slice(m, m + width))
        return seen.x[inner], seen.y[inner], planes[:, *inner]

    def moved(_):
        x, y = (_cut(grid, view, whole, part) for grid in (seen.x, seen.y))
        between = jnp.round(_cut(planes, view, whole, part))
        return x, y, between.astype(jnp.int16)

    x, y, planes = jax.lax.cond(jnp.any(shift != 0.0), moved, still, jnp.zeros(()))
    corner = seen.origin_xy + m * seen.step_xy + shift_px
    return dataclasses.replace(seen, x=x, y=y, origin_xy=corner), planes


Blend = Callable[..., Int16[Array, "c h w"]]
"""`(planes, shape, x, y, step, inside, samples) -> planes` of some pixels, whose
centres lie at x, y in ideal source px, with one shape over them where `inside` (None:
everywhere)."""


def _boxes(shapes: Shapes, seen: Raster):
    """Boxes of shapes in px of the view: low and high corners."""
    camera = seen.camera
    # What lies far out of the picture may be folded back into it by Brown's model.
    middle = camera.centre_px[None, None]
    box = shapes.box.reshape(-1, 2, 2)
    box = jnp.clip(box, (1.0 - FAR) * middle, (1.0 + FAR) * middle)
    low, high = box[:, 0], box[:, 1]
    centre = jnp.clip(camera.centre_px[None], low, high)
    x, y = (jnp.stack([low[:, k], centre[:, k], high[:, k]], axis=-1) for k in (0, 1))
    # A lens moves the edges of a box the more, the farther they are from its centre.
    points = jnp.stack([jnp.tile(x, (1, 3)), jnp.repeat(y, 3, axis=1)], axis=-1)
    points = camera_.distort(camera, points)
    pad = 0.5 * (seen.sees_xy - seen.step_xy)[None]
    low = points.min(axis=1) - pad - seen.origin_xy[None]
    high = points.max(axis=1) + pad - seen.origin_xy[None]
    low = jnp.floor(low / seen.step_xy[None]) - 1.0
    return low, jnp.ceil(high / seen.step_xy[None]) + 1.0


def paint(
    planes: Int16[Array, "c h w"],
    shapes: Shapes,
    view: View,
    seen: Raster,
    blend: Blend,
) -> Int16[Array, "c h w"]:
    """Shapes over planes, first to last; each touches the tiles of its own box only."""
    height, width = view.size_hw
    rows, columns = view.tile_hw
    step = (seen.sees_xy[0], seen.sees_xy[1])
    limit = jnp.array([width, height], jnp.float32)

    def everywhere(planes, shape):
        return blend(planes, shape, seen.x, seen.y, step, None, view.samples), None

    def tiled(planes, item):
        shape, low, high = item
        low = jnp.clip(low, 0.0, limit).astype(jnp.int32)
        high = jnp.clip(high, 0.0, limit).astype(jnp.int32)
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
            x = jax.lax.dynamic_slice(seen.x, corner, (rows, columns))
            y = jax.lax.dynamic_slice(seen.y, corner, (rows, columns))
            new_row = corner[0] + jnp.arange(rows) >= row
            new_column = corner[1] + jnp.arange(columns) >= column
            inside = new_row[:, None] & new_column[None, :]
            part = blend(part, shape, x, y, step, inside, view.samples)
            return jax.lax.dynamic_update_slice(planes, part, start)

        return jax.lax.fori_loop(0, count, tile, planes), None

    if view.whole:
        return jax.lax.scan(everywhere, planes, shapes)[0]
    return jax.lax.scan(tiled, planes, (shapes, *_boxes(shapes, seen)))[0]
