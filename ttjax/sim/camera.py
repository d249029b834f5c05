"""The side camera of a hall: where it stands, at random around that of OpenTTGames."""

import jax.numpy as jnp

from ttjax.geometry import camera as camera_
from ttjax.geometry.camera import Camera
from ttjax.sim.draws import Uniforms

SOURCE_HW = (1080, 1920)
"""The frame for which focal length and position were derived from the real clips."""


def draw(draws: Uniforms, source_hw: tuple[int, int] = SOURCE_HW) -> Camera:
    """A camera about 3.4 m from the near edge of the table, pitched 10.8 degrees down.

    Pixels are square: the field of view is that of a 1920 x 1080 frame, fitted into
    `source_hw` by its width.
    """
    u = draws.take(8, low=-1.0)
    scale = source_hw[1] / SOURCE_HW[1]
    position = jnp.stack([0.05 + 0.22 * u[0], -4.15 + 0.2 * u[1], 1.8 + 0.12 * u[2]])
    # Not from mid-table: the net would be seen edge-on, as a line.
    side = jnp.where(u[7] < 0.0, -1.0, 1.0) * (0.08 + 0.2 * jnp.abs(u[0]))
    position = position.at[0].set(side)
    # The yaw follows the position, so that the net stays in the middle of the picture.
    yaw = -jnp.arctan2(position[0], -position[1]) + 0.025 * u[3]
    centre = jnp.array([source_hw[1] / 2, source_hw[0] / 2], jnp.float32)
    return camera_.look(
        position,
        yaw=yaw,
        pitch=jnp.deg2rad(10.8 + 1.0 * u[4]),
        roll=jnp.deg2rad(0.9 * u[5]),
        focal_px=(1400.0 + 50.0 * u[6]) * scale,
        centre_px=centre,
    )
