"""Pictures of a scene: any window of the source frame, at any scale.

What stands still is painted once per window; people and balls are painted over a copy
of it for every frame. A pixel's colour depends on its place in the source frame alone,
so that a crop equals that part of the whole frame.
"""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int16, Int32, UInt8

from ttjax.sim import actors, film, primitives, raster, room
from ttjax.sim.primitives import Shapes
from ttjax.sim.raster import Raster, View
from ttjax.sim.scene import Scene


def blend(planes, shape: Shapes, x, y, step, inside, samples):
    """Planes with one shape over them."""
    cover, gain = primitives.coverage(shape, x, y, step, samples)
    below = planes.astype(jnp.float32)
    solid = primitives.SOLID * film.FIXED
    front = shape.behind[0] * below[3] + shape.behind[1] * below[4]
    cover = cover * (1.0 - jnp.minimum(front / solid, 1.0))
    if inside is not None:
        cover = jnp.where(inside, cover, 0.0)
    value = jnp.broadcast_to(shape.value[:, None, None] * film.FIXED, planes.shape)
    colour = np.arange(len(primitives.PLANES))[:, None, None] < 3
    shaded = jnp.minimum(value * gain[None], primitives.SOLID * film.FIXED)
    value = jnp.where(colour, shaded, value)
    return (below + jnp.round(cover[None] * (value - below))).astype(jnp.int16)


@flax.struct.dataclass
class Still:
    """All that stands still in a window, with its margin: planes, and their raster.

    moved: the same after the table was pushed.
    """

    planes: Int16[Array, "7 h w"]
    moved: Int16[Array, "7 h w"]
    seen: Raster


def static(
    scene: Scene,
    view: View,
    origin_xy: Int32[Array, " 2"],
    step_xy: Float[Array, " 2"] | tuple[float, float] = (1.0, 1.0),
) -> Still:
    """All that stands still, seen through the window."""
    padded = view.padded
    blur = scene.film.blur_px
    seen = raster.raster(scene.camera, view, origin_xy, step_xy, blur_px=blur)
    ground = room.background(scene, seen.x, seen.y, seen.sees_xy.mean())
    ground = _toned_planes(scene, ground)
    hall = raster.paint(ground, actors.toned(scene, scene.static), padded, seen, blend)
    pushed = jnp.isfinite(scene.push_s).astype(jnp.float32)
    tables = jax.tree.map(lambda *two: jnp.stack(two), scene.table, scene.moved)
    # One that is never seen is transparent, which costs nothing.
    seldom = tables.alpha * jnp.stack([jnp.ones(()), pushed])[:, None]
    tables = dataclasses.replace(tables, alpha=seldom)

    def over(table):
        return raster.paint(hall, actors.toned(scene, table), padded, seen, blend)

    planes, moved = jax.lax.map(over, tables)
    return Still(planes, moved, seen)


def _toned_planes(scene: Scene, planes: Int16[Array, "7 h w"]):
    """Planes in the colours that the camera gives them."""
    record = scene.film

    def toned(planes):
        colour = jnp.moveaxis(planes[:3].astype(jnp.float32) / film.FIXED, 0, -1)
        colour = jnp.moveaxis(film.tone(record, colour), -1, 0)
        colour = jnp.round(film.FIXED * colour).astype(jnp.int16)
        return jnp.concatenate([colour, planes[3:]])

    plain = (record.gamma == 1.0) & jnp.all(record.gains == 1.0)
    return jax.lax.cond(plain, lambda planes: planes, toned, planes)


def expose(
    scene: Scene,
    still: Still,
    planes: Int16[Array, "7 h w"],
    number: Int32[Array, ""],
    view: View,
) -> UInt8[Array, "h w 3"]:
    """RGB of frame `number`: see `film.expose`."""
    step = still.seen.step_xy
    x, y = raster.centres(view, still.seen.origin_xy + view.margin * step, step)
    return film.expose(
        scene.film,
        planes[:3],
        x,
        y,
        seconds=actors.times(scene, number),
        height=scene.source_hw[0].astype(jnp.float32),
        seed=scene.seed + number.astype(jnp.uint32) * jnp.uint32(0x9E3779B9),
        area=step[0] * step[1],
        compressed=view.compressed,
    )


def masks(planes: Int16[Array, "7 h w"]) -> UInt8[Array, "h w 3"]:
    """1 where table, humans, scoreboard show in half of the pixel or more."""
    at = [primitives.PLANES.index(name) for name in primitives.MASKS]
    half = primitives.SOLID * film.FIXED / 2
    return jnp.stack([planes[k] >= half for k in at], axis=-1).astype(jnp.uint8)


def frame(
    scene: Scene,
    still: Still,
    shapes: Shapes,
    number: Int32[Array, ""],
    view: View,
) -> Int16[Array, "7 h w"]:
    """The planes of one frame: what moves (`actors.act`) over what stands still."""
    seconds = actors.times(scene, number)
    shift = film.shift_px(scene.film, seconds, scene.source_hw[1])
    below = jnp.where(seconds < scene.push_s, still.planes, still.moved)
    seen, below = raster.shaken(still.seen, below, view, shift)
    return raster.paint(below, shapes, view, seen, blend)


def render(
    scene: Scene,
    still: Still,
    shapes: Shapes,
    numbers: Int32[Array, " n"],
    view: View,
) -> tuple[UInt8[Array, "n h w 3"], UInt8[Array, "n h w 3"]]:
    """RGB and masks (table, humans, scoreboard) of n frames in the view of `still`.

    shapes: what moves in each of them, with an axis of frames before their own.
    """

    def one(item):
        moving, number = item
        planes = frame(scene, still, moving, number, view)
        return expose(scene, still, planes, number, view), masks(planes)

    if view.whole:
        return jax.vmap(one)((shapes, numbers))
    return jax.lax.map(one, (shapes, numbers))
