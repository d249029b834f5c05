"""The table with its legs and its net, and what it hides from a camera."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ttjax.geometry import camera as camera_
from ttjax.geometry import fields_of_play as field
from ttjax.geometry.camera import Camera
from ttjax.sim import primitives
from ttjax.sim.draws import Uniforms
from ttjax.sim.primitives import Shapes

HALF_X, HALF_Y = field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2
TOP_Z = field.TABLE_HEIGHT_M
CORD_Z = TOP_Z + field.NET_HEIGHT_M
POST_Y = HALF_Y + field.NET_OVERHANG_M
EDGE_M, APRON_M = 0.025, 0.075
"""Thickness of the top; height of all of its side, the apron below it included."""


def behind_table(camera: Camera, xyz_m: Float[Array, "*n 3"]) -> Bool[Array, "*n"]:
    """Whether the line of sight to points crosses the table top or its apron.

    The slab method: the table top is a box, the line of sight enters it before it
    leaves it, and before it reaches the point.
    """
    start = jnp.broadcast_to(camera.position_m, xyz_m.shape)
    line = xyz_m - start
    line = jnp.where(jnp.abs(line) < 1e-6, 1e-6, line)
    low = np.array([-HALF_X, -HALF_Y, TOP_Z - APRON_M], np.float32)
    high = np.array([HALF_X, HALF_Y, TOP_Z], np.float32)
    to_low = (jnp.broadcast_to(low, xyz_m.shape) - start) / line
    to_high = (jnp.broadcast_to(high, xyz_m.shape) - start) / line
    enter = jnp.minimum(to_low, to_high).max(axis=-1)
    leave = jnp.maximum(to_low, to_high).min(axis=-1)
    return (enter < leave) & (leave > 0.0) & (enter < 1.0)


def behind_net(camera: Camera, xyz_m: Float[Array, "*n 3"]) -> Bool[Array, "*n"]:
    """Whether points are beyond the plane of the net, as seen from the camera."""
    return xyz_m[..., 0] * camera.position_m[0] < 0.0


def _rectangle(axes: str, level, left, low, right, high) -> np.ndarray:
    """Corners of a rectangle: `axes` are those it spans; `level` of the third."""
    place = ["xyz".index(axis) for axis in axes]
    corners = np.zeros((4, 3), np.float32)
    corners[:, 3 - sum(place)] = level
    corners[:, place[0]] = (left, right, right, left)
    corners[:, place[1]] = (low, low, high, high)
    return corners


STEEL, BEAM, TYRE = range(3)


def _struts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends `[n, 2, 3]`, half widths and materials of the under-carriage."""
    rows = []
    for y in (0.62, -0.62):
        for sign in (-1.0, 1.0):
            outer, inner = sign * 1.12, sign * 0.47
            rows += [
                ((outer, y, 0.0), (outer, y, 0.72), 0.028, STEEL),
                ((inner, y, 0.1), (inner, y, 0.72), 0.028, STEEL),
                ((outer, y, 0.43), (inner, y, 0.43), 0.022, BEAM),
                ((inner - 0.22, y, 0.12), (inner + 0.22, y, 0.12), 0.022, BEAM),
                ((inner - 0.18, y, 0.0), (inner - 0.18, y, 0.09), 0.038, TYRE),
                ((inner + 0.18, y, 0.0), (inner + 0.18, y, 0.09), 0.038, TYRE),
            ]
    for sign in (-1.0, 1.0):
        at = sign * 0.47
        rows.append(((at, -0.62, 0.12), (at, 0.62, 0.12), 0.02, BEAM))
        rows.append(((sign * 1.12, 0.62, 0.7), (at, 0.62, 0.43), 0.018, BEAM))
    ends = np.array([row[:2] for row in rows], np.float32)
    return ends, np.array([row[2] for row in rows]), np.array([row[3] for row in rows])


def struts(
    camera: Camera,
    ends_m: Float[Array, "n 2 3"],
    half_m: Float[Array, " n"],
    value: Float[Array, "n 7"],
    alpha: float | Array = 1.0,
) -> Shapes:
    """Bars between points of the world: flat ends, alike from all around."""
    at, depth = camera_.project(camera, ends_m)
    way = at[:, 1] - at[:, 0]
    way = way / jnp.sqrt(jnp.sum(way**2, axis=-1, keepdims=True) + 1e-6)
    normal = jnp.stack([-way[:, 1], way[:, 0]], axis=-1)
    half = half_m[:, None] * camera.focal_px / jnp.maximum(depth, 0.3)
    out = normal[:, None] * half[..., None]
    # Around the bar: out on one side, back on the other.
    corners = jnp.concatenate([at - out, (at + out)[:, ::-1]], axis=1)
    return primitives.quads(corners, value, alpha=alpha)


def facing(camera: Camera) -> tuple[Array, Array]:
    """Signs of the x and the y of the sides of the table that the camera sees."""
    x, y = camera.position_m[0], camera.position_m[1]
    return jnp.where(x < 0.0, -1.0, 1.0), jnp.where(y < 0.0, -1.0, 1.0)


BLUES = ((26.0, 32.0, 172.0), (30.0, 60.0, 150.0), (14.0, 84.0, 60.0))
MORE = ((20, 70, 150), (36, 110, 190), (20, 96, 70), (60, 58, 70), (24, 40, 90))
MORE += ((30, 30, 36), (16, 110, 120), (120, 34, 60))
LEGS = ((58, 62, 46), (150, 152, 150), (30, 32, 36), (140, 60, 170), (40, 70, 150))
LETTERS = 5
"""Light strokes at either end of the apron, as of a maker's name."""


def colours(draws: Uniforms, gain, variety) -> dict[str, Float[Array, " 3"]]:
    """The palette of a table and its net."""
    u = draws.take(12)
    plain = jnp.array(BLUES)[jnp.searchsorted(jnp.array([0.65, 0.85]), u[0])]
    more = jnp.array(MORE, jnp.float32)
    free = more[jnp.floor(u[1] * len(MORE)).astype(jnp.int32)]
    free = free * (1.0 + 0.35 * (u[8:11] - 0.4))
    top = jnp.where(u[2] < 0.75 * variety, 0.8 * free, plain) * (0.9 + 0.2 * u[3])
    legs = jnp.array(LEGS, jnp.float32)
    varied = legs[jnp.floor(u[4] * len(LEGS)).astype(jnp.int32)]
    steel = jnp.where(u[5] < 0.7 * variety, varied, legs[0])
    line = jnp.array([170.0, 190.0, 190.0])
    white = jnp.where(u[6] < 0.6 * variety, jnp.array([205.0, 205.0, 200.0]), line)
    pink = jnp.array([214.0, 80.0, 190.0])
    palette = {
        "top": top,
        "steel": steel,
        "beam": 0.93 * steel,
        "tyre": jnp.array([17.0, 19.0, 20.0]),
        "line": jnp.where(u[7] < 0.08 * variety, pink, white),
        "apron": jnp.array([44.0, 48.0, 42.0]),
        "edge": jnp.array([17.0, 19.0, 20.0]),
        "letter": jnp.array([96.0, 100.0, 98.0]),
        "cloth": jnp.array([22.0, 26.0, 40.0]),
        "cord": line,
    }
    return {name: jnp.minimum(c * gain, 250.0) for name, c in palette.items()}


def _letters() -> np.ndarray:
    """Corners of the strokes of a name at either end of the apron, facing -y."""
    low, strokes = TOP_Z - 0.057, []
    for start in (-1.28, 1.02):
        for k in range(LETTERS):
            left, tall = start + 0.052 * k, 0.018 + 0.007 * (k % 3 == 0)
            strokes.append(
                _rectangle("xz", -HALF_Y, left, low, left + 0.034, low + tall)
            )
    return np.stack(strokes)


def _quads(
    camera: Camera, corners_m, ink, palette, label, alpha: float | Array = 1.0
) -> Shapes:
    pixels, _ = camera_.project(camera, corners_m)
    value = primitives.material(jnp.stack([palette[name] for name in ink]), label)
    return primitives.quads(pixels, value, alpha=alpha)


def shapes(
    camera: Camera, palette: dict[str, Float[Array, " 3"]], mesh: Float[Array, ""]
) -> Shapes:
    """Under-carriage, top with its lines, apron, net; in order, for any camera above.

    mesh: opacity of the net below its cord.
    """
    ends, half, kinds = _struts()
    metal = jnp.stack([palette[name] for name in ("steel", "beam", "tyre")])
    legs = struts(
        camera, jnp.asarray(ends), jnp.asarray(half), primitives.material(metal[kinds])
    )
    depth = camera_.project(camera, jnp.asarray(ends.mean(axis=1)))[1]
    order = jnp.argsort(-depth)
    legs = Shapes(*(getattr(legs, name)[order] for name in legs.__dataclass_fields__))

    rim, below = field.EDGE_LINE_M, TOP_Z - EDGE_M
    x_sign, y_sign = facing(camera)
    flat = [
        (-HALF_X, -HALF_Y, HALF_X, HALF_Y, "top"),
        (-HALF_X, -0.0015, HALF_X, 0.0015, "line"),
        (-HALF_X, HALF_Y - rim, HALF_X, HALF_Y, "line"),
        (-HALF_X, -HALF_Y, HALF_X, rim - HALF_Y, "line"),
        (-HALF_X, -HALF_Y, rim - HALF_X, HALF_Y, "line"),
        (HALF_X - rim, -HALF_Y, HALF_X, HALF_Y, "line"),
    ]
    plates = np.stack([_rectangle("xy", TOP_Z, *row[:4]) for row in flat])
    top = _quads(camera, jnp.asarray(plates), [r[4] for r in flat], palette, "table")

    low = TOP_Z - APRON_M
    long = np.stack(
        [
            _rectangle("xz", -HALF_Y, -HALF_X, below, HALF_X, TOP_Z),
            _rectangle("xz", -HALF_Y, -HALF_X, low, -0.03, below),
            _rectangle("xz", -HALF_Y, 0.03, low, HALF_X, below),
            *_letters(),
        ]
    )
    short = np.stack(
        [
            _rectangle("yz", HALF_X, -HALF_Y, below, HALF_Y, TOP_Z),
            _rectangle("yz", HALF_X, -HALF_Y, low, HALF_Y, below),
        ]
    )
    one = jnp.ones(())
    sides = jnp.concatenate(
        [
            long * jnp.stack([one, -y_sign, one])[None, None],
            short * jnp.stack([x_sign, one, one])[None, None],
        ]
    )
    outside = jnp.abs(camera.position_m[:2]) > jnp.array([HALF_X, HALF_Y])
    shown = jnp.concatenate(
        [
            jnp.full(len(long), outside[1].astype(jnp.float32)),
            jnp.full(len(short), outside[0].astype(jnp.float32)),
        ]
    )
    ink = ["edge", "apron", "apron"] + ["letter"] * (2 * LETTERS) + ["edge", "apron"]
    aprons = _quads(camera, sides, ink, palette, "table", shown)

    cord, clamp = CORD_Z - 0.015, TOP_Z - 0.1
    net = np.stack(
        [
            _rectangle("yz", 0.0, -POST_Y, TOP_Z, POST_Y, cord),
            _rectangle("yz", 0.0, -POST_Y, cord, POST_Y, CORD_Z),
        ]
    )
    cloth = _quads(
        camera,
        jnp.asarray(net),
        ["cloth", "cord"],
        palette,
        "net",
        jnp.stack([mesh, one]),
    )
    # The post beyond the table ends at its top: what is lower is hidden.
    near, far = y_sign * POST_Y, -y_sign * POST_Y
    bottom = jnp.where(outside[1], clamp, TOP_Z - 0.06)
    posts = jnp.stack(
        [
            jnp.stack([0 * one, far, TOP_Z * one]),
            jnp.stack([0 * one, far, CORD_Z * one]),
            jnp.stack([0 * one, near, bottom]),
            jnp.stack([0 * one, near, CORD_Z * one]),
            jnp.stack([0 * one, near - 0.02 * y_sign, bottom]),
            jnp.stack([0 * one, near - 0.02 * y_sign, TOP_Z * one]),
        ]
    ).reshape(3, 2, 3)
    value = primitives.material(jnp.broadcast_to(palette["edge"], (3, 3)), "net")
    bars = struts(camera, posts, jnp.array([0.011, 0.012, 0.028]), value)
    return primitives.concatenate(legs, top, aprons, cloth, bars)


def draw(
    draws: Uniforms,
    camera: Camera,
    push_m: Float[Array, " 2"],
    gain: Float[Array, ""],
    variety: Float[Array, ""],
) -> Shapes:
    """The table before and after it is pushed: `[2, n]` shapes."""
    palette = colours(draws, gain, variety)
    mesh = 0.78 - 0.25 * variety * draws.take()

    # A table that is moved one way looks like one from which the camera moves away.
    def seen(shift):
        return shapes(
            dataclasses.replace(camera, position_m=camera.position_m - shift),
            palette,
            mesh,
        )

    shift = jnp.concatenate([push_m, jnp.zeros(1)])
    return jax.vmap(seen)(jnp.stack([jnp.zeros(3), shift]))
