"""Flat shapes of a picture, in source px: convex quads, tapered capsules, streaks.

A shape covers a pixel by a share between 0 and 1 (box-filtered edges), so that the same
shape looks alike at any scale. Shapes are structs of arrays with a leading axis: lists
of them are painted in order by a `scan`.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

QUAD, CAPSULE, STREAK = 0, 1, 2
Leaf = Array | np.ndarray

PLANES = ("red", "green", "blue", "table", "net", "humans", "scoreboard")
"""What every pixel knows: its colour (0-255) and how much of each class it shows
(0-255)."""
MASKS = ("table", "humans", "scoreboard")
SOLID = 255.0


@flax.struct.dataclass
class Shapes:
    """n shapes, painted first to last.

    kind: `QUAD`, `CAPSULE` or `STREAK`.
    geometry: quad: four inward half-planes (a, b, c), opposite ones paired as 0-2, 1-3;
        capsule: end points and their radii; streak: where a disc is at the beginning,
        in the middle and at the end of the exposure, and its radius.
    box: left, top, right, bottom in source px, a little larger than the shape.
    value: what the shape is made of, per plane.
    shade: relative brightness along the local x and y of the shape.
    alpha: opacity.
    behind: hidden by the table, by the net: 0 or 1.
    """

    kind: Int32[Leaf, "*n"]
    geometry: Float[Leaf, "*n 12"]
    box: Float[Leaf, "*n 4"]
    value: Float[Leaf, "*n 7"]
    shade: Float[Leaf, "*n 2"]
    alpha: Float[Leaf, "*n"]
    behind: Float[Leaf, "*n 2"]


def material(colour: Float[Array, "*n 3"], label: str | None = None):
    """The planes of an opaque material of this colour (0-255) and class."""
    classes = jnp.array([SOLID * (name == label) for name in PLANES[3:]], jnp.float32)
    shape = (*colour.shape[:-1], len(PLANES) - 3)
    return jnp.concatenate([colour, jnp.broadcast_to(classes, shape)], axis=-1)


def _shapes(kind, geometry, box, value, shade, alpha):
    leading = box.shape[:-1]
    pad = 12 - geometry.shape[-1]
    padding = jnp.zeros((*leading, pad), jnp.float32)
    shade = jnp.asarray((0.0, 0.0) if shade is None else shade, jnp.float32)
    alpha = jnp.asarray(alpha, jnp.float32)
    return Shapes(
        kind=jnp.full(leading, kind, jnp.int32),
        geometry=jnp.concatenate([geometry, padding], axis=-1),
        box=box,
        value=jnp.broadcast_to(value, (*leading, len(PLANES))),
        shade=jnp.broadcast_to(shade, (*leading, 2)),
        alpha=jnp.broadcast_to(alpha, leading),
        behind=jnp.zeros((*leading, 2), jnp.float32),
    )


def quads(
    corners_px: Float[Array, "*n 4 2"],
    value: Float[Array, "*#n 7"],
    *,
    shade=None,
    alpha: float | Array = 1.0,
) -> Shapes:
    """Convex quads from their corners in order, clockwise or not."""
    edge = jnp.roll(corners_px, -1, axis=-2) - corners_px
    length = jnp.sqrt(jnp.sum(edge**2, axis=-1) + 1e-9)
    normal = jnp.stack([-edge[..., 1], edge[..., 0]], axis=-1) / length[..., None]
    centre = corners_px.mean(axis=-2, keepdims=True)
    side = jnp.sum((centre - corners_px) * normal, axis=-1)
    normal = normal * jnp.where(side < 0, -1.0, 1.0)[..., None]
    offset = -jnp.sum(normal * corners_px, axis=-1)
    geometry = jnp.concatenate([normal, offset[..., None]], axis=-1)
    geometry = geometry.reshape(*geometry.shape[:-2], 12)
    box = jnp.concatenate([corners_px.min(axis=-2), corners_px.max(axis=-2)], axis=-1)
    return _shapes(QUAD, geometry, box, value, shade, alpha)


def capsules(
    start_px: Float[Array, "*n 2"],
    end_px: Float[Array, "*n 2"],
    radii_px: Float[Array, "*n 2"],
    value: Float[Array, "*#n 7"],
    *,
    shade=(0.12, -0.22),
    alpha: float | Array = 1.0,
) -> Shapes:
    """Line segments with a radius at either end, linear between them."""
    geometry = jnp.concatenate([start_px, end_px, radii_px], axis=-1)
    radius = radii_px.max(axis=-1, keepdims=True)
    low = jnp.minimum(start_px, end_px) - radius
    high = jnp.maximum(start_px, end_px) + radius
    box = jnp.concatenate([low, high], axis=-1)
    return _shapes(CAPSULE, geometry, box, value, shade, alpha)


def streaks(
    centre_px: Float[Array, "*n 2"],
    half_path_px: Float[Array, "*n 2"],
    radius_px: Float[Array, "*n"],
    value: Float[Array, "*#n 7"],
    *,
    shade=(0.0, 0.0),
    alpha: float | Array = 1.0,
) -> Shapes:
    """Discs that move from centre - half path to centre + half path."""
    ends = (centre_px - half_path_px, centre_px, centre_px + half_path_px)
    path = jnp.stack(ends, axis=-2)
    return paths(path, radius_px, value, shade=shade, alpha=alpha)


def paths(
    path_px: Float[Array, "*n 3 2"],
    radius_px: Float[Array, "*n"],
    value: Float[Array, "*#n 7"],
    *,
    shade=(0.0, 0.0),
    alpha: float | Array = 1.0,
) -> Shapes:
    """Discs that go half of the time from a first to a second point, then to a third.

    A bounce within the exposure is a V.
    """
    radius = radius_px[..., None]
    flat = path_px.reshape(*path_px.shape[:-2], 6)
    geometry = jnp.concatenate([flat, radius], axis=-1)
    low, high = path_px.min(axis=-2) - radius, path_px.max(axis=-2) + radius
    box = jnp.concatenate([low, high], axis=-1)
    return _shapes(STREAK, geometry, box, value, shade, alpha)


def concatenate(*shapes: Shapes) -> Shapes:
    """One list, painted in this order."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *shapes)


Step = tuple[float | Array, float | Array]
"""Width and height of what a pixel sees, source px; may be traced."""


def _quad(g: Float[Array, " 12"], x: Array, y: Array, step: Step):
    def edge(k):
        a, b, c = g[3 * k], g[3 * k + 1], g[3 * k + 2]
        footprint = jnp.abs(a) * step[0] + jnp.abs(b) * step[1]
        return jnp.clip((a * x + b * y + c) / footprint + 0.5, 0.0, 1.0)

    # Opposite edges as the exact overlap of an interval and a pixel: also right for
    # lines thinner than a pixel.
    cover = jnp.maximum(edge(0) + edge(2) - 1.0, 0.0) * jnp.maximum(
        edge(1) + edge(3) - 1.0, 0.0
    )
    return cover, jnp.zeros_like(x), jnp.zeros_like(y)


def _box(box: Float[Array, " 4"], x: Array, y: Array, step: Step):
    """Overlap of pixels and box: far beyond an acute corner the edges alone overlap."""
    right = jnp.minimum(x + 0.5 * step[0], box[2]) - jnp.maximum(
        x - 0.5 * step[0], box[0]
    )
    down = jnp.minimum(y + 0.5 * step[1], box[3]) - jnp.maximum(
        y - 0.5 * step[1], box[1]
    )
    right, down = jnp.maximum(right, 0.0), jnp.maximum(down, 0.0)
    return right * down / (step[0] * step[1])


def _capsule(g: Float[Array, " 12"], x: Array, y: Array, step: Step):
    dx, dy = g[2] - g[0], g[3] - g[1]
    along = ((x - g[0]) * dx + (y - g[1]) * dy) / (dx * dx + dy * dy + 1e-6)
    along = jnp.clip(along, 0.0, 1.0)
    radius = g[4] + along * (g[5] - g[4])
    u = x - g[0] - along * dx
    v = y - g[1] - along * dy
    distance = jnp.sqrt(u * u + v * v + 1e-6)
    footprint = (jnp.abs(u) * step[0] + jnp.abs(v) * step[1]) / distance
    footprint = jnp.maximum(footprint, 0.5 * jnp.minimum(step[0], step[1]))
    cover = jnp.clip((radius - distance) / footprint + 0.5, 0.0, 1.0)
    # A capsule thinner than a pixel cannot cover all of it.
    cover = cover * jnp.minimum(2.0 * radius / footprint, 1.0)
    return cover, u / radius, v / radius


SLOW_PX = 0.5
"""Half a way that is no shorter: edges of a disc at rest are not of one pixel."""


def _share(x, y, start, end, radius):
    """Share of the way from `start` to `end` on which a disc covers points."""
    half_x, half_y = 0.5 * (end[0] - start[0]), 0.5 * (end[1] - start[1])
    half = jnp.sqrt(half_x**2 + half_y**2)
    slow = half < 1e-3
    long = jnp.maximum(half, 1e-3)
    ex, ey = jnp.where(slow, 1.0, half_x / long), jnp.where(slow, 0.0, half_y / long)
    half = jnp.maximum(half, SLOW_PX)
    px, py = x - 0.5 * (start[0] + end[0]), y - 0.5 * (start[1] + end[1])
    along, across = px * ex + py * ey, py * ex - px * ey
    chord = jnp.sqrt(jnp.maximum(radius**2 - across**2, 0.0))
    covered = jnp.minimum(along + chord, half) - jnp.maximum(along - chord, -half)
    return jnp.maximum(covered, 0.0) / (2.0 * half)


def _streak(
    g: Float[Array, " 12"], x: Array, y: Array, step: Step, samples: tuple[int, int]
):
    """Share of the exposure during which a moving disc covers the pixel, exact in time.

    Integrated over the pixel by `samples` (across, down).
    """
    radius = g[6]

    def add(index, total):
        i, j = index % samples[0], index // samples[0]
        at_x = x + step[0] * ((i + 0.5) / samples[0] - 0.5)
        at_y = y + step[1] * ((j + 0.5) / samples[1] - 0.5)
        first = _share(at_x, at_y, (g[0], g[1]), (g[2], g[3]), radius)
        second = _share(at_x, at_y, (g[2], g[3]), (g[4], g[5]), radius)
        return total + first + second

    count = samples[0] * samples[1]
    total = jax.lax.fori_loop(0, count, add, jnp.zeros_like(x))
    return total / (2.0 * count), (x - g[2]) / radius, (y - g[3]) / radius


def coverage(
    shape: Shapes,
    x: Float[Array, "h w"],
    y: Float[Array, "h w"],
    step: Step,
    samples: tuple[int, int] = (2, 2),
) -> tuple[Float[Array, "h w"], Float[Array, "h w"]]:
    """Covered share and relative brightness of pixels centred at x, y.

    `shape` is a single shape (no leading axis); pixels are `step` wide and high, a
    moving disc is looked up at `samples` of each, which should lie one or two source px
    apart.
    """

    def streak(g, x, y, step):
        return _streak(g, x, y, step, samples)

    def branch(function):
        def run(g, x, y):
            cover, u, v = function(g, x, y, step)
            if function is _quad:
                cover = jnp.minimum(cover, _box(jnp.asarray(shape.box), x, y, step))
            gain = 1.0 + shape.shade[0] * u + shape.shade[1] * v
            return shape.alpha * cover, gain

        return run

    branches = [branch(function) for function in (_quad, _capsule, streak)]
    return jax.lax.switch(shape.kind, branches, shape.geometry, x, y)


def hidden(shape: Shapes) -> Bool[Array, "*n"]:
    """Nothing of the shape can be seen: transparent, or an empty box."""
    box = jnp.asarray(shape.box)
    return (jnp.asarray(shape.alpha) <= 0.0) | (box[..., 2] <= box[..., 0])
