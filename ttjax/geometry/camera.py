"""A pinhole camera: points of the world to pixels, pixels to rays."""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Float

NEAR_M = 0.05
"""Points closer to the image plane than this are projected as if they were there."""


@flax.struct.dataclass
class Camera:
    """A pinhole.

    rotation: rows are the camera's axes (right, down, forward) in the world.
    position_m: centre of projection in the world, z up.
    focal_px, centre_px: focal length and principal point, in pixels of the source
    frame.
    """

    rotation: Float[Array, "*n 3 3"]
    position_m: Float[Array, "*n 3"]
    focal_px: Float[Array, "*n"]
    centre_px: Float[Array, "*n 2"]


def look(
    position_m: Float[Array, " 3"],
    *,
    yaw: Float[Array, ""],
    pitch: Float[Array, ""],
    roll: Float[Array, ""],
    focal_px: Float[Array, ""],
    centre_px: Float[Array, " 2"],
) -> Camera:
    """A camera that looks along +y, turned in radians.

    Positive `yaw` turns it to +x (right), positive `pitch` downwards, positive `roll`
    clockwise as seen from behind the camera.
    """
    sin_yaw, cos_yaw = jnp.sin(yaw), jnp.cos(yaw)
    sin_pitch, cos_pitch = jnp.sin(pitch), jnp.cos(pitch)
    sin_roll, cos_roll = jnp.sin(roll), jnp.cos(roll)
    right = jnp.stack([cos_yaw, -sin_yaw, jnp.zeros_like(yaw)])
    level = jnp.stack([sin_yaw, cos_yaw, jnp.zeros_like(yaw)])
    up = jnp.array([0.0, 0.0, 1.0], jnp.float32)
    forward = cos_pitch * level - sin_pitch * up
    down = -sin_pitch * level - cos_pitch * up
    rows = (cos_roll * right + sin_roll * down, cos_roll * down - sin_roll * right)
    return Camera(
        rotation=jnp.stack([*rows, forward]),
        position_m=position_m,
        focal_px=focal_px,
        centre_px=centre_px,
    )


def project(
    camera: Camera, xyz_m: Float[Array, "*n 3"]
) -> tuple[Float[Array, "*n 2"], Float[Array, "*n"]]:
    """Pixels of points of the world, and their depth in metres along the view axis.

    Points behind the camera have a negative depth; their pixels mean nothing.
    """
    centred = xyz_m - jnp.broadcast_to(camera.position_m, xyz_m.shape)
    seen = jnp.einsum("...j,ij->...i", centred, camera.rotation, precision="highest")
    depth = seen[..., 2]
    scale = camera.focal_px / jnp.maximum(depth, NEAR_M)
    centre = jnp.broadcast_to(camera.centre_px, (*depth.shape, 2))
    return centre + seen[..., :2] * scale[..., None], depth


def ray(camera: Camera, xy_px: Float[Array, "*n 2"]) -> Float[Array, "*n 3"]:
    """Directions in the world, of unit depth, of the rays through pixels."""
    centre = jnp.broadcast_to(camera.centre_px, xy_px.shape)
    plane = (xy_px - centre) / camera.focal_px
    seen = jnp.concatenate([plane, jnp.ones_like(plane[..., :1])], axis=-1)
    return jnp.einsum("...i,ij->...j", seen, camera.rotation, precision="highest")


def on_height(
    camera: Camera, xy_px: Float[Array, "*n 2"], height_m: float
) -> Float[Array, "*n 3"]:
    """Where the rays through pixels meet the horizontal plane `z = height_m`."""
    direction = ray(camera, xy_px)
    steps = (height_m - camera.position_m[2]) / direction[..., 2]
    start = jnp.broadcast_to(camera.position_m, direction.shape)
    return start + steps[..., None] * direction
