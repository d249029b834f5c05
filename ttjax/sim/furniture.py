"""What stands around the table: lamps, stands, umpire, scoreboard, another table."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ttjax.geometry import camera as camera_
from ttjax.geometry.camera import Camera
from ttjax.sim import body, primitives, table
from ttjax.sim.draws import Uniforms
from ttjax.sim.primitives import Shapes
from ttjax.sim.room import Place

SPOTS, LAMPS, BOXES = 6, 6, 3
SEGMENTS = np.array(
    [
        [1, 1, 1, 0, 1, 1, 1],
        [0, 0, 1, 0, 0, 1, 0],
        [1, 0, 1, 1, 1, 0, 1],
        [1, 0, 1, 1, 0, 1, 1],
        [0, 1, 1, 1, 0, 1, 0],
        [1, 1, 0, 1, 0, 1, 1],
        [1, 1, 0, 1, 1, 1, 1],
        [1, 0, 1, 0, 0, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 0, 1, 1],
    ],
    np.float32,
)
"""Seven-segment digits: top, left upper, right upper, middle, left lower, right lower,
bottom."""
SEGMENT_BOXES = np.array(
    [
        [0.0, 0.88, 1.0, 1.0],
        [0.0, 0.5, 0.22, 1.0],
        [0.78, 0.5, 1.0, 1.0],
        [0.0, 0.44, 1.0, 0.56],
        [0.0, 0.0, 0.22, 0.5],
        [0.78, 0.0, 1.0, 0.5],
        [0.0, 0.0, 1.0, 0.12],
    ],
    np.float32,
)
"""Left, bottom, right, top of each segment in a unit square."""


class Panel(NamedTuple):
    """A rectangle of a fixed layout.

    corners: `[4, 3]` in metres, in the axes of `group`: x along, y away from who looks
    at it, z up. paint: a name of the palette. label: its class. shown: index into the
    opacities.
    """

    corners: np.ndarray
    paint: str
    group: str
    label: str | None = None
    shown: int = 0


def _upright(left, bottom, right, top, y) -> np.ndarray:
    """Corners of a rectangle that faces who looks."""
    row = [(left, y, bottom), (right, y, bottom), (right, y, top), (left, y, top)]
    return np.array(row, np.float32)


def _flat(left, near, right, far, z) -> np.ndarray:
    row = [(left, near, z), (right, near, z), (right, far, z), (left, far, z)]
    return np.array(row, np.float32)


def _across(x, near, bottom, far, top) -> np.ndarray:
    """Corners of a rectangle that is seen from the side."""
    row = [(x, near, bottom), (x, far, bottom), (x, far, top), (x, near, top)]
    return np.array(row, np.float32)


def _paint(camera: Camera, panels, groups, palette, shown) -> Shapes:
    """Panels as quads, in order.

    groups: names -> origin (3) and turn about the upright axis. palette: names ->
    colours. shown: opacities, `shown[0]` is 1.
    """
    names, paints = list(groups), list(palette)
    origins = jnp.stack([jnp.asarray(groups[name][0], jnp.float32) for name in names])
    turns = jnp.stack([jnp.asarray(groups[name][1], jnp.float32) for name in names])
    colours = jnp.stack([jnp.asarray(palette[name], jnp.float32) for name in paints])
    at = np.array([names.index(panel.group) for panel in panels])
    ink = np.array([paints.index(panel.paint) for panel in panels])
    classes = np.array(
        [
            [primitives.SOLID * (panel.label == name) for name in primitives.PLANES[3:]]
            for panel in panels
        ],
        np.float32,
    )
    x, y, z = np.moveaxis(np.stack([panel.corners for panel in panels]), -1, 0)
    cos, sin = jnp.cos(turns)[at][:, None], jnp.sin(turns)[at][:, None]
    corners = jnp.stack([cos * x - sin * y, sin * x + cos * y, jnp.asarray(z)], -1)
    corners = corners + origins[at][:, None]
    value = jnp.concatenate([colours[ink], jnp.asarray(classes)], axis=-1)
    pixels, depth = camera_.project(camera, corners)
    alpha = shown[np.array([panel.shown for panel in panels])]
    seen = (depth.min(axis=1) > 0.3).astype(jnp.float32)
    return primitives.quads(pixels, value, alpha=alpha * seen)


def _clutter(
    draws: Uniforms, camera: Camera, place: Place, gain, variety: Float[Array, ""]
) -> Shapes:
    """Lamps, white spots, ball stands, boxes, on the umpire's side."""
    u = draws.take(16)
    spots, boxes = draws.take(SPOTS, 4), draws.take(BOXES, 5)
    white, dark = np.array([125.0, 160.0, 138.0]), np.array([18.0, 28.0, 28.0])
    palette = {
        "lamp": jnp.array([235.0] * 3),
        "white": jnp.array(white) * 1.3 * gain,
        "pole": jnp.array(dark) * 1.4 * gain,
    }
    side = place.umpire
    about = jnp.where(side > 0.0, 0.0, jnp.pi)
    fence_y = jnp.where(side > 0.0, place.fence[3], -place.fence[2])
    high = jnp.minimum(place.walls_m - 0.05, 8.0)
    groups: dict[str, tuple[Array, float | Array]] = {
        "lamps": (jnp.stack([u[0] - 0.5, 0.0 * u[1], high]), 0.0)
    }
    panels = []
    for k in range(LAMPS):
        x, y = -5.1 + 3.9 * (k % 3), 3.4 - 5.6 * (k // 3)
        panels.append(
            Panel(_flat(x, y, x + 1.3, y + 0.6, 0.0), "lamp", "lamps", shown=1)
        )
    for k in range(SPOTS):
        origin = jnp.stack(
            [-5 + 10 * spots[k, 0], side * (fence_y - 0.05), 0.1 + 2.2 * spots[k, 1]]
        )
        groups[f"spot{k}"] = (origin, about)
        size = 0.02 + 0.008 * k
        spot = _upright(0, 0, size, size, 0)
        panels.append(Panel(spot, "white", f"spot{k}", shown=2 + k))
    stand_y = jnp.minimum(2.6 + 0.6 * u[6], fence_y - 0.4)
    groups["stands"] = (
        jnp.stack([0.3 * (u[5] - 0.5), side * stand_y, jnp.zeros(())]),
        about,
    )
    for x in (-1.4, 1.4):
        pole = _upright(x - 0.022, 0.0, x + 0.022, 0.82, 0.0)
        panels.append(Panel(pole, "pole", "stands"))
    # Boxes on the stands, or towels, bags and boxes along the banners.
    first = 2 + SPOTS
    for k in range(BOXES):
        at = jnp.stack(
            [-5.0 + 10.0 * boxes[k, 0], side * (fence_y - 0.3), jnp.zeros(())]
        )
        groups[f"box{k}"] = (at, about)
        palette[f"box{k}"] = (25.0 + 170.0 * boxes[k, 1:4] ** 2) * gain
        wide, tall = 0.25 + 0.1 * k, 0.22 + 0.13 * k
        front = _upright(-wide, 0.0, wide, tall, 0.0)
        lid = _flat(-wide, 0.0, wide, 0.25, tall)
        panels.append(Panel(lid, f"box{k}", f"box{k}", shown=first + k))
        panels.append(Panel(front, f"box{k}", f"box{k}", shown=first + k))
    lamps = (u[7:8] < 0.5).astype(jnp.float32)
    seen = (spots[:, 2] < 0.5).astype(jnp.float32)
    there = (boxes[:, 4] < 0.5 * variety).astype(jnp.float32)
    shown = jnp.concatenate([jnp.ones(1), lamps, seen, there])
    flat = _paint(camera, panels, groups, palette, shown)

    # Basins, wider at the top, or plain boxes.
    basin = jnp.where(u[8] < 0.5, jnp.array([40.0, 190.0, 30.0]), jnp.array(dark))
    at = groups["stands"][0]
    rows = []
    for x in (-1.4, 1.4):
        for low, top, half, rim in (
            (0.82, 0.97, 0.145, 0.2),
            (0.965, 0.99, 0.225, 0.225),
        ):
            rows.append([(x, 0.0, low), (x, 0.0, top), (half, rim)])
    ends = jnp.asarray(np.array([row[:2] for row in rows], np.float32))
    ends = ends * jnp.stack([side, side, jnp.ones(())])[None, None]
    ends = ends + at[None, None]
    tint = jnp.stack([0.8 * basin, basin] * 2) * gain
    bowls = tapered(camera, ends, np.array([row[2] for row in rows]), tint)
    return primitives.concatenate(flat, bowls)


def tapered(
    camera: Camera,
    ends_m: Float[Array, "n 2 3"],
    half_m: np.ndarray,
    colours: Float[Array, "n 3"],
) -> Shapes:
    """Upright things of round section: flat ends, another half width at either."""
    at, depth = camera_.project(camera, ends_m)
    half = jnp.asarray(half_m, jnp.float32) * camera.focal_px / jnp.maximum(depth, 0.3)
    out = jnp.stack([half, jnp.zeros_like(half)], axis=-1)
    corners = jnp.concatenate([at - out, (at + out)[:, ::-1]], axis=1)
    return primitives.quads(corners, primitives.material(colours))


def _digit(first, left, bottom, width, height, y, paint):
    """Seven panels of one digit; their opacities begin at index `first`."""
    return [
        Panel(
            _upright(
                left + width * x0,
                bottom + height * z0,
                left + width * x1,
                bottom + height * z1,
                y,
            ),
            paint,
            "score",
            "scoreboard",
            first + index,
        )
        for index, (x0, z0, x1, z1) in enumerate(SEGMENT_BOXES)
    ]


def _desk_panels() -> list[Panel]:
    """Desk, then scoreboard: opacities 1: logo, from 2 on: segments of four digits."""
    low, front, near, label = 0.77, -0.1, -0.12, "scoreboard"
    panels = [
        Panel(_flat(-0.38, -0.02, 0.38, 0.42, 0.75), "rim", "desk"),
        Panel(_across(-0.36, 0.0, 0.0, 0.4, 0.74), "side", "desk"),
        Panel(_across(0.36, 0.0, 0.0, 0.4, 0.74), "side", "desk"),
        Panel(_upright(-0.36, 0.0, 0.36, 0.74, 0), "wood", "desk"),
        Panel(_upright(-0.38, 0.73, 0.38, 0.76, -0.02), "rim", "desk"),
        Panel(_upright(-0.2, 0.34, 0.2, 0.44, -0.03), "logo", "desk", shown=1),
        Panel(_upright(-0.13, 0.48, 0.13, 0.58, -0.03), "logo", "desk", shown=1),
        Panel(_upright(-0.22, low, 0.22, low + 0.24, front), "board", "score", label),
    ]
    for left, right, bottom, paint in (
        (-0.115, -0.01, 0.07, "card"),
        (0.01, 0.115, 0.07, "card"),
        (-0.19, -0.13, 0.12, "tag"),
        (0.13, 0.19, 0.12, "tag"),
    ):
        card = _upright(left, low + bottom, right, low + 0.22, near)
        panels.append(Panel(card, paint, "score", label))
    for index, (left, bottom, width, height, paint) in enumerate(
        (
            (-0.09, low + 0.09, 0.055, 0.11, "ink"),
            (0.035, low + 0.09, 0.055, 0.11, "ink"),
            (-0.172, low + 0.145, 0.024, 0.05, "card"),
            (0.148, low + 0.145, 0.024, 0.05, "card"),
        )
    ):
        panels += _digit(2 + 7 * index, left, bottom, width, height, near - 0.01, paint)
    return panels


def _desk(
    draws: Uniforms, camera: Camera, place: Place, gain, variety: Float[Array, ""]
) -> Shapes:
    """The umpire at a desk with a flip scoreboard, beyond the net from the camera."""
    u = draws.take(12)
    numbers = (10 * draws.take(4)).astype(jnp.int32)
    side = place.umpire
    fence_y = jnp.where(side > 0.0, place.fence[3], -place.fence[2])
    away = jnp.minimum(2.5 + 0.5 * u[1], fence_y - 0.7)
    desk = jnp.stack([-0.15 + 0.4 * u[0], side * away, jnp.zeros(())])
    about = jnp.where(side > 0.0, 0.0, jnp.pi)
    # The board is turned to who films.
    sight = (camera.position_m - desk)[:2] * side
    turn = jnp.arctan2(sight[0], -sight[1])
    suit = jnp.array([20.0, 28.0, 38.0])
    face, hair = jnp.array([120.0, 100.0, 75.0]), jnp.array([110.0, 110.0, 100.0])
    shirt = jnp.array([120.0, 140.0, 160.0])
    rows = [face, hair * (0.4 + 0.6 * u[2]), *[suit] * 6, shirt, suit]
    seat = desk + jnp.stack([0.1 * (u[3] - 0.5), side * 0.36, jnp.float32(0.62)])
    facing = jnp.stack([jnp.zeros(()), -side])
    umpire = body.official(
        camera, seat, facing, jnp.stack(rows) * jnp.minimum(gain, 1.3)
    )
    umpire = dataclasses.replace(umpire, alpha=umpire.alpha * (u[4] < 0.75))
    palette = {
        "wood": jnp.array([38.0, 37.0, 28.0]) * (1.0 + 2.0 * variety * u[7]),
        "side": (28.0, 27.0, 22.0),
        "rim": (90.0, 90.0, 80.0),
        "logo": (120.0, 118.0, 104.0),
        "card": (205.0, 215.0, 210.0),
        "ink": (22.0, 22.0, 26.0),
        "tag": (140.0, 30.0, 70.0),
        "board": (24.0, 26.0, 30.0),
    }
    palette = {name: jnp.asarray(colour) * gain for name, colour in palette.items()}
    palette = {name: jnp.minimum(colour, 250.0) for name, colour in palette.items()}
    logo = (u[6:7] < 0.6).astype(jnp.float32)
    lit = jnp.asarray(SEGMENTS)[numbers].reshape(-1)
    shown = jnp.concatenate([jnp.ones(1), logo, lit])
    groups = {"desk": (desk, about), "score": (desk, about + 0.6 * turn)}
    flat = _paint(camera, _desk_panels(), groups, palette, shown)
    return primitives.concatenate(umpire, flat)


def _far_table(
    draws: Uniforms, camera: Camera, place: Place, gain, variety: Float[Array, ""]
) -> Shapes:
    """A table of the next court, of no class, where no banners hide it."""
    u = draws.take(6)
    side = place.umpire
    fence_y = jnp.where(side > 0.0, place.fence[3], -place.fence[2])
    half = np.array([table.HALF_X, table.HALF_Y], np.float32)
    top = jnp.array([[26.0, 50.0, 150.0]]) * (0.5 + 0.5 * u[3])
    centre = jnp.stack(
        [10.0 * (u[0] - 0.5), side * (fence_y + 1.6 + 2.0 * u[1]), jnp.zeros(())]
    )
    plate = _flat(-half[0], -half[1], half[0], half[1], table.TOP_Z)
    net = _upright(-0.012, table.TOP_Z, 0.012, table.CORD_Z, -half[1])
    line = _flat(-half[0], -half[1], half[0], -half[1] + 0.04, table.TOP_Z)
    corners = jnp.asarray(np.stack([plate, line, net])) + centre[None, None]
    pixels, depth = camera_.project(camera, corners)
    ink = jnp.concatenate([top, jnp.array([[170.0] * 3, [30.0] * 3])]) * gain
    there = (u[2] < 0.6 * variety) & (depth.min() > 2.0) & (place.fence_m <= 0.0)
    alpha = there.astype(jnp.float32)
    feet = [((x, y, 0.0), (x, y, 0.74)) for y in (0.6, -0.6) for x in (-1.1, 1.1)]
    feet = jnp.asarray(np.array(feet, np.float32)) + centre[None, None]
    metal = primitives.material(jnp.broadcast_to(30.0 * gain, (len(feet), 3)))
    legs = table.struts(camera, feet, jnp.full(len(feet), 0.03), metal, alpha)
    plates = primitives.quads(pixels, primitives.material(ink), alpha=alpha)
    return primitives.concatenate(legs, plates)


def hall(
    draws: Uniforms,
    camera: Camera,
    place: Place,
    gain: Float[Array, ""],
    variety: Float[Array, ""],
) -> Shapes:
    """All that stands behind the table, far things first, `gain` times as bright."""
    return primitives.concatenate(
        _far_table(draws, camera, place, gain, variety),
        _clutter(draws, camera, place, gain, variety),
        _desk(draws, camera, place, gain, variety),
    )
