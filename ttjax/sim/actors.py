"""What moves in a frame: people, balls, distractors; and where the ball is seen."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from ttjax.geometry import camera as camera_
from ttjax.geometry import fields_of_play as field
from ttjax.geometry.camera import Camera
from ttjax.sim import body, film, primitives, table
from ttjax.sim import play as play_
from ttjax.sim.play import Moments, Play
from ttjax.sim.primitives import Leaf, Shapes
from ttjax.sim.scene import Scene

LABEL_CONVENTION = (
    "ball: its centre in the middle of the exposure of the rows in which it lies, in "
    "px of the recorded frame; pixel i spans [i, i + 1)"
)
"""What simulated labels of the ball mean."""
SIDES = (-1.0, 1.0)
ROUNDS = 2
"""Steps towards the row in which a rolling shutter sees the ball."""
SWAY_HZ = 120.0
"""Distractors move by so many of their steps per second."""
FOLLOW_S = 0.3
"""For so long people follow a table that was pushed."""


def times(scene: Scene, numbers: Int32[Array, "*n"]) -> Float[Array, "*n"]:
    """Middle of the exposure of the middle row of frames, seconds of the play."""
    return numbers.astype(jnp.float32) / scene.film.fps


def _seen_px(scene: Scene, xyz_m: Float[Array, "n 3"], seconds: Float[Array, " n"]):
    """Where a frame shows points: pixels of the distorted, shaken picture."""
    ideal, _ = camera_.project(scene.camera, xyz_m)
    width = scene.source_hw[1]
    shift = jax.vmap(lambda t: film.shift_px(scene.film, t, width))(seconds)
    return camera_.distort(scene.camera, ideal) - shift


def _pushed(scene: Scene, moments: Moments, seconds: Float[Array, " n"]) -> Moments:
    """Moments of a table that stands elsewhere after it was pushed."""
    way = jnp.concatenate([scene.push_m, jnp.zeros(1)])
    after = (seconds >= scene.push_s).astype(jnp.float32)
    ball = (after[:, None] * way[None])[:, None, :]
    # People walk, the table and what bounces on it do not.
    since = jnp.clip((seconds - scene.push_s) / FOLLOW_S + 0.5, 0.0, 1.0)
    people = (since[:, None] * way[None])[:, None, :]
    return dataclasses.replace(
        moments,
        path_m=jnp.asarray(moments.path_m) + ball,
        other_path_m=jnp.asarray(moments.other_path_m) + ball,
        root_m=jnp.asarray(moments.root_m) + people[..., :2],
        hand_m=jnp.asarray(moments.hand_m) + people,
    )


def moments(scene: Scene, play: Play, numbers: Int32[Array, " n"]) -> Moments:
    """What is where in frames of this scene's camera, in metres of the hall.

    With a rolling shutter everything is seen when the row in which the ball lies is
    exposed: that row is found by iteration.
    """
    middle = times(scene, numbers)
    height = scene.source_hw[0].astype(jnp.float32)

    def at(seconds):
        seen = play_.moments(play, seconds, scene.film.exposure_s)
        return _pushed(scene, seen, seconds)

    def rolled(_):
        seconds = middle
        for _ in range(ROUNDS):
            seen = at(seconds)
            at_m = jnp.asarray(seen.path_m)[:, 1]
            row = _seen_px(scene, at_m, seconds)[:, 1]
            row = jnp.where(seen.present, jnp.clip(row, 0.0, height), 0.5 * height)
            seconds = middle + film.row_s(scene.film, row, height)
        return seconds

    seconds = jax.lax.cond(
        scene.film.readout_s > 0.0, rolled, lambda _: middle, jnp.zeros(())
    )
    return at(seconds)


def depth_m(camera: Camera, xyz_m: Float[Array, "*n k"]) -> Float[Array, "*n"]:
    """How far points lie from the camera along the level direction of its view."""
    level = camera.rotation[2, :2]
    level = level / jnp.sqrt(jnp.sum(level**2) + 1e-9)
    out = xyz_m[..., :2] - jnp.broadcast_to(
        camera.position_m[:2], (*xyz_m.shape[:-1], 2)
    )
    return out[..., 0] * level[0] + out[..., 1] * level[1]


def _table_camera(scene: Scene, seconds: Float[Array, ""]) -> tuple[Camera, Array]:
    """The camera as it stands to the table, and where the table stands."""
    after = (seconds >= scene.push_s).astype(jnp.float32)
    at = jnp.concatenate([after * scene.push_m, jnp.zeros(1)])
    camera = scene.camera
    return dataclasses.replace(camera, position_m=camera.position_m - at), at


def _hidden_by(
    scene: Scene, xyz_m: Float[Array, " 3"], seconds: Float[Array, ""]
) -> Float[Array, " 2"]:
    """Whether table and net are in front of a ball: `Shapes.behind`.

    Of its lowest point, as of its highest, so that an edge may hide a part of it.
    """
    camera, at = _table_camera(scene, seconds)
    point = xyz_m - at
    half = jnp.array([0.0, 0.0, 0.8 * field.BALL_RADIUS_M])
    ends = jnp.stack([point - half, point, point + half])
    under = jnp.any(table.behind_table(camera, ends))
    return jnp.stack([under, table.behind_net(camera, point)]).astype(jnp.float32)


def _crouch(moment: Moments) -> Float[Array, " 2"]:
    return 0.35 + 0.25 * jnp.asarray(moment.swing)


def _players(
    scene: Scene, moment: Moments, seconds: Float[Array, ""]
) -> tuple[Shapes, Shapes, Float[Array, "2 n"]]:
    """Shadows, players (axes: which, its shapes), and how far the shapes are."""
    crouch = _crouch(moment)
    camera, at = _table_camera(scene, seconds)
    root = jnp.asarray(moment.root_m) - at[None, :2]
    hand = jnp.asarray(moment.hand_m) - at[None]

    def one(root, hand, side, crouch, person):
        return body.player(camera, root, hand, side, crouch, person)

    people = jax.vmap(one)(root, hand, jnp.array(SIDES), crouch, scene.people)
    shadows = jax.vmap(lambda root: body.shadow(camera, root))(root)
    far = jnp.broadcast_to(depth_m(camera, root)[:, None], people.kind.shape)
    return shadows, people, far


def _flat(shapes: Shapes) -> Shapes:
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), shapes)


@flax.struct.dataclass
class Streak:
    """Where a ball is in the ideal picture during the exposure.

    path_px: at its beginning, middle and end. radius_px: apparent.
    """

    path_px: Float[Array, "*n t 2"]
    radius_px: Float[Array, "*n"]


def streak(scene: Scene, path_m: Float[Array, "t 3"]) -> Streak:
    """The projection of a ball's path."""
    path, depth = camera_.project(scene.camera, path_m)
    middle = jnp.maximum(depth[len(depth) // 2], 0.5)
    radius = field.BALL_RADIUS_M * scene.camera.focal_px / middle
    return Streak(path, radius)


def _spots(scene: Scene, seconds: Float[Array, ""]) -> Float[Array, "k 2"]:
    """Centres of the white things that move, in ideal source px."""
    spots = scene.distractors
    angle = spots[:, 4] * (SWAY_HZ * seconds) + spots[:, 5]
    sway = jnp.stack([jnp.sin(angle), jnp.cos(0.7 * angle)], axis=-1)
    return spots[:, :2] + spots[:, 2:4] * sway


def lures(
    scene: Scene, moment: Moments, number: Int32[Array, ""]
) -> Float[Array, "k 2"]:
    """What a detector may take for the ball, source px: white spots, feet, rackets."""
    seconds = times(scene, number)
    root = jnp.asarray(moment.root_m)
    feet = jax.vmap(body.ankles)(
        root, jnp.array(SIDES), _crouch(moment), scene.people.handed
    )
    bodies = jnp.concatenate([feet.reshape(-1, 3), jnp.asarray(moment.hand_m)])
    ideal, _ = camera_.project(scene.camera, bodies)
    ideal = jnp.concatenate([_spots(scene, seconds), ideal])
    shift = film.shift_px(scene.film, seconds, scene.source_hw[1])
    return camera_.distort(scene.camera, ideal) - shift[None]


def _distractors(scene: Scene, seconds: Float[Array, ""]) -> Shapes:
    spots, at = scene.distractors, _spots(scene, seconds)
    colour = primitives.material(spots[:, 7:] * scene.ball_colour[None])
    return primitives.streaks(at, jnp.zeros_like(at), spots[:, 6], colour)


def _ball(scene: Scene, path_m, seconds, opacity) -> Shapes:
    seen = streak(scene, path_m)
    one = primitives.paths(
        seen.path_px[None],
        seen.radius_px[None],
        primitives.material(scene.ball_colour)[None],
        shade=(0.04, -0.13),
        alpha=opacity,
    )
    behind = _hidden_by(scene, path_m[1], seconds)
    return dataclasses.replace(one, behind=behind[None])


@flax.struct.dataclass
class Seen:
    """What is known of the ball in frames.

    xy_px: its centre in the middle of the exposure, source px. visible: it exists, its
    centre is inside the frame and hidden by neither table nor player. blur_px: its way
    from the beginning of the exposure to its end.
    """

    xy_px: Float[Leaf, "*n 2"]
    visible: Bool[Leaf, "*n"]
    blur_px: Float[Leaf, "*n 2"]


def _centre(scene: Scene, moment: Moments, seconds: Float[Array, ""]):
    """The ball at the beginning, middle and end of the exposure, source px.

    And whether it exists, its middle is in the frame and the table does not hide it.
    """
    path_m = jnp.asarray(moment.path_m)
    shift = film.shift_px(scene.film, seconds, scene.source_hw[1])
    path = streak(scene, path_m).path_px
    at = camera_.distort(scene.camera, path) - shift[None]
    limit = scene.source_hw[::-1].astype(jnp.float32)
    inside = ((at[1] >= 0) & (at[1] < limit)).all()
    camera, table_m = _table_camera(scene, seconds)
    under = table.behind_table(camera, path_m[1] - table_m)
    return at, jnp.asarray(moment.present) & inside & ~under


WAIST_M, CHEST_M, TRUNK_M = 0.75, 1.35, 0.17
"""Heights between which a body surely hides what is behind it, and its half width."""


def glimpse(scene: Scene, moment: Moments, number: Int32[Array, ""]) -> Bool[Array, ""]:
    """Nearly `Seen.visible`, at little cost: of players only the trunk hides."""
    seconds = times(scene, number)
    _, shown = _centre(scene, moment, seconds)
    ball, root = jnp.asarray(moment.path_m)[1], jnp.asarray(moment.root_m)
    ends = jnp.stack(
        [
            jnp.concatenate([root, jnp.full((2, 1), z)], axis=1)
            for z in (WAIST_M, CHEST_M)
        ]
    )
    (low, high), depth = camera_.project(scene.camera, ends)
    radius = TRUNK_M * scene.camera.focal_px / jnp.maximum(depth[0], 0.5)
    value = jnp.zeros(len(primitives.PLANES))
    trunks = primitives.capsules(low, high, jnp.stack([radius] * 2, axis=1), value)
    nearer = depth_m(scene.camera, root) < depth_m(scene.camera, ball)
    return shown & ~_hides(trunks, nearer, streak(scene, ball[None]).path_px[0])


def _hides(shapes: Shapes, nearer: Bool[Array, " n"], at_px: Float[Array, " 2"]):
    """Whether one of some shapes that are nearer covers half of a pixel or more."""
    x, y = at_px[:, None, None]

    def cover(shape):
        return primitives.coverage(shape, x, y, (1.0, 1.0), (1, 1))[0][0, 0]

    return jnp.any((jax.vmap(cover)(shapes) > 0.5) & nearer)


def toned(scene: Scene, shapes: Shapes) -> Shapes:
    """Shapes in the colours that the camera gives them."""
    colour = film.tone(scene.film, jnp.asarray(shapes.value)[:, :3])
    value = jnp.concatenate([colour, shapes.value[:, 3:]], axis=1)
    return dataclasses.replace(shapes, value=value)


def act(
    scene: Scene,
    moment: Moments,
    number: Int32[Array, ""],
    *,
    ball: Float[Array, ""] | float = 1.0,
) -> tuple[Shapes, Seen]:
    """Everything that moves in a frame, far things first, and the label of the ball.

    `ball` is the opacity of the ball. A second ball is painted like the first, and
    labelled nowhere.
    """
    seconds = times(scene, number)
    shadows, people, far = _players(scene, moment, seconds)
    spots, shadows, people = _distractors(scene, seconds), _flat(shadows), _flat(people)
    first, second = jnp.asarray(moment.path_m), jnp.asarray(moment.other_path_m)
    path = jnp.stack([first, second])
    opacity = jnp.stack(
        [ball * jnp.float32(moment.present), jnp.float32(moment.other_present)]
    )
    balls = jax.vmap(lambda p, a: _ball(scene, p, seconds, a))(path, opacity)
    ball_m = depth_m(scene.camera, path[:, 1])
    behind = jnp.full(len(spots.kind) + len(shadows.kind), jnp.inf)
    order = jnp.argsort(
        -jnp.concatenate([behind, far.reshape(-1), ball_m]), stable=True
    )
    everything = primitives.concatenate(spots, shadows, people, _flat(balls))
    painted = jax.tree.map(lambda leaf: leaf[order], toned(scene, everything))
    at, shown = _centre(scene, moment, seconds)
    ideal = streak(scene, first).path_px[1]
    hidden = _hides(people, far.reshape(-1) < ball_m[0], ideal)
    return painted, Seen(at[1], shown & ~hidden, at[2] - at[0])
