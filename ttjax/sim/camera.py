"""The cameras of a hall: where they stand, and how large they show the table.

Each rig is a place around the table, drawn at random from its ranges. Whatever is
drawn, the whole table with its net is in the picture.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from ttjax.geometry import camera as camera_
from ttjax.geometry import fields_of_play as field
from ttjax.geometry.camera import Camera
from ttjax.sim.draws import Uniforms

SOURCE_HW = (1080, 1920)
"""The frame for which focal length and position were derived from the real clips."""

RIGS = ("side", "diagonal", "behind", "broadcast", "phone", "far_side")
"""Places of the camera; a rig is told by its index. `side` and `far_side` stand at
either long side of the table."""

_RANGES = ("azimuth", "distance", "height", "aim_x", "aim_y", "aim_z", "fill")
_ROAMING = {
    "diagonal": ((24, 66), (4.6, 8.0), (1.6, 3.4), (0.0, 0.3), (0, 0.3), (0.75, 1.15)),
    "behind": ((74, 90), (4.4, 7.0), (1.9, 3.6), (0.0, 0.6), (0, 0.15), (0.7, 1.05)),
    "broadcast": ((1, 80), (9.0, 20.0), (5.0, 8.6), (0, 0.2), (0, 0.3), (0.4, 0.9)),
    "phone": ((4, 62), (3.0, 4.6), (1.15, 1.8), (0.0, 0.4), (0, 0.3), (0.65, 1.0)),
}
_FILL = {
    "diagonal": (0.46, 0.76),
    "behind": (0.4, 0.7),
    "broadcast": (0.3, 0.62),
    "phone": (0.52, 0.84),
}
"""Azimuth from the side towards either end in degrees, level distance from the table's
centre and height in metres, the point that is aimed at (either way in x and y), and the
share of the picture that the table may take, along the tighter axis."""
_ROLL_DEG = (0.9, 1.5, 1.2, 0.6, 5.0, 0.9)
_LENS = (0.03, 0.05, 0.05, 0.02, 0.08, 0.03)
"""Largest |k1| of each rig."""
MARGIN = 0.92
"""The table is never larger than this share of the picture."""
REFERENCE_Z_M = (0.62, field.TABLE_HEIGHT_M + field.NET_HEIGHT_M)


def _table_points() -> np.ndarray:
    """Corners of the table top and ends of the net, `[n, 3]`."""
    x, y = field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2
    post = y + field.NET_OVERHANG_M
    low, high = REFERENCE_Z_M
    rows = [(a, b, z) for a in (-x, x) for b in (-y, y) for z in (low, 0.76)]
    rows += [(0.0, b, z) for b in (-post, post) for z in (low, high)]
    return np.array(rows, np.float32)


def largest_focal_px(camera: Camera, source_hw: Int32[Array, " 2"]) -> Float[Array, ""]:
    """The focal length at which the table touches the border of the picture.

    Of `camera` only position and rotation matter; the centre is that of the picture.
    """
    points = jnp.asarray(_table_points()) - camera.position_m[None]
    seen = jnp.einsum("nj,ij->ni", points, camera.rotation, precision="highest")
    plane = jnp.abs(seen[:, :2]) / jnp.maximum(seen[:, 2:], camera_.NEAR_M)
    half = source_hw[::-1].astype(jnp.float32) / 2
    return jnp.min(half / plane.max(axis=0))


def _between(ranges: np.ndarray, rig, uniform):
    """Values of the rig's ranges `[rig, n, 2]`."""
    low, high = jnp.moveaxis(jnp.asarray(ranges, jnp.float32)[rig], -1, 0)
    return low + (high - low) * uniform


def _roaming() -> np.ndarray:
    """Ranges of every rig; those of the sides are not used."""
    rows = [
        (*_ROAMING[name], _FILL[name]) if name in _ROAMING else ((0, 1),) * 7
        for name in RIGS
    ]
    return np.array(rows, np.float32)


def draw(
    draws: Uniforms,
    source_hw: tuple[int, int] | Int32[Array, " 2"] = SOURCE_HW,
    rig: int | Int32[Array, ""] = 0,
    variety: float | Float[Array, ""] = 0.0,
) -> Camera:
    """A camera of the rig `RIGS[rig]` for pictures of `source_hw`.

    The side camera without `variety` is that of OpenTTGames: about 3.4 m from the near
    edge of the table, pitched 10.8 degrees down. Pixels are square. `variety` widens
    the ranges and adds roll and distortion.
    """
    source_hw = jnp.asarray(source_hw, jnp.int32)
    rig = jnp.asarray(rig, jnp.int32)
    variety = jnp.asarray(variety, jnp.float32)
    u = draws.take(8, low=-1.0)
    wide = draws.take(8, low=-1.0)
    place = draws.take(len(_RANGES))
    turn = jnp.where(draws.take(3) < 0.5, -1.0, 1.0)
    lens = draws.take(3, low=-1.0)
    scale = source_hw[1].astype(jnp.float32) / SOURCE_HW[1]

    # The side cameras. Not from mid-table: the net would be seen edge-on, as a line.
    side = jnp.where(u[7] < 0.0, -1.0, 1.0) * (
        0.08 + 0.2 * jnp.abs(u[0]) + 0.5 * variety * jnp.abs(wide[0])
    )
    level = jnp.stack([side, -4.15 + 0.2 * u[1] - variety * (0.1 + 0.5 * wide[1])])
    up = 1.8 + 0.12 * u[2] + variety * (0.25 + 0.45 * wide[2])
    # The yaw follows the position, so that the net stays in the middle of the picture.
    yaw = -jnp.arctan2(level[0], -level[1]) + 0.025 * u[3]
    downwards = jnp.arctan2(up - 1.8, 4.15) - 0.035 + 0.045 * wide[3]
    pitch = jnp.deg2rad(10.8 + 1.0 * u[4]) + variety * downwards
    side_focal = (1400.0 + 50.0 * u[6] + 250.0 * variety * wide[4]) * scale
    opposite = rig == RIGS.index("far_side")
    flip = jnp.where(opposite, -1.0, 1.0)
    position = jnp.concatenate([flip * level, up[None]])
    yaw = yaw + jnp.where(opposite, jnp.pi, 0.0)

    # The others look at a point near the table, from all around it.
    # Broadcasts mostly look across the table: small angles are drawn most often.
    across = jnp.where(rig == RIGS.index("broadcast"), place[0] ** 2, place[0])
    place = place.at[0].set(across)
    azimuth, away, height, *aim, fill = _between(_roaming(), rig, place)
    azimuth = jnp.deg2rad(azimuth) * turn[0]
    roaming = jnp.stack([away * jnp.sin(azimuth), -away * jnp.cos(azimuth), height])
    target = jnp.stack([aim[0] * turn[1], aim[1] * turn[2], aim[2]])
    way = target - roaming
    distance = jnp.sqrt(way[0] ** 2 + way[1] ** 2)

    sideways = (rig == RIGS.index("side")) | opposite
    roll = jnp.asarray(_ROLL_DEG)[rig]
    roll = jnp.deg2rad(roll * (u[5] + variety * wide[5]))
    k1 = jnp.asarray(_LENS)[rig] * variety * lens[0]
    camera = camera_.look(
        jnp.where(sideways, position, roaming),
        yaw=jnp.where(sideways, yaw, jnp.arctan2(way[0], way[1])),
        pitch=jnp.where(sideways, pitch, jnp.arctan2(-way[2], distance)),
        roll=roll,
        focal_px=side_focal,
        centre_px=source_hw[::-1].astype(jnp.float32) / 2,
        distortion=jnp.stack([k1, 0.3 * jnp.abs(k1) * lens[1]]),
    )
    largest = largest_focal_px(camera, source_hw)
    # A pincushion lens pushes the border out of the picture.
    largest = MARGIN * largest * (1.0 - 0.5 * jnp.maximum(k1, 0.0))
    focal = jnp.where(sideways, side_focal, fill * largest)
    return dataclasses.replace(camera, focal_px=jnp.minimum(focal, largest))
