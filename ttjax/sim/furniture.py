"""What stands in the hall: banners, stands, umpire, scoreboard, table and net."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ttjax.geometry import camera as camera_
from ttjax.geometry import fields_of_play as field
from ttjax.geometry.camera import Camera
from ttjax.sim import body, primitives
from ttjax.sim.draws import Uniforms
from ttjax.sim.primitives import Shapes

HALF_X, HALF_Y = field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2
TOP_Z = field.TABLE_HEIGHT_M
CORD_Z = TOP_Z + field.NET_HEIGHT_M
POST_Y = HALF_Y + field.NET_OVERHANG_M

BANNERS, GLYPHS, SPOTS = 7, 10, 6
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

    corners: `[4, 3]` in metres, relative to the point `group` of the hall.
    paint: a name of the palette. label: its class. shown: index into the opacities.
    """

    corners: np.ndarray
    paint: str
    group: str = "table"
    label: str | None = None
    shown: int = 0


def _upright(left, bottom, right, top, y) -> np.ndarray:
    """Corners of a rectangle that faces the camera."""
    row = [(left, y, bottom), (right, y, bottom), (right, y, top), (left, y, top)]
    return np.array(row, np.float32)


def _flat(left, near, right, far, z) -> np.ndarray:
    row = [(left, near, z), (right, near, z), (right, far, z), (left, far, z)]
    return np.array(row, np.float32)


def _across(near, bottom, far, top) -> np.ndarray:
    """Corners of a rectangle across the table, as the net is."""
    row = [(0, near, bottom), (0, far, bottom), (0, far, top), (0, near, top)]
    return np.array(row, np.float32)


def _paint(camera: Camera, panels, groups, palette, shown) -> Shapes:
    """Panels as quads, in order.

    groups, palette: names -> points and colours; shown: opacities, `shown[0]` is 1.
    """
    names, paints = list(groups), list(palette)
    points = jnp.stack([jnp.asarray(groups[name], jnp.float32) for name in names])
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
    corners = np.stack([panel.corners for panel in panels]) + points[at][:, None]
    value = jnp.concatenate([colours[ink], classes], axis=-1)
    pixels, _ = camera_.project(camera, jnp.asarray(corners))
    return primitives.quads(
        pixels, value, alpha=shown[np.array([panel.shown for panel in panels])]
    )


def _background(draws: Uniforms, camera: Camera, gain) -> Shapes:
    """Lamps, banners with letter-like bars, white things, ball stands."""
    u = draws.take(16)
    kinds = (4 * draws.take(BANNERS)).astype(jnp.int32)
    glyphs = draws.take(BANNERS * GLYPHS) < 0.85
    spots = draws.take(SPOTS, 4)
    white, dark, green = (125.0, 160.0, 138.0), (18.0, 28.0, 28.0), (14.0, 60.0, 40.0)
    red, lime, basin = (120.0, 44.0, 34.0), (150.0, 170.0, 40.0), (40.0, 190.0, 30.0)
    papers = jnp.array([white, white, dark, green]) * gain
    inks = jnp.array([red, (40.0, 60.0, 110.0), lime, (12.0, 48.0, 32.0)]) * gain
    palette = {"lamp": [235.0] * 3, "white": jnp.array(white) * 1.3 * gain}
    palette |= {"pole": jnp.array(dark) * 1.4 * gain}
    groups = {"lamps": jnp.stack([u[0] - 0.5, jnp.zeros(()), 0.3 * u[1]])}
    y = 3.6 + 1.0 * u[2]
    groups["fence"] = jnp.stack([-7.0 + 1.5 * u[3], y, 0.1 * (u[4] - 0.5)])
    panels = []
    for k in range(3):
        x = -4.0 + 3.9 * k
        panels.append(Panel(_flat(x, 3.0, x + 1.3, 3.6, 4.2), "lamp", "lamps", shown=1))
    for k in range(BANNERS):
        palette |= {f"paper{k}": papers[kinds[k]], f"ink{k}": inks[kinds[k]]}
        x, bank = 2.1 * k, 0.12 * (k % 2)
        sheet = _upright(x, -0.1, x + 2.04, 0.66, bank)
        panels.append(Panel(sheet, f"paper{k}", "fence"))
        for g in range(GLYPHS):
            at, low, index = x + 0.3 + 0.15 * g, 0.21, GLYPHS * k + g
            wide, high = (0.035, 0.45) if g % 2 == 0 else (0.12, 0.0)
            low += 0 if high else 0.18 * ((7 * index) % 5) / 5
            bar = _upright(at, low, at + wide, high or low + 0.05, bank)
            panels.append(Panel(bar, f"ink{k}", "fence", shown=2 + index))
    first = 2 + BANNERS * GLYPHS
    for k in range(SPOTS):
        groups[f"spot{k}"] = jnp.stack(
            [-5 + 10 * spots[k, 0], y - 0.05, 0.1 + 2.2 * spots[k, 1]]
        )
        size = 0.02 + 0.008 * k
        spot = _upright(0, 0, size, size, 0)
        panels.append(Panel(spot, "white", f"spot{k}", shown=first + k))
    groups["stands"] = jnp.stack([0.3 * (u[5] - 0.5), 2.6 + 0.6 * u[6], jnp.zeros(())])
    for x in (-1.4, 1.4):
        pole = _upright(x - 0.03, 0.0, x + 0.03, 0.8, 0.0)
        panels.append(Panel(pole, "pole", "stands"))
    lamps = (u[7:8] < 0.4).astype(jnp.float32)
    seen = (spots[:, 2] < 0.5).astype(jnp.float32)
    shown = jnp.concatenate([jnp.ones(1), lamps, glyphs.astype(jnp.float32), seen])
    rims = np.array(
        [[(x - 0.14, 0, 0.82), (x + 0.14, 0, 0.82)] for x in (-1.4, 1.4)], np.float32
    )
    ends, depth = camera_.project(
        camera, jnp.asarray(rims) + groups["stands"][None, None]
    )
    colour = jnp.where(u[8] < 0.5, jnp.array(basin), jnp.array(dark)) * gain
    bowls = primitives.capsules(
        ends[:, 0],
        ends[:, 1],
        0.1 * camera.focal_px / depth,
        primitives.material(colour),
    )
    flat = _paint(camera, panels, groups, palette, shown)
    return primitives.concatenate(flat, bowls)


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
            "desk",
            "scoreboard",
            first + index,
        )
        for index, (x0, z0, x1, z1) in enumerate(SEGMENT_BOXES)
    ]


def _desk(draws: Uniforms, camera: Camera, gain) -> Shapes:
    """The umpire at a desk with a flip scoreboard."""
    u = draws.take(8)
    numbers = (10 * draws.take(4)).astype(jnp.int32)
    desk = jnp.stack([-0.15 + 0.4 * u[0], 2.5 + 0.5 * u[1], jnp.zeros(())])
    suit = jnp.array([20.0, 28.0, 38.0])
    face, hair = jnp.array([120.0, 100.0, 75.0]), jnp.array([110.0, 110.0, 100.0])
    shirt = jnp.array([120.0, 140.0, 160.0])
    looks = jnp.stack([face, hair * (0.4 + 0.6 * u[2]), *[suit] * 5, shirt])
    seat = desk + jnp.stack([0.1 * (u[3] - 0.5), jnp.float32(0.35), jnp.float32(0.62)])
    umpire = body.official(camera, seat, looks * gain)
    umpire = dataclasses.replace(umpire, alpha=umpire.alpha * (u[4] < 0.75))
    palette = {
        "wood": (38.0, 37.0, 28.0),
        "rim": (90.0, 90.0, 80.0),
        "logo": (120.0, 118.0, 104.0),
        "card": (205.0, 215.0, 210.0),
        "ink": (22.0, 22.0, 26.0),
        "tag": (140.0, 30.0, 70.0),
        "board": (24.0, 26.0, 30.0),
    }
    palette = {name: jnp.array(colour) * gain for name, colour in palette.items()}
    low, front, near, label = 0.77, -0.1, -0.12, "scoreboard"
    panels = [
        Panel(_upright(-0.36, 0.0, 0.36, 0.74, 0), "wood", "desk"),
        Panel(_upright(-0.38, 0.73, 0.38, 0.76, 0), "rim", "desk"),
        Panel(_upright(-0.17, 0.3, 0.17, 0.58, -0.02), "logo", "desk", shown=1),
        Panel(_upright(-0.22, low, 0.22, low + 0.24, front), "board", "desk", label),
    ]
    for left, right, bottom, paint in (
        (-0.115, -0.01, 0.07, "card"),
        (0.01, 0.115, 0.07, "card"),
        (-0.19, -0.13, 0.12, "tag"),
        (0.13, 0.19, 0.12, "tag"),
    ):
        card = _upright(left, low + bottom, right, low + 0.22, near)
        panels.append(Panel(card, paint, "desk", label))
    for index, (left, bottom, width, height, paint) in enumerate(
        (
            (-0.09, low + 0.09, 0.055, 0.11, "ink"),
            (0.035, low + 0.09, 0.055, 0.11, "ink"),
            (-0.172, low + 0.145, 0.024, 0.05, "card"),
            (0.148, low + 0.145, 0.024, 0.05, "card"),
        )
    ):
        first = 2 + 7 * index
        panels += _digit(first, left, bottom, width, height, near - 0.01, paint)
    logo = (u[6:7] < 0.6).astype(jnp.float32)
    lit = jnp.asarray(SEGMENTS)[numbers].reshape(-1)
    shown = jnp.concatenate([jnp.ones(1), logo, lit])
    flat = _paint(camera, panels, {"desk": desk}, palette, shown)
    return primitives.concatenate(umpire, flat)


def _legs() -> list[Panel]:
    panels = []
    for y in (0.62, -0.62):
        for sign in (-1.0, 1.0):
            for at, foot in ((1.12, 0.0), (0.47, 0.1)):
                x = sign * at
                leg = _upright(x - 0.03, foot, x + 0.03, 0.72, y)
                panels.append(Panel(leg, "steel"))
            left, right = sorted((sign * 1.12, sign * 0.47))
            panels.append(Panel(_upright(left, 0.4, right, 0.45, y), "beam"))
            x = sign * 0.47
            panels.append(Panel(_upright(x - 0.22, 0.1, x + 0.22, 0.14, y), "beam"))
            for wheel in (x - 0.18, x + 0.18):
                tyre = _upright(wheel - 0.035, 0.0, wheel + 0.035, 0.09, y)
                panels.append(Panel(tyre, "edge"))
    return panels


def _table(draws: Uniforms, camera: Camera, gain) -> Shapes:
    """Under-carriage, table top with lines, apron and net."""
    u = draws.take(2)
    tops = jnp.array([[26.0, 32.0, 172.0], [30.0, 60.0, 150.0], [14.0, 84.0, 60.0]])
    top = tops[jnp.searchsorted(jnp.array([0.65, 0.85]), u[0])] * (0.9 + 0.2 * u[1])
    palette = {
        "top": top,
        "steel": jnp.array([58.0, 62.0, 46.0]),
        "beam": jnp.array([54.0, 58.0, 43.0]),
        "line": jnp.array([170.0, 190.0, 190.0]),
        "apron": jnp.array([44.0, 48.0, 42.0]),
        "edge": jnp.array([17.0, 19.0, 20.0]),
        "cloth": jnp.array([22.0, 26.0, 40.0]),
    }
    palette = {name: colour * gain for name, colour in palette.items()}
    rim, below, near, far = field.EDGE_LINE_M, TOP_Z - 0.025, -HALF_Y, HALF_Y
    plates = [
        (_flat(-HALF_X, near, HALF_X, far, TOP_Z), "top"),
        (_flat(-HALF_X, far - rim, HALF_X, far, TOP_Z), "line"),
        (_flat(-HALF_X, near, -HALF_X + rim, far, TOP_Z), "line"),
        (_flat(HALF_X - rim, near, HALF_X, far, TOP_Z), "line"),
        (_flat(-HALF_X, -0.003, HALF_X, 0.003, TOP_Z), "line"),
        (_flat(-HALF_X, near, HALF_X, near + rim, TOP_Z), "line"),
        (_upright(-HALF_X, below, HALF_X, TOP_Z, near), "edge"),
        (_upright(-HALF_X, below - 0.05, -0.03, below, near), "apron"),
        (_upright(0.03, below - 0.05, HALF_X, below, near), "apron"),
        (_upright(-1.28, below - 0.04, -1.06, below - 0.012, near), "edge"),
        (_upright(1.06, below - 0.04, 1.28, below - 0.012, near), "edge"),
    ]
    panels = _legs() + [Panel(c, paint, label="table") for c, paint in plates]
    for corners, paint, shown in (
        (_across(near - 0.03, TOP_Z, POST_Y, CORD_Z - 0.013), "cloth", 1),
        (_across(-POST_Y, CORD_Z - 0.015, POST_Y, CORD_Z), "line", 0),
        (_upright(-0.012, TOP_Z - 0.08, 0.012, CORD_Z, -POST_Y), "edge", 0),
        (_upright(-0.03, TOP_Z - 0.1, 0.03, TOP_Z, 0.05 - POST_Y), "edge", 0),
    ):
        panels.append(Panel(corners, paint, label="net", shown=shown))
    groups = {"table": jnp.zeros(3)}
    return _paint(camera, panels, groups, palette, jnp.array([1.0, 0.78]))


def hall(draws: Uniforms, camera: Camera, gain) -> Shapes:
    """Everything that stands still, far things first, `gain` times as bright."""
    return primitives.concatenate(
        _background(draws, camera, gain),
        _desk(draws, camera, gain),
        _table(draws, camera, gain),
    )
