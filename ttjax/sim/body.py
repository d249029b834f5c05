"""Articulated people: joints from a few targets, bodies as tapered capsules."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.geometry import camera as camera_
from ttjax.geometry import fields_of_play as field
from ttjax.geometry.camera import Camera
from ttjax.sim import primitives
from ttjax.sim.primitives import Shapes

UPPER_ARM_M, FOREARM_M = 0.30, 0.30
THIGH_M, SHIN_M = 0.44, 0.45
LOOKS = ("skin", "hair", "shirt", "sleeve", "shorts", "shoe", "racket", "trim")
"""Rows of a person's colours."""


def _bend(
    root: Float[Array, " 3"],
    tip: Float[Array, " 3"],
    upper: float | Array,
    lower: float | Array,
    hint: Float[Array, " 3"],
) -> tuple[Float[Array, " 3"], Float[Array, " 3"]]:
    """Middle joint and reached tip of a two-bone limb that bends towards `hint`."""
    line = tip - root
    distance = jnp.sqrt(jnp.sum(line**2) + 1e-9)
    reach = jnp.clip(distance, 0.12, 0.995 * (upper + lower))
    axis = line / distance
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = jnp.sqrt(jnp.maximum(upper**2 - along**2, 1e-6))
    side = hint - jnp.sum(hint * axis) * axis
    side = side / jnp.sqrt(jnp.sum(side**2) + 1e-9)
    return root + along * axis + out * side, root + reach * axis


def player(
    camera: Camera,
    root_m: Float[Array, " 2"],
    hand_m: Float[Array, " 3"],
    side: Float[Array, ""],
    crouch: Float[Array, ""],
    colours: Float[Array, "8 3"],
    *,
    height: Float[Array, ""],
) -> Shapes:
    """18 shapes of a player of `side` (-1 left, 1 right), far parts first.

    root_m: on the floor below the hips; hand_m: where the racket should be; crouch: 0
    for standing upright to 1 for deep; height: relative to 1.75 m.
    """
    forward = jnp.stack([-side, jnp.zeros(()), jnp.zeros(())])
    away = jnp.array([0.0, 1.0, 0.0])
    up = jnp.array([0.0, 0.0, 1.0])
    base = jnp.concatenate([root_m, jnp.zeros(1)])
    hips = base + height * (0.93 - 0.2 * crouch) * up - 0.1 * crouch * forward
    lean = 0.1 + 0.4 * crouch
    spine = jnp.cos(lean) * up + jnp.sin(lean) * forward
    chest = hips + height * 0.30 * spine
    neck = hips + height * 0.50 * spine
    head = neck + height * 0.17 * up + 0.06 * forward
    stance = 0.13 + 0.16 * crouch
    joints = []
    for sign in (1.0, -1.0):
        hip = hips + sign * 0.09 * away
        ankle = base + sign * stance * away + 0.09 * up + sign * 0.14 * crouch * forward
        knee, ankle = _bend(
            hip, ankle, height * THIGH_M, height * SHIN_M, forward + 0.2 * sign * away
        )
        shoulder = neck - 0.04 * spine + sign * 0.19 * away
        rest = hips + 0.32 * forward + sign * 0.26 * away + 0.12 * up
        goal = rest if sign > 0 else hand_m
        elbow, hand = _bend(
            shoulder, goal, UPPER_ARM_M, FOREARM_M, -up - 0.5 * forward + sign * away
        )
        joints.append((hip, knee, ankle, shoulder, elbow, hand))
    far, near = joints
    toe = 0.17 * forward - 0.03 * up
    reach = 0.8 * forward + 0.35 * up - 0.3 * away
    grip, blade = near[5] + 0.06 * reach, near[5] + 0.14 * reach
    skin, hair, shirt, sleeve, shorts, shoe, racket, trim = range(8)
    crown = head + 0.045 * up - 0.015 * forward
    parts = (
        (far[3], far[4], 0.062, 0.05, sleeve),
        (far[4], far[5], 0.045, 0.034, skin),
        (far[1], far[2], 0.062, 0.042, skin),
        (far[2] - 0.04 * up, far[2] + toe, 0.05, 0.04, shoe),
        (far[0], far[1], 0.11, 0.085, shorts),
        (near[1], near[2], 0.062, 0.042, skin),
        (near[2] - 0.04 * up, near[2] + toe, 0.05, 0.04, shoe),
        (near[0], near[1], 0.115, 0.088, shorts),
        (hips, chest, 0.15, 0.165, shirt),
        (chest, neck - 0.07 * spine, 0.165, 0.14, shirt),
        (hips - 0.1 * away, chest - 0.1 * away, 0.02, 0.02, trim),
        (neck, head - 0.06 * up, 0.055, 0.055, skin),
        (crown - 0.02 * forward, crown, 0.1, 0.098, hair),
        (head - 0.05 * up, head + 0.02 * up, 0.085, 0.09, skin),
        (near[3], near[4], 0.07, 0.052, sleeve),
        (near[4], near[5], 0.045, 0.036, skin),
        (near[5] - 0.02 * forward, grip, 0.016, 0.016, hair),
        (grip, blade, 0.052, 0.064, racket),
    )
    start, start_depth = camera_.project(camera, jnp.stack([p[0] for p in parts]))
    end, _ = camera_.project(camera, jnp.stack([p[1] for p in parts]))
    radii = jnp.array([[p[2], p[3]] for p in parts], jnp.float32)
    radii = radii * (camera.focal_px / jnp.maximum(start_depth, 0.5))[:, None]
    rows = jnp.stack([colours[p[4]] for p in parts])
    shapes = primitives.capsules(start, end, radii, primitives.material(rows, "humans"))
    middle = jnp.stack([0.5 * (p[0] + p[1]) for p in parts])
    low = middle[:, 2] < field.TABLE_HEIGHT_M
    behind = low & (middle[:, 1] > -0.5 * field.TABLE_WIDTH_M)
    return dataclasses.replace(
        shapes, behind=shapes.behind.at[:, 0].set(behind.astype(jnp.float32))
    )


PLAYER_SHAPES = 18


def official(
    camera: Camera, seat_m: Float[Array, " 3"], colours: Float[Array, "8 3"]
) -> Shapes:
    """Seven shapes of a seated umpire, seen from the front, the desk hides the rest."""
    up = jnp.array([0.0, 0.0, 1.0])
    right = jnp.array([1.0, 0.0, 0.0])
    near = jnp.array([0.0, -1.0, 0.0])
    neck = seat_m + 0.58 * up
    head = neck + 0.17 * up
    skin, hair, shirt, sleeve, trim = 0, 1, 2, 3, 7
    left, other = neck - 0.2 * right - 0.07 * up, neck + 0.2 * right - 0.07 * up
    parts = (
        (seat_m, neck - 0.14 * up, 0.2, 0.17, shirt),
        (left, left - 0.1 * right - 0.3 * up, 0.07, 0.06, sleeve),
        (other, other + 0.1 * right - 0.3 * up, 0.07, 0.06, sleeve),
        (neck - 0.1 * up + near * 0.1, neck - 0.3 * up, 0.045, 0.02, trim),
        (neck - 0.04 * up, head - 0.07 * up, 0.05, 0.05, skin),
        (head + 0.05 * up, head + 0.04 * up, 0.1, 0.1, hair),
        (head - 0.04 * up, head, 0.078, 0.085, skin),
    )
    start, depth = camera_.project(camera, jnp.stack([p[0] for p in parts]))
    end, _ = camera_.project(camera, jnp.stack([p[1] for p in parts]))
    radii = jnp.array([[p[2], p[3]] for p in parts], jnp.float32)
    radii = radii * (camera.focal_px / jnp.maximum(depth, 0.5))[:, None]
    rows = jnp.stack([colours[p[4]] for p in parts])
    return primitives.capsules(start, end, radii, primitives.material(rows, "humans"))
