"""What moves in a frame: people, ball, distractors; and where the ball is seen."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from ttjax.geometry import camera as camera_
from ttjax.geometry import fields_of_play as field
from ttjax.geometry.camera import Camera
from ttjax.sim import body, primitives
from ttjax.sim.primitives import Shapes
from ttjax.sim.rally import Rally
from ttjax.sim.scene import Scene

HALF_X, HALF_Y = field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2
APRON_M = 0.075
"""Height of the front of the table top."""
SIDES = (-1.0, 1.0)


def under_table(xyz_m: Float[Array, "*n 3"]) -> Bool[Array, "*n"]:
    """Lower than the table top and not in front of the table."""
    return (xyz_m[..., 2] < field.TABLE_HEIGHT_M) & (xyz_m[..., 1] > -HALF_Y)


def _players(scene: Scene, moment: Rally) -> Shapes:
    """Both players, the far one first: 36 shapes."""
    crouch = 0.35 + 0.25 * moment.swing
    people = [
        body.player(
            scene.camera,
            moment.root_m[k],
            moment.hand_m[k],
            jnp.float32(SIDES[k]),
            crouch[k],
            scene.people[k],
            height=scene.heights[k],
        )
        for k in range(2)
    ]
    left_first = moment.root_m[0, 1] >= moment.root_m[1, 1]
    far, near = (
        jax.tree.map(
            lambda left, right, flag=flag: jnp.where(flag, left, right), *people
        )
        for flag in (left_first, ~left_first)
    )
    return primitives.concatenate(far, near)


@flax.struct.dataclass
class Streak:
    """Where the ball is in the picture during the exposure.

    centre_px: its label. half_path_px: half of the way it goes. radius_px: apparent.
    """

    centre_px: Float[Array, "*n 2"]
    half_path_px: Float[Array, "*n 2"]
    radius_px: Float[Array, "*n"]


def streak(scene: Scene, moment: Rally, fps: float) -> Streak:
    """The projection of the ball at the beginning and the end of the exposure."""
    half = 0.5 * scene.exposure / fps * moment.velocity_m_s
    ends = jnp.stack([moment.ball_m - half, moment.ball_m + half])
    (start, end), depth = camera_.project(scene.camera, ends)
    radius = field.BALL_RADIUS_M * scene.camera.focal_px / jnp.maximum(depth[0], 0.5)
    return Streak(0.5 * (start + end), 0.5 * (end - start), radius)


def _spots(scene: Scene, number: Int32[Array, ""]) -> Float[Array, "k 2"]:
    """Centres of the white things that move, in source px."""
    spots = scene.distractors
    angle = spots[:, 4] * number.astype(jnp.float32) + spots[:, 5]
    sway = jnp.stack([jnp.sin(angle), jnp.cos(0.7 * angle)], axis=-1)
    return spots[:, :2] + spots[:, 2:4] * sway


def lures(scene: Scene, moment: Rally, number: Int32[Array, ""]) -> Float[Array, "k 2"]:
    """What a detector may take for the ball, in source px: white spots, rackets."""
    rackets, _ = camera_.project(scene.camera, jnp.asarray(moment.hand_m))
    return jnp.concatenate([_spots(scene, number), rackets])


def _distractors(scene: Scene, number: Int32[Array, ""]) -> Shapes:
    spots, at = scene.distractors, _spots(scene, number)
    colour = primitives.material(0.8 * scene.ball_colour)
    value = jnp.broadcast_to(colour, (len(spots), len(primitives.PLANES)))
    return primitives.streaks(at, jnp.zeros_like(at), spots[:, 6], value)


def shapes(
    scene: Scene,
    moment: Rally,
    number: Int32[Array, ""],
    fps: float,
    *,
    ball: Float[Array, ""] | float = 1.0,
) -> Shapes:
    """Everything that moves, far things first; `ball` is the opacity of the ball."""
    players = _players(scene, moment)
    far, near = (
        jax.tree.map(lambda leaf, a=a: leaf[a : a + body.PLAYER_SHAPES], players)
        for a in (0, body.PLAYER_SHAPES)
    )
    spots = _distractors(scene, number)
    seen = streak(scene, moment, fps)
    behind = jnp.stack(
        [
            under_table(jnp.asarray(moment.ball_m)),
            moment.ball_m[0] * scene.camera.position_m[0] < 0.0,
        ]
    ).astype(jnp.float32)
    depth = moment.ball_m[1]
    far_y, near_y = moment.root_m[:, 1].max(), moment.root_m[:, 1].min()
    slots = jnp.stack(
        [depth > far_y, (depth <= far_y) & (depth > near_y), depth <= near_y]
    )

    def ball_at(slot):
        one = primitives.streaks(
            seen.centre_px[None],
            seen.half_path_px[None],
            seen.radius_px[None],
            primitives.material(scene.ball_colour)[None],
            shade=(0.04, -0.13),
            alpha=ball * (slots[slot] & moment.present).astype(jnp.float32),
        )
        return dataclasses.replace(one, behind=behind[None])

    return primitives.concatenate(spots, ball_at(0), far, ball_at(1), near, ball_at(2))


def _behind_table(camera: Camera, ball_m: Float[Array, " 3"]) -> Bool[Array, ""]:
    """The line of sight to the ball crosses the table top or its front."""
    position = camera.position_m
    line = ball_m - position

    def crossing(axis, level):
        share = (level - position[axis]) / jnp.where(line[axis] == 0, 1e-6, line[axis])
        return position + share * line, (share > 0.0) & (share < 1.0)

    top, through_top = crossing(2, field.TABLE_HEIGHT_M)
    top = through_top & (jnp.abs(top[0]) < HALF_X) & (jnp.abs(top[1]) < HALF_Y)
    front, through_front = crossing(1, -HALF_Y)
    low = field.TABLE_HEIGHT_M - APRON_M
    front = (
        through_front
        & (jnp.abs(front[0]) < HALF_X)
        & (front[2] < field.TABLE_HEIGHT_M)
        & (front[2] > low)
    )
    return top | front


def ball_label(
    scene: Scene, moment: Rally, fps: float, source_hw: tuple[int, int]
) -> tuple[Float[Array, " 2"], Bool[Array, ""]]:
    """Centre of the ball in source px, and whether it is seen.

    Seen: it exists, its centre is inside the frame and hidden by neither table nor
    player.
    """
    centre = streak(scene, moment, fps).centre_px
    height, width = source_hw
    inside = (
        (centre[0] >= 0) & (centre[0] < width) & (centre[1] >= 0) & (centre[1] < height)
    )
    players = _players(scene, moment)
    point = centre[:, None, None]

    def cover(shape):
        return primitives.coverage(shape, point[0], point[1], (1.0, 1.0))[0][0, 0]

    order = jnp.sort(moment.root_m[:, 1])[::-1]
    in_front = jnp.repeat(order, body.PLAYER_SHAPES) < moment.ball_m[1]
    hidden = jnp.any((jax.vmap(cover)(players) > 0.5) & in_front)
    hidden = hidden | _behind_table(scene.camera, jnp.asarray(moment.ball_m))
    return centre, jnp.asarray(moment.present) & inside & ~hidden
