"""Articulated people: joints from a few targets, bodies as tapered capsules."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ttjax.geometry import camera as camera_
from ttjax.geometry.camera import Camera
from ttjax.sim import primitives, table
from ttjax.sim.primitives import Shapes

UPPER_ARM_M, FOREARM_M = 0.30, 0.31
THIGH_M, SHIN_M = 0.43, 0.43
BLADE_M, GRIP_M = 0.082, 0.15
"""Half of a blade's height; from the hand to its centre."""
LOOKS = (
    "skin",
    "hair",
    "shirt",
    "sleeve",
    "shorts",
    "shoe",
    "forehand",
    "backhand",
    "trim",
    "sock",
)
"""Rows of a person's colours; the racket has two sides."""
PLAYER_SHAPES, SHADOW_SHAPES, OFFICIAL_SHAPES = 24, 2, 8


@flax.struct.dataclass
class Person:
    """How somebody looks.

    colours: 0-255, a row for each of `LOOKS`. height: relative to 1.75 m.
    handed: 1 for the right hand, -1 for the left.
    """

    colours: Float[Array, "*n 10 3"]
    height: Float[Array, "*n"]
    handed: Float[Array, "*n"]


def _unit(vector):
    return vector / jnp.sqrt(jnp.sum(vector**2, axis=-1, keepdims=True) + 1e-9)


def bend(
    root: Float[Array, "n 3"],
    tip: Float[Array, "n 3"],
    upper: float | Array,
    lower: float | Array,
    hint: Float[Array, "n 3"],
) -> tuple[Float[Array, "n 3"], Float[Array, "n 3"]]:
    """Middle joint and reached tip of two-bone limbs that bend towards `hint`."""
    line = tip - root
    distance = jnp.sqrt(jnp.sum(line**2, axis=-1, keepdims=True) + 1e-9)
    reach = jnp.clip(distance, 0.12, 0.995 * (upper + lower))
    axis = line / distance
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = jnp.sqrt(jnp.maximum(upper**2 - along**2, 1e-6))
    side = _unit(hint - jnp.sum(hint * axis, axis=-1, keepdims=True) * axis)
    return root + along * axis + out * side, root + reach * axis


def _blade(camera: Camera, centre, axis, normal):
    """A disc as the capsule that covers its ellipse: ends `[2, 2]` and radius, px."""
    across = jnp.cross(normal, axis)
    tips = jnp.stack(
        [centre, centre + BLADE_M * axis, centre + 0.92 * BLADE_M * across]
    )
    at, depth = camera_.project(camera, tips)
    a, b = at[1] - at[0], at[2] - at[0]
    half_trace = 0.5 * (jnp.sum(a**2) + jnp.sum(b**2))
    area = a[0] * b[1] - a[1] * b[0]
    spread = jnp.sqrt(jnp.maximum(half_trace**2 - area**2, 1e-9))
    major = jnp.sqrt(half_trace + spread)
    thickness = 0.009 * camera.focal_px / jnp.maximum(depth[0], 0.5)
    minor = jnp.maximum(jnp.sqrt(jnp.maximum(half_trace - spread, 0.0)), thickness)
    angle = 0.5 * jnp.arctan2(
        2.0 * (a[0] * a[1] + b[0] * b[1]), a[0] ** 2 + b[0] ** 2 - a[1] ** 2 - b[1] ** 2
    )
    way = jnp.maximum(major - minor, 0.0) * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
    return at[0] - way, at[0] + way, minor


def _painted(camera: Camera, parts, colours, order=True) -> tuple[Shapes, Array]:
    """Capsules between points of the world, far ones first; and their order.

    parts: start, end, radii (m), row of `colours`, and how many metres nearer to the
    camera than it is a part is taken to be.
    """
    start, depth = camera_.project(camera, jnp.stack([p[0] for p in parts]))
    end, end_depth = camera_.project(camera, jnp.stack([p[1] for p in parts]))
    radii = jnp.array([[p[2], p[3]] for p in parts], jnp.float32)
    ends_depth = jnp.maximum(jnp.stack([depth, end_depth], axis=1), 0.5)
    radii = radii * camera.focal_px / ends_depth
    rows = colours[np.array([p[4] for p in parts])]
    shapes = primitives.capsules(start, end, radii, primitives.material(rows, "humans"))
    nearer = np.array([p[5] for p in parts], np.float32)
    if not order:
        return shapes, jnp.arange(len(parts))
    return shapes, jnp.argsort(nearer - 0.5 * (depth + end_depth))


def _take(shapes: Shapes, order) -> Shapes:
    return jax.tree.map(lambda leaf: leaf[order], shapes)


def ankles(
    root_m: Float[Array, " 2"],
    side: Float[Array, ""],
    crouch: Float[Array, ""],
    handed: Float[Array, ""],
) -> Float[Array, "2 3"]:
    """Where a player of `side` (-1 left, 1 right) stands, the armed side first.

    root_m, crouch: as of `player`; handed: as of `Person`.
    """
    base = jnp.concatenate([root_m, jnp.full(1, 0.085)])
    signs = jnp.array([1.0, -1.0])
    across = (0.13 + 0.26 * crouch) * signs * handed * side
    along = (0.05 + 0.16 * crouch) * signs * side
    return base[None] + jnp.stack([along, across, jnp.zeros(2)], axis=-1)


def player(
    camera: Camera,
    root_m: Float[Array, " 2"],
    hand_m: Float[Array, " 3"],
    side: Float[Array, ""],
    crouch: Float[Array, ""],
    person: Person,
) -> Shapes:
    """`PLAYER_SHAPES` shapes of a player of `side` (-1 left, 1 right), far ones first.

    root_m: on the floor below the hips; hand_m: where the racket should be; crouch: 0
    for standing upright to 1 for deep.
    """
    zero = jnp.zeros(())
    up = jnp.array([0.0, 0.0, 1.0])
    ahead = jnp.stack([-side, zero, zero])
    right = jnp.stack([zero, side, zero])
    height = person.height
    armed = person.handed * right
    base = jnp.concatenate([root_m, jnp.zeros(1)])
    hips = base + height * (0.93 - 0.21 * crouch) * up - 0.14 * crouch * ahead
    # Who takes the racket back turns the chest to it.
    before = jnp.sum((hand_m - hips) * ahead)
    turn = jnp.clip(0.55 - 0.8 * before, -0.1, 1.0)

    def turned(angle):
        forward = jnp.cos(angle) * ahead + jnp.sin(angle) * armed
        return forward, jnp.cos(angle) * armed - jnp.sin(angle) * ahead

    _, hip_arm = turned(0.5 * turn)
    front, arm = turned(turn)
    lean = 0.12 + 0.8 * crouch
    spine = jnp.cos(lean) * up + jnp.sin(lean) * _unit(ahead + 0.5 * front)
    neck = hips + height * 0.50 * spine
    gaze = _unit(ahead + 0.35 * front)
    head = neck + height * (0.135 * _unit(up + 0.5 * spine) + 0.035 * gaze)

    # Limbs in pairs: the armed side first.
    signs = jnp.array([[1.0], [-1.0]])
    hip = hips[None] + 0.085 * height * signs * hip_arm[None]
    ankle = ankles(root_m, side, crouch, person.handed)
    toes = _unit(ahead[None] + 0.35 * signs * armed[None])
    knee, ankle = bend(
        hip, ankle, height * THIGH_M, height * SHIN_M, toes + 0.15 * signs * arm[None]
    )
    shoulder = (neck - 0.05 * spine)[None] + 0.175 * height * signs * arm[None]
    shaft = _unit(0.75 * ahead + 0.35 * arm + 0.3 * up)
    rest = hips + 0.36 * front - 0.2 * arm + 0.2 * up
    goal = jnp.stack([hand_m - GRIP_M * shaft, rest])
    elbow, hand = bend(
        shoulder,
        goal,
        height * UPPER_ARM_M,
        height * FOREARM_M,
        -up[None] - 0.6 * front[None] + 0.5 * signs * arm[None],
    )
    skin, hair, shirt, sleeve, shorts, shoe, fore, back, trim, sock = range(len(LOOKS))
    flank = 0.08 * height * signs * arm[None]
    pelvis = 0.06 * height * hip_arm
    low, top = hips + 0.13 * spine, neck - 0.1 * spine
    away = camera.position_m - hips
    badge = hips + 0.33 * spine + 0.1 * _unit(away - jnp.sum(away * spine) * spine)
    wrist = hand + 0.02 * _unit(hand - elbow)
    sole, toe = 0.045 * up, 0.155 * toes - 0.05 * up[None]
    parts = [
        (hips - pelvis, hips + pelvis, 0.125, 0.125, shorts, -0.01),
        (low + 0.9 * flank[0], top + flank[0], 0.112, 0.1, shirt, 0.0),
        (low + 0.9 * flank[1], top + flank[1], 0.112, 0.1, shirt, 0.0),
        (low - 0.03 * spine, neck - 0.07 * spine, 0.13, 0.085, shirt, 0.08),
        (badge - 0.05 * arm, badge + 0.05 * arm, 0.022, 0.022, trim, 0.12),
        (neck - 0.03 * spine, head - 0.03 * up, 0.056, 0.054, skin, 0.0),
        (
            head + 0.052 * up + 0.03 * gaze,
            head - 0.035 * gaze,
            0.082,
            0.086,
            hair,
            0.0,
        ),
        (
            head - 0.085 * up + 0.04 * gaze,
            head + 0.015 * up + 0.025 * gaze,
            0.05,
            0.078,
            skin,
            0.02,
        ),
    ]
    for k in (0, 1):
        cuff = shoulder[k] + 0.6 * (elbow[k] - shoulder[k])
        hem = hip[k] + 0.86 * (knee[k] - hip[k])
        calf = ankle[k] + 0.3 * (knee[k] - ankle[k])
        parts += [
            (shoulder[k], elbow[k], 0.05, 0.04, skin, 0.03),
            (shoulder[k], cuff, 0.068, 0.062, sleeve, 0.05),
            (elbow[k], wrist[k], 0.041, 0.03, skin, 0.04),
            (hip[k], hem, 0.115, 0.088, shorts, -0.02),
            (knee[k], ankle[k], 0.058, 0.038, skin, -0.02),
            (calf, ankle[k], 0.044, 0.041, sock, -0.01),
            (
                ankle[k] - sole - 0.03 * toes[k],
                ankle[k] + toe[k],
                0.046,
                0.036,
                shoe,
                0,
            ),
        ]
    grip = hand[0] + 0.08 * shaft
    parts.append((hand[0], grip, 0.036, 0.018, skin, 0.06))
    shapes, _ = _painted(camera, parts, person.colours, order=False)
    round_ = np.where([p[4] == shirt for p in parts], 0.5, 1.0)[:, None]
    shapes = dataclasses.replace(shapes, shade=shapes.shade * round_.astype(np.float32))

    # The blade stands on edge beside the hand that points it at the opponent.
    normal = _unit(jnp.cross(shaft, _unit(up + 0.35 * armed)))
    middle = hand[0] + GRIP_M * shaft
    start, end, radius = _blade(camera, middle, shaft, normal)
    seen = jnp.sum(normal * (camera.position_m - middle)) * person.handed > 0.0
    rubber = jnp.where(seen, person.colours[fore], person.colours[back])
    blade = primitives.capsules(
        start[None],
        end[None],
        jnp.stack([radius, radius])[None],
        primitives.material(rubber[None], "humans"),
        shade=(0.0, -0.08),
    )
    shapes = primitives.concatenate(shapes, blade)
    ends = jnp.stack(
        [
            jnp.stack([p[0] for p in parts] + [middle - BLADE_M * shaft]),
            jnp.stack([p[1] for p in parts] + [middle + BLADE_M * shaft]),
        ],
        axis=1,
    )
    nearer = jnp.array([p[5] for p in parts] + [0.05], jnp.float32)
    depth = camera_.project(camera, ends)[1].mean(axis=1)
    shapes = dataclasses.replace(shapes, behind=hides(camera, ends))
    return _take(shapes, jnp.argsort(nearer - depth))


def hides(camera: Camera, ends_m: Float[Array, "n 2 3"]) -> Float[Array, "n 2"]:
    """Which of some limbs lie behind the table, behind the net: 0 or 1."""
    middle = ends_m.mean(axis=1, keepdims=True)
    points = jnp.concatenate([ends_m, middle], axis=1)
    under = jnp.any(table.behind_table(camera, points), axis=1)
    beyond = table.behind_net(camera, middle[:, 0])
    return jnp.stack([under, beyond], axis=-1).astype(jnp.float32)


def shadow(camera: Camera, root_m: Float[Array, " 2"]) -> Shapes:
    """`SHADOW_SHAPES` dark spots on the floor below a player: soft, as lamps are wide.

    Paint them before the people.
    """
    zero = jnp.zeros(1)
    base = jnp.concatenate([root_m, zero])
    across = camera.rotation[0].at[2].set(0.0)
    way = 0.26 * _unit(across)
    ends, depth = camera_.project(camera, jnp.stack([base - way, base + way]))
    # The floor is seen at an angle: a disc on it is as flat as the angle is small.
    sight = camera.position_m - base
    flat = jnp.clip(sight[2] / jnp.sqrt(jnp.sum(sight**2) + 1e-9), 0.1, 1.0)
    radius = flat * camera.focal_px / jnp.maximum(depth.mean(), 0.5)
    radii = radius * jnp.array([[0.34, 0.34], [0.2, 0.2]])
    dark = primitives.material(jnp.array([14.0, 13.0, 12.0]))
    shapes = primitives.capsules(
        jnp.broadcast_to(ends[0], (SHADOW_SHAPES, 2)),
        jnp.broadcast_to(ends[1], (SHADOW_SHAPES, 2)),
        radii,
        jnp.broadcast_to(dark, (SHADOW_SHAPES, dark.shape[-1])),
        shade=(0.0, 0.0),
        alpha=jnp.array([0.1, 0.17]),
    )
    points = jnp.stack([base - way, base + way])[None]
    behind = hides(camera, jnp.broadcast_to(points, (SHADOW_SHAPES, 2, 3)))
    return dataclasses.replace(shapes, behind=behind)


def official(
    camera: Camera,
    seat_m: Float[Array, " 3"],
    facing: Float[Array, " 2"],
    colours: Float[Array, "10 3"],
) -> Shapes:
    """`OFFICIAL_SHAPES` shapes of a seated umpire who looks along `facing`.

    seat_m: the middle of the hips; a desk should hide the rest.
    """
    up = jnp.array([0.0, 0.0, 1.0])
    front = jnp.concatenate([facing, jnp.zeros(1)])
    right = jnp.stack([facing[1], -facing[0], jnp.zeros(())])
    neck = seat_m + 0.55 * up
    head = neck + 0.165 * up + 0.02 * front
    skin, hair, shirt, sleeve, trim = 0, 1, 2, 3, 8
    left, other = neck - 0.18 * right - 0.07 * up, neck + 0.18 * right - 0.07 * up
    flank = 0.09 * right
    parts = [
        (seat_m - flank, neck - 0.13 * up - flank, 0.12, 0.115, shirt, 0.0),
        (seat_m + flank, neck - 0.13 * up + flank, 0.12, 0.115, shirt, 0.0),
        (left, left - 0.1 * right - 0.3 * up, 0.068, 0.06, sleeve, 0.01),
        (other, other + 0.1 * right - 0.3 * up, 0.068, 0.06, sleeve, 0.01),
        (neck - 0.1 * up + front * 0.1, neck - 0.3 * up, 0.045, 0.02, trim, 0.05),
        (neck - 0.04 * up, head - 0.05 * up, 0.05, 0.05, skin, 0.0),
        (head + 0.045 * up, head + 0.02 * up - 0.02 * front, 0.082, 0.084, hair, 0.0),
        (head - 0.07 * up + 0.02 * front, head + 0.01 * up, 0.058, 0.074, skin, 0.02),
    ]
    shapes, order = _painted(camera, parts, colours)
    return _take(shapes, order)
