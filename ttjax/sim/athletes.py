"""Basketball players: bodies from the angles of a pose, painted as tapered capsules.

Lengths are shares of a person's height, after Drillis & Contini (1966), rounded. A
body's own axes are forward, left, up; angles are in radians.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from ttjax.geometry import camera as camera_
from ttjax.geometry.camera import Camera
from ttjax.scenes import JOINTS, MIRRORED
from ttjax.sim import primitives
from ttjax.sim.poses import ANGLES, ARM, LEG
from ttjax.sim.primitives import Shapes

THIGH, SHIN, ANKLE, FOOT = 0.245, 0.246, 0.039, 0.11
TRUNK, NECK = 0.288, 0.115
UPPER_ARM, FOREARM, HAND = 0.172, 0.157, 0.06
HIPS, SHOULDERS = 0.05, 0.105
"""Half distances between the joints of left and right."""

LOOKS = ("skin", "hair", "shirt", "sleeve", "shorts", "leg", "sock", "shoe", "trim")
"""Rows of a person's colours."""


@flax.struct.dataclass
class Body:
    """A person's points, in metres of the world or, before `place`, of the body.

    joints: the 17 of COCO. hands, toes, heels: left, right. neck: between the
    shoulders. head: its centre. face: direction of the nose, horizontal.
    """

    joints: Float[Array, "*n 17 3"]
    hands: Float[Array, "*n 2 3"]
    toes: Float[Array, "*n 2 3"]
    heels: Float[Array, "*n 2 3"]
    neck: Float[Array, "*n 3"]
    head: Float[Array, "*n 3"]
    face: Float[Array, "*n 3"]


SIDES = np.array([1.0, -1.0], np.float32)
"""Left and right, along the body's second axis."""


def _towards(forward: Float[Array, " 2"], aside: Float[Array, " 2"]):
    """Unit vectors from hanging down, swung forward and then outwards: left, right."""
    swung = jnp.cos(aside)
    return jnp.stack(
        [jnp.sin(forward) * swung, SIDES * jnp.sin(aside), -jnp.cos(forward) * swung],
        axis=-1,
    )


def body(
    angles: Float[Array, " 18"], height_m: Float[Array, ""], mirrored: Bool[Array, ""]
) -> Body:
    """A pose in the body's own axes; the lower foot is on the floor or `jump` above."""
    lean, twist, turn, jump = angles[:4]
    legs, arms = angles[len(ANGLES) :], angles[len(ANGLES) + 2 * len(LEG) :]
    thigh, wide, bent = legs[: 2 * len(LEG)].reshape(2, len(LEG)).T
    swing, out, bend, spread = arms.reshape(2, len(ARM)).T
    zero = jnp.zeros(())
    spine = jnp.stack([jnp.sin(lean), zero, jnp.cos(lean)])
    chest = TRUNK * spine
    up = jnp.array([0.0, 0.0, 1.0])
    head = chest + NECK * (0.6 * spine + 0.4 * up)
    # Rows: the shoulders', then the head's own axes.
    level = jnp.stack([twist, turn + 0.5 * twist])
    flat = jnp.zeros(2)
    ahead = jnp.stack([jnp.cos(level), jnp.sin(level), flat], axis=-1)
    beside = jnp.stack([-jnp.sin(level), jnp.cos(level), flat], axis=-1)
    face = ahead[1]

    def pair(middle, aside):
        return middle[None] + SIDES[:, None] * aside[None]

    hip = pair(jnp.zeros(3), jnp.array([0.0, HIPS, 0.0]))
    knee = hip + THIGH * _towards(thigh, wide)
    ankle = knee + SHIN * _towards(thigh - bent, 0.4 * wide)
    slope = jnp.clip(thigh - bent, -1.1, 0.35)
    foot = jnp.stack([jnp.cos(slope), 0.25 * SIDES, jnp.sin(slope)], axis=-1)
    sole = jnp.stack([0.4 * jnp.sin(slope), flat, -jnp.cos(slope)], axis=-1)
    toe = ankle + FOOT * foot + 0.6 * ANKLE * sole
    heel = ankle - 0.015 * foot + 0.5 * ANKLE * sole
    shoulder = pair(chest, SHOULDERS * beside[0])
    elbow = shoulder + UPPER_ARM * _towards(swing, out)
    way = _towards(swing + bend, spread)
    wrist = elbow + FOREARM * way
    eye = pair(head + 0.021 * face + 0.008 * up, 0.013 * beside[1])
    ear = pair(head - 0.002 * face, 0.027 * beside[1])
    nose = head + 0.026 * face - 0.004 * up
    limbs = (eye, ear, shoulder, elbow, wrist, hip, knee, ankle)
    made = Body(
        joints=jnp.concatenate([nose[None], *limbs]),
        hands=wrist + HAND * way,
        toes=toe,
        heels=heel,
        neck=chest,
        head=head,
        face=face,
    )
    reflected = Body(
        joints=made.joints[np.array(MIRRORED)],
        hands=made.hands[::-1],
        toes=made.toes[::-1],
        heels=made.heels[::-1],
        neck=chest,
        head=head,
        face=face,
    )
    low = jnp.minimum(toe, heel)[:, 2].min() - 0.4 * ANKLE
    lift = jnp.stack([zero, zero, jump - low])
    flip = jnp.array([1.0, -1.0, 1.0])

    def finish(ours, theirs):
        axes = (1,) * (ours.ndim - 1)
        points = jnp.where(mirrored, flip.reshape(*axes, 3) * theirs, ours)
        return height_m * (points + lift.reshape(*axes, 3))

    gaze = jnp.where(mirrored, flip * face, face)
    return jax.tree.map(finish, made, reflected).replace(face=gaze)


def place(person: Body, root_m: Float[Array, " 2"], yaw: Float[Array, ""]) -> Body:
    """The body with its hips above a point of the floor, facing `yaw` from +x to +y."""
    cos, sin = jnp.cos(yaw), jnp.sin(yaw)

    def turn(points):
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        return jnp.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)

    root = jnp.concatenate([root_m, jnp.zeros(1)])
    moved = jax.tree.map(
        lambda points: turn(points) + jnp.broadcast_to(root, points.shape), person
    )
    return moved.replace(face=turn(person.face))


_SOURCES = (
    *JOINTS,
    *(
        f"{side}_{name}"
        for name in ("hand", "toe", "heel")
        for side in ("left", "right")
    ),
    *("neck", "head", "up", "face", "front"),
)
"""What ends of capsules are sums of: points, and directions as long as the person."""


def _parts() -> list[tuple[np.ndarray, np.ndarray, float, float, int]]:
    """Capsules: start and end as weights of `_SOURCES`, radii there, row of `LOOKS`."""
    at = dict(zip(_SOURCES, np.eye(len(_SOURCES), dtype=np.float32), strict=True))
    neck, head, up, face, ahead = (at[name] for name in _SOURCES[-5:])
    hips = 0.5 * (at["left_hip"] + at["right_hip"])
    spine = neck - hips
    skin, hair, shirt, sleeve, shorts, leg, sock, shoe, trim = range(len(LOOKS))
    middle = hips + 0.62 * spine
    parts = [
        (at["left_hip"], at["right_hip"], 0.052, 0.052, shorts),
        (hips + 0.1 * spine, middle, 0.058, 0.066, shirt),
        (
            at["left_shoulder"] - 0.02 * up,
            at["right_shoulder"] - 0.02 * up,
            0.034,
            0.034,
            shirt,
        ),
        (neck, head - 0.03 * up, 0.026, 0.024, skin),
        (
            head - 0.016 * up + 0.008 * face,
            head + 0.008 * up + 0.01 * face,
            0.032,
            0.036,
            skin,
        ),
        (
            head + 0.016 * up - 0.008 * face,
            head + 0.012 * up - 0.01 * face,
            0.039,
            0.039,
            hair,
        ),
        (
            middle + 0.056 * ahead + 0.1 * spine,
            middle + 0.056 * ahead - 0.2 * spine,
            0.021,
            0.021,
            trim,
        ),
        (
            middle - 0.056 * ahead + 0.12 * spine,
            middle - 0.056 * ahead - 0.22 * spine,
            0.026,
            0.026,
            trim,
        ),
    ]
    for side in ("left", "right"):
        shoulder, elbow, wrist, hip, knee, ankle = (
            at[f"{side}_{name}"]
            for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        )
        low = knee + 0.22 * (hip - knee)
        parts += [
            (hip + 0.1 * spine, shoulder - 0.12 * spine, 0.042, 0.042, shirt),
            (hip, low, 0.056, 0.05, shorts),
            (low, knee + 0.3 * (ankle - knee), 0.036, 0.031, leg),
            (knee + 0.2 * (ankle - knee), ankle, 0.032, 0.021, sock),
            (at[f"{side}_heel"], at[f"{side}_toe"], 0.026, 0.018, shoe),
            (shoulder, elbow, 0.03, 0.024, sleeve),
            (elbow, wrist, 0.023, 0.017, skin),
            (wrist, at[f"{side}_hand"], 0.019, 0.02, skin),
        ]
    return parts


_PARTS = _parts()
_ENDS = np.array([[part[0], part[1]] for part in _PARTS])
_RADII = np.array([part[2:4] for part in _PARTS], np.float32)
_ROWS = np.array([part[4] for part in _PARTS])
PARTS = len(_PARTS)
"""Capsules of a person."""


def _ends(person: Body, height_m: Float[Array, ""]) -> Float[Array, "n 2 3"]:
    """Where the capsules of a person begin and end."""
    at = person.joints
    hips = 0.5 * (at[JOINTS.index("left_hip")] + at[JOINTS.index("right_hip")])
    across = at[JOINTS.index("left_shoulder")] - at[JOINTS.index("right_shoulder")]
    front = jnp.cross(across, person.neck - hips)
    front = front / jnp.sqrt(jnp.sum(front**2) + 1e-9)
    alone = (person.neck, person.head, jnp.array([0.0, 0.0, 1.0]), person.face, front)
    size = jnp.ones(5).at[2:].set(height_m)
    points = [at, person.hands, person.toes, person.heels]
    sources = jnp.concatenate([*points, jnp.stack(alone) * size[:, None]])
    return jnp.einsum("pek,kc->pec", _ENDS, sources, precision="highest")


@flax.struct.dataclass
class Painted:
    """A person's capsules, the farthest first, with where they are.

    shapes: `value` is red, green, blue, the owner's id, zeros.
    box_px: of all of them, exact: x0 y0 x1 y1.
    """

    shapes: Shapes
    box_px: Float[Array, "*n 4"]


def paint(
    camera: Camera,
    person: Body,
    height_m: Float[Array, ""],
    looks: Float[Array, "9 3"],
    shade: Float[Array, " 2"],
    *,
    owner: Int32[Array, ""],
    shown: Bool[Array, ""],
) -> Painted:
    """`PARTS` capsules of a person of the world; transparent unless `shown`."""
    at_px, depth = camera_.project(camera, _ends(person, height_m))
    radii_px = height_m * _RADII * camera.focal_px / jnp.maximum(depth, 0.5)
    rows = looks[_ROWS]
    value = values(rows, owner)
    shapes = primitives.capsules(
        at_px[:, 0],
        at_px[:, 1],
        radii_px,
        value,
        shade=jnp.broadcast_to(shade, (PARTS, 2)),
        alpha=jnp.broadcast_to(jnp.where(shown, 1.0, 0.0), (PARTS,)),
    )
    order = jnp.argsort(-depth.mean(axis=1))
    low = (at_px - radii_px[..., None]).min(axis=(0, 1))
    high = (at_px + radii_px[..., None]).max(axis=(0, 1))
    return Painted(
        shapes=jax.tree.map(lambda leaf: leaf[order], shapes),
        box_px=jnp.concatenate([low, high]),
    )


def values(colour: Float[Array, "*n 3"], owner: Array | int) -> Float[Array, "*n 7"]:
    """The planes of a material of this colour (0-255) that belongs to an owner."""
    leading = colour.shape[:-1]
    one = jnp.broadcast_to(jnp.asarray(owner, jnp.float32), (*leading, 1))
    rest = len(primitives.PLANES) - 4
    return jnp.concatenate([colour, one, jnp.zeros((*leading, rest))], axis=-1)
