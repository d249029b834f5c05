"""Scenes of basketball: pictures of an instant of a game, and what is known of them."""

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int16, Key, UInt8

from ttjax.geometry import camera as camera_
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import (
    BALL_ID,
    HIDDEN,
    IGNORED,
    SEEN,
    UNLABELLED,
    Scene,
    SceneLabels,
    SceneSpec,
)
from ttjax.sim import (
    athletes,
    court,
    court_ground,
    court_play,
    film,
    primitives,
    raster,
)
from ttjax.sim.court import Arena, Court
from ttjax.sim.court_play import Play
from ttjax.sim.primitives import Shapes
from ttjax.typing import PRNGKey

FEWEST_PX = 10
"""People of whom less is seen have no row and are ignored, as in DeepSport's masks."""
SEEN_SHARE = 0.3
"""The ball is visible where this share of its disc is seen; where less is, unknown."""
BALL_PARTS = 3


def check(spec: SceneSpec, settings: Court) -> None:
    """Raises ValueError where the simulator cannot give what `spec` asks for."""
    fewest, most = settings.people
    if not 1 <= fewest <= most:
        raise ValueError(
            f"A court holds from 1 on to `people` in ascending order, got "
            f"{settings.people}: set `people`."
        )
    if most > spec.players:
        raise ValueError(
            f"Labels have a row for each of {most} people, got {spec.players} rows: "
            "set more `players` in the task's config or fewer `people` here."
        )


def _ball_shapes(arena: Arena, instant: Play):
    """Disc and two seams of the ball; its centre and radius in px."""
    xy, depth = camera_.project(instant.camera, instant.ball_m[None])
    radius = court.BALL_RADIUS_M * instant.camera.focal_px / jnp.maximum(depth, 0.5)
    shown = instant.ball_shown & (depth[0] > 1.0)
    alpha = jnp.where(shown, 1.0, 0.0)[None]
    half = instant.smear[None] * radius[:, None]
    disc = primitives.streaks(
        xy,
        half,
        radius,
        athletes.values(arena.ball[None], BALL_ID),
        shade=jnp.array([[0.15, -0.3]]),
        alpha=alpha,
    )
    turn = instant.seams + jnp.array([0.0, 1.4])
    way = 0.8 * radius[:, None] * jnp.stack([jnp.cos(turn), jnp.sin(turn)], axis=-1)
    dark = jnp.broadcast_to(0.35 * arena.ball[None], (2, 3))
    seams = primitives.capsules(
        xy - way,
        xy + way,
        jnp.broadcast_to(0.07 * radius[:, None], (2, 2)),
        athletes.values(dark, BALL_ID),
        shade=jnp.zeros((2, 2)),
        alpha=jnp.broadcast_to(0.7 * alpha, (2,)),
    )
    return primitives.concatenate(disc, seams), xy[0], radius[0], shown


def _shadows(instant: Play) -> Shapes:
    """Soft flat shapes on the floor, below people."""
    camera, root = instant.camera, instant.root_m
    right = camera.rotation[0, :2] * 0.22
    ends = jnp.stack([root - right[None], root + right[None]], axis=1)
    ends = jnp.concatenate([ends, jnp.zeros((*ends.shape[:2], 1))], axis=-1)
    at, depth = camera_.project(camera, ends)
    radius = 0.14 * camera.focal_px / jnp.maximum(depth, 0.5)
    black = jnp.full((len(root), 3), 14.0)
    return primitives.capsules(
        at[:, 0],
        at[:, 1],
        radius,
        athletes.values(black, 0),
        shade=jnp.zeros((len(root), 2)),
        alpha=jnp.where(instant.shown, 0.25, 0.0),
    )


def _blend(planes, shape: Shapes, x, y, step, inside, samples):
    """Planes with one shape over them; a pixel belongs to what covers half of it."""
    cover, gain = primitives.coverage(shape, x, y, step, samples)
    if inside is not None:
        cover = jnp.where(inside, cover, 0.0)
    below = planes.astype(jnp.float32)
    limit = 255.0 * court_ground.FIXED
    value = shape.value[:3, None, None] * court_ground.FIXED * gain[None]
    value = jnp.clip(value, 0.0, limit)
    colour = below[:3] + jnp.round(cover[None] * (value - below[:3]))
    owner = jnp.where(cover >= 0.5, shape.value[3], below[3])
    return jnp.concatenate([colour, owner[None]]).astype(jnp.int16)


def expose(
    key: PRNGKey, arena: Arena, colour: Float[Array, "3 h w"]
) -> UInt8[Array, "h w 3"]:
    """RGB: uneven light, tint and noise over grey levels."""
    height, width = colour.shape[1:]
    across = ((jnp.arange(width) + 0.5) * (2.0 / width) - 1.0)[None, :]
    down = ((jnp.arange(height) + 0.5) * (2.0 / height) - 1.0)[:, None]
    light = 1.0 + arena.light[0] * across + arena.light[1] * down
    light = light - arena.light[2] * (across**2 + down**2)
    gain = arena.gain * light[None] * arena.tint[:, None, None]
    bits = jax.random.bits(key, colour.shape, jnp.uint32)
    total = (bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + (bits >> 24)
    noise = (total.astype(jnp.float32) - 510.0) / film.HASH_SPREAD
    value = jnp.round(colour * gain + arena.noise * noise)
    image = jnp.clip(value, 0.0, 255.0).astype(jnp.uint8)
    return jnp.transpose(image, (1, 2, 0))


@flax.struct.dataclass
class Picture:
    """An instant as it is painted.

    planes: red, green, blue in units of 1 / `court_ground.FIXED`, and who owns a pixel:
    a row of people + 1, `BALL_ID`, or 0. box_px: of whole people, x0 y0 x1 y1.
    ball_xy_px, ball_radius_px: where the ball would be. ball_shown: whether it was
    painted, though maybe out of the picture or behind people.
    """

    planes: Int16[Array, "*n 4 h w"]
    box_px: Float[Array, "*n p 4"]
    ball_xy_px: Float[Array, "*n 2"]
    ball_radius_px: Float[Array, "*n"]
    ball_shown: Bool[Array, "*n"]


def picture(
    arena: Arena, instant: Play, image_hw: tuple[int, int], *, tiled: bool = True
) -> Picture:
    """Everything painted over the arena, the farthest first."""
    view, count = instant.camera, len(instant.shown)

    def person(body, height, looks, owner, shown):
        return athletes.paint(
            view, body, height, looks, arena.shade, owner=owner, shown=shown
        )

    owners = jnp.arange(1, count + 1)
    # What stands behind the camera is not painted.
    distance = court.distance_m(view, instant.root_m)
    painted = jax.vmap(person)(
        instant.bodies,
        instant.heights_m,
        instant.looks,
        owners,
        instant.shown & (distance > 2.0),
    )
    ball, xy, radius, ball_shown = _ball_shapes(arena, instant)
    sides = [court.basket(view, side) for side in (-1.0, 1.0)]
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), painted.shapes)
    standing = primitives.concatenate(flat, ball, *(shapes for shapes, _ in sides))
    far = jnp.concatenate(
        [
            jnp.repeat(distance, athletes.PARTS),
            jnp.repeat(court.distance_m(view, instant.ball_m[None, :2]), BALL_PARTS),
            *(jnp.full(court.BASKET_PARTS, at) for _, at in sides),
        ]
    )
    order = jnp.argsort(-far, stable=True)
    standing = jax.tree.map(lambda leaf: leaf[order], standing)
    shapes = primitives.concatenate(
        court.adverts(arena, view), _shadows(instant), standing
    )
    window = raster.View(image_hw, (16, 24) if tiled else image_hw)
    ground = court_ground.background(arena, view, image_hw)
    seen = raster.raster(view, window, jnp.zeros(2, jnp.int32))
    planes = raster.paint(ground, shapes, window, seen, _blend)
    return Picture(planes, painted.box_px, xy, radius, ball_shown)


def _labels(spec: SceneSpec, instant: Play, painted: Picture) -> SceneLabels:
    """What is known, from who owns which pixel."""
    (height, width), count = spec.image_hw, len(instant.shown)
    owner = painted.planes[3]
    rows = jnp.arange(1, count + 1)
    areas = jnp.stack([jnp.sum(owner == row) for row in range(1, count + 1)])
    players = instant.shown & (areas >= FEWEST_PX)
    glimpse = (areas > 0) & ~players
    gone = jnp.concatenate([jnp.zeros(1, bool), glimpse])
    person = jnp.where(owner <= count, owner, 0)
    ids = jnp.where(gone[person], IGNORED, owner).astype(jnp.uint8)
    joints, _ = camera_.project(instant.camera, instant.bodies.joints)
    limit = jnp.array([width, height], jnp.float32)
    inside = ((joints >= 0.0) & (joints < limit[None, None])).all(axis=-1)
    cell = jnp.clip(jnp.floor(joints), 0, limit[None, None] - 1).astype(jnp.int32)
    own = ids[cell[..., 1], cell[..., 0]] == rows[:, None]
    state = jnp.where(inside, jnp.where(own, SEEN, HIDDEN), UNLABELLED)
    state = jnp.where(players[:, None], state, UNLABELLED)
    xy, radius = painted.ball_xy_px, painted.ball_radius_px
    area = jnp.sum(ids == BALL_ID)
    enough = area >= SEEN_SHARE * jnp.pi * radius**2
    in_view = painted.ball_shown & ((xy >= 0.0) & (xy < limit)).all()
    ball_state = jnp.where(in_view & enough, VISIBLE, UNKNOWN)
    ball_state = jnp.where(area == 0, ABSENT, ball_state)
    seen = ball_state == VISIBLE

    def rows_of(leaf, empty):
        rest = jnp.full((spec.players - count, *leaf.shape[1:]), empty, leaf.dtype)
        return jnp.concatenate([leaf, rest])

    there = players[:, None]
    return SceneLabels(
        ids=ids,
        masks_known=jnp.array(True),
        players=rows_of(players, False),
        crowd=jnp.zeros(spec.players, bool),
        box_px=rows_of(jnp.where(there, painted.box_px, 0.0), 0.0),
        joints_px=rows_of(
            jnp.where((state != UNLABELLED)[..., None], joints, 0.0), 0.0
        ),
        joint_state=rows_of(state.astype(jnp.int8), UNLABELLED),
        joints_known=jnp.array(True),
        ball_xy_px=jnp.where(seen, xy, 0.0),
        ball_state=ball_state.astype(jnp.int8),
        ball_diameter_px=jnp.where(seen, 2.0 * radius, 0.0),
    )


def scene(
    arena_key: PRNGKey, key: PRNGKey, spec: SceneSpec, settings: Court = Court()
) -> Scene:
    """A picture of `spec` from the arena of one key and the play of another.

    Unbatched, the caller maps it over keys. Labels are exact: a joint is `SEEN` where
    its pixel is its own person's, `HIDDEN` where it is in the picture and something
    else's.

    Raises:
        ValueError: `spec` has fewer rows than there are people.
    """
    check(spec, settings)
    play_key, noise_key = jax.random.split(key)
    arena = court.draw(arena_key)
    instant = court_play.draw(play_key, arena, spec.image_hw, settings)
    painted = picture(arena, instant, spec.image_hw, tiled=settings.tiled)
    colour = painted.planes[:3].astype(jnp.float32) / court_ground.FIXED
    return Scene(
        image=expose(noise_key, arena, colour),
        valid_hw=jnp.array(spec.image_hw, jnp.int32),
        labels=_labels(spec, instant, painted),
    )


def scenes(
    arena_keys: Key[Array, " b"],
    keys: Key[Array, " b"],
    spec: SceneSpec,
    settings: Court = Court(),
) -> Scene:
    """A batch of scenes: in turn on a CPU, at once elsewhere."""

    def one(pair):
        arena_key, key = pair
        return scene(arena_key, key, spec, settings)

    if settings.tiled:
        return jax.lax.map(one, (arena_keys, keys))
    return jax.vmap(one)((arena_keys, keys))
