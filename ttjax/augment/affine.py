"""Geometric augmentation, unbatched: pictures and points move together."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from ttjax.geometry import affine as plane
from ttjax.geometry.affine import Affine
from ttjax.typing import PRNGKey


def hflip(
    key: PRNGKey,
    images: Any,
    points_px: Any,
    *,
    width_px: Float[Array, ""],
    probability: float = 0.5,
) -> tuple[Any, Any]:
    """Mirrors all images and all points, or none of them.

    images: arrays `[..., h, w, c]` of any sizes; each is mirrored within itself.
    points_px: float arrays `[..., 2]`, xy, mirrored within a picture of this width:
        pixel *i* spans [i, i + 1), so x becomes width - x. The left border of a part
        of the picture becomes its right one: hand in the right one.
    """
    flip = jax.random.bernoulli(key, probability)

    def mirrored(points):
        x, y = points[..., :1], points[..., 1:]
        return jnp.concatenate([jnp.where(flip, width_px - x, x), y], axis=-1)

    images = jax.lax.cond(
        flip,
        lambda images: jax.tree.map(lambda image: image[..., ::-1, :], images),
        lambda images: images,
        images,
    )
    return images, jax.tree.map(mirrored, points_px)


def draw(
    key: PRNGKey,
    size_wh: Float[Array, " 2"],
    *,
    keep: tuple[float, float] = (0.85, 1.0),
    rotation_deg: float = 15.0,
) -> Affine:
    """A random crop, turned, that fills the frame: source px to source px.

    keep: least and largest share of the width, and independently of the height, that
        the crop keeps (TTNet, section 6.1: 85 to 100 %); it lies inside the frame.
    rotation_deg: the angle is uniform in +- this, about the middle of the crop, in
        source pixels: those of a network are not square.
    """
    size_key, place_key, angle_key = jax.random.split(key, 3)
    low, high = keep
    share = jax.random.uniform(size_key, (2,), minval=low, maxval=high)
    corner = jax.random.uniform(place_key, (2,)) * (1.0 - share) * size_wh
    middle = corner + 0.5 * share * size_wh
    most = jnp.deg2rad(rotation_deg)
    angle = jax.random.uniform(angle_key, minval=-most, maxval=most)
    to_frame = plane.stretch(1.0 / share, -corner / share)
    return plane.compose(to_frame, plane.turn(angle, middle))


def warp(
    images: UInt8[Array | np.ndarray, "t h w c"],
    to_input: Affine,
    *,
    out_hw: tuple[int, int],
) -> UInt8[Array, "t {out_hw[0]} {out_hw[1]} c"]:
    """Pictures resampled once, bilinearly: out(p) = images(to_input(p)).

    Both in pixels whose centres are i + 0.5. Beyond the border the outermost pixels go
    on: nothing is filled with a colour.
    """
    t, h, w, c = images.shape
    rows, columns = out_hw
    at = plane.apply(to_input, _middles(out_hw)) - 0.5
    at = jnp.clip(at, 0.0, jnp.array([w - 1.0, h - 1.0])[None])
    first = jnp.minimum(jnp.floor(at), jnp.array([w - 2.0, h - 2.0])[None])
    share = at - first
    first = first.astype(jnp.int32)
    # All frames of a pixel side by side: one address for each of its four neighbours.
    pixels = jnp.asarray(images).transpose(1, 2, 0, 3).reshape(h * w, t * c)

    def tap(dx: int, dy: int) -> Float[Array, "n c"]:
        index = (first[:, 1] + dy) * w + first[:, 0] + dx
        weight = jnp.where(dx, share[:, 0], 1.0 - share[:, 0])
        weight = weight * jnp.where(dy, share[:, 1], 1.0 - share[:, 1])
        found = jnp.take(pixels, index, axis=0, mode="clip").astype(jnp.float32)
        return weight[:, None] * found

    total = tap(0, 0) + tap(1, 0) + tap(0, 1) + tap(1, 1)
    out = jnp.round(total).astype(jnp.uint8).reshape(rows, columns, t, c)
    return out.transpose(2, 0, 1, 3)


def pick(
    image: UInt8[Array | np.ndarray, "h w"],
    to_input: Affine,
    *,
    out_hw: tuple[int, int],
) -> UInt8[Array, "{out_hw[0]} {out_hw[1]}"]:
    """Names of pixels moved as `warp` moves pictures: the nearest one, never a mean.

    Beyond the border the outermost pixels go on.
    """
    h, w = image.shape
    at = jnp.floor(plane.apply(to_input, _middles(out_hw))).astype(jnp.int32)
    at = jnp.clip(at, 0, jnp.array([w - 1, h - 1])[None])
    found = jnp.take(jnp.asarray(image).reshape(-1), at[:, 1] * w + at[:, 0])
    return found.reshape(out_hw)


def _middles(out_hw: tuple[int, int]) -> Float[Array, "n 2"]:
    """The centres of all pixels, xy, row by row."""
    y, x = jnp.meshgrid(*(jnp.arange(size) + 0.5 for size in out_hw), indexing="ij")
    return jnp.stack([x, y], axis=-1).reshape(-1, 2)


def inner_hw(
    outer_hw: tuple[int, int], crop_hw: tuple[int, int], rotation_deg: float
) -> tuple[int, int]:
    """The crop with the widest equal margins that, however turned, lies in `outer_hw`.

    Two pixels on each side are left for resampling and rounding. What is drawn only
    enlarges (`draw`), so that a turn alone is the worst case.

    Raises:
        ValueError: not even the crop itself lies inside when it is turned.
    """
    (h, w), (rows, columns) = outer_hw, crop_hw
    cos, sin = (f(math.radians(rotation_deg)) for f in (math.cos, math.sin))
    margin = min(
        w - 4 - columns * cos - rows * sin, h - 4 - rows * cos - columns * sin
    ) / (2 * (cos + sin))
    if margin < 0:
        need = (rows * cos + columns * sin + 4, columns * cos + rows * sin + 4)
        raise ValueError(
            f"A crop of {rows}x{columns} pixels turned by {rotation_deg:g} degrees "
            f"needs {math.ceil(need[0])}x{math.ceil(need[1])}, got a canvas of "
            f"{h}x{w}: set a larger `canvas_margin`, or a smaller rotation."
        )
    return rows + 2 * int(margin), columns + 2 * int(margin)
