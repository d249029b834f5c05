"""A basketball arena: its colours and its camera, its adverts and its baskets.

World axes: x along the court from its centre, y across it and away from the camera, z
up from the floor; metres.
"""

import dataclasses

import flax.struct
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ttjax.geometry import camera as camera_
from ttjax.geometry.camera import Camera
from ttjax.sim import athletes, primitives
from ttjax.sim.draws import Uniforms
from ttjax.sim.primitives import Shapes
from ttjax.typing import PRNGKey

LENGTH_M, WIDTH_M = 28.0, 15.0
"""FIBA Article 2.1, inner edges of the lines."""
LINE_M = 0.05
"""FIBA Article 2.4: width of all lines."""
CIRCLE_M = 1.8
"""FIBA Articles 2.4.3, 2.4.4: radius of the centre and the free-throw circles."""
KEY_LENGTH_M, KEY_WIDTH_M = 5.8, 4.9
"""FIBA Article 2.4.4: the restricted area."""
BASKET_M = 1.575
"""FIBA Article 2.4.5: from the end line to the point below the basket's centre."""
ARC_M, CORNER_M = 6.75, 0.9
"""FIBA Article 2.4.5: radius of the three-point arc; its lines from the side lines."""
NO_CHARGE_M = 1.25
"""FIBA Article 2.4.7: radius of the no-charge semi-circle."""
RIM_HEIGHT_M, RIM_RADIUS_M = 3.05, 0.225
"""FIBA Basketball Equipment: upper edge and inner radius of the ring."""
BOARD_M = ((-0.9, 0.9), (2.9, 3.95))
"""FIBA Basketball Equipment: the backboard across and in height, 1.2 m from the end."""
BALL_RADIUS_M = 0.12
"""FIBA Basketball Equipment, size 7: a circumference of 75 to 77 cm."""

ADVERT_Y_M, ADVERT_HEIGHT_M, ADVERT_WIDTH_M = 10.2, 0.9, 3.5
ADVERTS, LETTERS = 13, 4
BASKET_PARTS = 9
TEAMS = 3
"""Home, guests, referees."""

FLOORS = ((196, 154, 104), (210, 172, 122), (176, 128, 82), (188, 160, 120))
KEYS = ((196, 154, 104), (150, 40, 44), (40, 70, 130), (30, 92, 80), (170, 120, 74))
SURROUNDS = ((150, 40, 44), (36, 60, 120), (30, 80, 74), (170, 128, 84), (70, 70, 78))
JERSEYS = (
    ((228, 228, 224), (224, 216, 190), (206, 214, 224), (236, 200, 60)),
    ((160, 26, 34), (26, 48, 128), (26, 100, 62), (34, 34, 40), (92, 40, 120)),
    ((128, 130, 134), (200, 96, 30), (44, 44, 48), (110, 140, 170)),
)
"""Shirts per team: light, dark, and those of referees."""
SKINS = ((236, 190, 160), (214, 160, 124), (164, 110, 76), (112, 72, 50), (80, 52, 38))
HAIR = ((34, 26, 22), (24, 20, 18), (90, 62, 36), (160, 124, 70), (120, 116, 110))
SHOES = ((230, 230, 230), (36, 36, 40), (190, 40, 40), (40, 70, 160), (220, 210, 90))
BOARD_COLOURS = (
    (20, 40, 110),
    (150, 20, 30),
    (16, 16, 20),
    (220, 220, 220),
    (20, 100, 60),
    (220, 170, 30),
)


@dataclasses.dataclass(frozen=True)
class Court:
    """What a sampler may vary.

    people: how many are on the court, fewest and most, referees among them.
    span_m: metres of the court, at its focus, that the picture is wide.
    tiled: paint in tiles, which suits CPUs, or everywhere at once.
    """

    people: tuple[int, int] = (2, 12)
    span_m: tuple[float, float] = (6.0, 12.0)
    tiled: bool = True


@flax.struct.dataclass
class Arena:
    """All that stays during a recording. Colours are 0-255.

    position_m: of the camera. roll: of the camera, radians.
    kits: per team shirt, shorts, trim. waves: of the floor's brightness, each with
    the turns per metre along x and y, its phase in turns, its strength.
    light: of the picture, relative, across, down, towards the corners. gain: of all.
    tint: of the colour channels. shade: of round things, across and down.
    noise: standard deviation in grey levels. seed: of the crowd, 0 to 1.
    """

    position_m: Float[Array, "*n 3"]
    roll: Float[Array, "*n"]
    floor: Float[Array, "*n 3"]
    key: Float[Array, "*n 3"]
    surround: Float[Array, "*n 3"]
    line: Float[Array, "*n 3"]
    stand: Float[Array, "*n 3"]
    adverts: Float[Array, "*n 13 2 3"]
    letters: Float[Array, "*n 13 4 2"]
    kits: Float[Array, "*n 3 3 3"]
    ball: Float[Array, "*n 3"]
    waves: Float[Array, "*n 2 4"]
    light: Float[Array, "*n 3"]
    gain: Float[Array, "*n"]
    tint: Float[Array, "*n 3"]
    shade: Float[Array, "*n 2"]
    noise: Float[Array, "*n"]
    seed: Float[Array, "*n"]


def pick(colours, uniform: Float[Array, "*n 5"]) -> Float[Array, "*n 3"]:
    """One of some colours (0-255), with a little of its own brightness and hue."""
    table = jnp.array(colours, jnp.float32)
    index = jnp.floor(uniform[..., 0] * len(table)).astype(jnp.int32)
    vary = 2.0 * uniform[..., 1:] - 1.0
    colour = table[index] * (1.0 + 0.12 * vary[..., :1]) + 8.0 * vary[..., 1:]
    return jnp.clip(colour, 4.0, 248.0)


def draw(key: PRNGKey) -> Arena:
    """An arena, its teams, and where its camera stands."""
    draws = Uniforms(key, 400)
    shirts = jnp.stack([pick(colours, draws.take(5)) for colours in JERSEYS])
    # Shorts like the shirt, except those of referees; trim far from both.
    dark = jnp.broadcast_to(jnp.array([30.0, 30.0, 34.0]), (3,))
    shorts = jnp.stack([shirts[0], shirts[1], dark])
    trim = pick(BOARD_COLOURS, draws.take(TEAMS, 5))
    bright = shirts.mean(axis=-1, keepdims=True) > 128.0
    trim = jnp.where(bright, 0.5 * trim, 0.4 * trim + 140.0)
    place = draws.take(3, low=-1.0)
    light = draws.take(6, low=-1.0)
    waves = draws.take(2, 4)
    span = jnp.array([[0.06, 0.9], [0.02, 0.25], [0.0, 1.0], [0.005, 0.03]])
    return Arena(
        position_m=jnp.stack(
            [7.0 * place[0], -19.0 + 3.5 * place[1], 6.8 + 2.2 * place[2]]
        ),
        roll=jnp.deg2rad(draws.take(low=-2.5, high=2.5)),
        floor=pick(FLOORS, draws.take(5)),
        key=pick(KEYS, draws.take(5)),
        surround=pick(SURROUNDS, draws.take(5)),
        line=draws.take(low=205.0, high=250.0) * jnp.ones(3),
        stand=pick(((40, 40, 48), (70, 30, 34), (30, 40, 80)), draws.take(5)),
        adverts=pick(BOARD_COLOURS, draws.take(ADVERTS, 2, 5)),
        letters=draws.take(ADVERTS, LETTERS, 2),
        kits=jnp.stack([shirts, shorts, trim], axis=1),
        ball=pick(((206, 104, 44), (186, 84, 38), (216, 128, 56)), draws.take(5)),
        waves=span[None, :, 0] + (span[:, 1] - span[:, 0])[None] * waves,
        light=jnp.stack([0.1 * light[0], 0.08 * light[1], 0.08 + 0.08 * light[2]]),
        gain=0.92 + 0.16 * light[3],
        tint=1.0 + 0.05 * draws.take(3, low=-1.0),
        shade=jnp.stack([0.12 * light[4], -0.16 + 0.06 * light[5]]),
        noise=draws.take(low=1.0, high=5.0),
        seed=draws.take(),
    )


def people(draws: Uniforms, arena: Arena, team) -> Float[Array, "n 9 3"]:
    """Colours of people of some teams: rows as `athletes.LOOKS`."""
    n = len(team)
    skin = pick(SKINS, draws.take(n, 5))
    hair = pick(HAIR, draws.take(n, 5))
    shoe = pick(SHOES, draws.take(n, 5))
    bald = draws.take(n, 1) < 0.12
    hair = jnp.where(bald, 0.92 * skin, hair)
    shirt, shorts, trim = (arena.kits[team, k] for k in range(3))
    official = (team == TEAMS - 1)[:, None]
    white = draws.take(n, 1) * 200.0 + 30.0
    covered = draws.take(n, 1) < 0.15
    return jnp.stack(
        [
            skin,
            hair,
            shirt,
            jnp.where(official | covered, shirt, skin),
            shorts,
            jnp.where(official, shorts, skin),
            jnp.where(official, shorts, jnp.where(white > 140.0, white, skin)),
            shoe,
            trim,
        ],
        axis=1,
    )


def camera(
    arena: Arena,
    target_m: Float[Array, " 3"],
    span_m: Float[Array, ""],
    image_hw: tuple[int, int],
) -> Camera:
    """The arena's camera, turned to a point; the picture is `span_m` wide there."""
    way = target_m - arena.position_m
    distance = jnp.sqrt(jnp.sum(way**2))
    return camera_.look(
        arena.position_m,
        yaw=jnp.arctan2(way[0], way[1]),
        pitch=jnp.arcsin(-way[2] / distance),
        roll=arena.roll,
        focal_px=image_hw[1] * distance / span_m,
        centre_px=jnp.array([image_hw[1] / 2, image_hw[0] / 2], jnp.float32),
    )


def adverts(arena: Arena, camera: Camera) -> Shapes:
    """A row of boards behind the far side line, with something like letters on them."""
    left = ADVERT_WIDTH_M * (np.arange(ADVERTS) - ADVERTS / 2)
    letter = np.arange(LETTERS) * 0.7 + 0.4
    boards = _upright(left, np.full(ADVERTS, ADVERT_WIDTH_M), 0.0, ADVERT_HEIGHT_M)
    start = (left[:, None] + letter[None]).reshape(-1)
    width = 0.2 + 0.4 * arena.letters[:, :, 0].reshape(-1)
    high = 0.5 + 0.25 * arena.letters[:, :, 1].reshape(-1)
    letters = _upright(start, width, 0.22, high)
    colours = jnp.concatenate(
        [arena.adverts[:, 0], jnp.repeat(arena.adverts[:, 1], LETTERS, axis=0)]
    )
    corners, depth = camera_.project(camera, jnp.concatenate([boards, letters]))
    visible = jnp.where(depth.min(axis=1) > 1.0, 1.0, 0.0)
    return primitives.quads(corners, athletes.values(colours, 0), alpha=visible)


def _upright(left_m, width_m, low_m, high_m) -> Float[Array, "n 4 3"]:
    """Corners of rectangles that stand on the line of the adverts."""
    left, width = jnp.asarray(left_m, jnp.float32), jnp.asarray(width_m, jnp.float32)
    low = jnp.broadcast_to(jnp.asarray(low_m, jnp.float32), left.shape)
    high = jnp.broadcast_to(jnp.asarray(high_m, jnp.float32), left.shape)
    depth = jnp.full(left.shape, ADVERT_Y_M, jnp.float32)
    corners = ((left, low), (left + width, low), (left + width, high), (left, high))
    return jnp.stack([jnp.stack([x, depth, z], -1) for x, z in corners], axis=-2)


def basket(camera: Camera, side: float) -> tuple[Shapes, Float[Array, ""]]:
    """`BASKET_PARTS` shapes of the basket at x = side * 14 m, and its distance.

    Distance is that along the floor in the direction of the view, see `distance_m`.
    """
    board_x = side * (LENGTH_M / 2 - 1.2)
    (y0, y1), (z0, z1) = BOARD_M
    panes = (
        ((y0, y1), (z0, z1), 225.0, 0.45),
        ((-0.295, 0.295), (3.05, 3.50), 250.0, 0.7),
        ((-0.245, 0.245), (3.10, 3.45), 225.0, 0.8),
    )
    corners = jnp.array(
        [
            [
                [board_x, y, z]
                for y, z in ((p[0], q[0]), (p[1], q[0]), (p[1], q[1]), (p[0], q[1]))
            ]
            for p, q, _, _ in panes
        ],
        jnp.float32,
    )
    foot, rim_x = side * (LENGTH_M / 2 + 1.6), side * (LENGTH_M / 2 - BASKET_M)
    ring = [
        (rim_x + RIM_RADIUS_M * np.cos(a), RIM_RADIUS_M * np.sin(a), RIM_HEIGHT_M)
        for a in np.linspace(0, 2 * np.pi, 5)
    ]
    dark, orange = (50.0, 54.0, 66.0), (220.0, 80.0, 30.0)
    bars = [
        ((foot, 0, 0), (foot, 0, 1.5), 0.3, dark),
        ((foot, 0, 1.5), (board_x + side * 0.3, 0, 3.2), 0.12, dark),
        *((ring[k], ring[k + 1], 0.025, orange) for k in range(4)),
    ]
    ends = jnp.array([[bar[0], bar[1]] for bar in bars], jnp.float32)
    at, depth = camera_.project(camera, ends)
    radius = jnp.array([[bar[2]] * 2 for bar in bars], jnp.float32)
    rods = primitives.capsules(
        at[:, 0],
        at[:, 1],
        radius * camera.focal_px / jnp.maximum(depth, 0.5),
        athletes.values(jnp.array([bar[3] for bar in bars], jnp.float32), 0),
        alpha=jnp.where(depth.min(axis=1) > 1.0, 1.0, 0.0),
    )
    at, depth = camera_.project(camera, corners)
    opacity = jnp.array([pane[3] for pane in panes], jnp.float32)
    grey = jnp.array([[pane[2]] * 3 for pane in panes], jnp.float32)
    glass = primitives.quads(
        at,
        athletes.values(grey, 0),
        alpha=jnp.where(depth.min(axis=1) > 1.0, opacity, 0.0),
    )
    where = jnp.array([[rim_x, 0.0]], jnp.float32)
    return primitives.concatenate(rods, glass), distance_m(camera, where)[0]


def distance_m(camera: Camera, xy_m: Float[Array, "n 2"]) -> Float[Array, " n"]:
    """From the camera to points of the floor along the level direction of its view."""
    level = camera.rotation[2, :2]
    level = level / jnp.sqrt(jnp.sum(level**2) + 1e-9)
    return (xy_m - camera.position_m[None, :2]) @ level
