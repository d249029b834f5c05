"""What people wear, and the colours of things: picked at random from palettes."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.sim.body import LOOKS, Person
from ttjax.sim.draws import Uniforms

SHIRTS = ((110, 36, 30), (25, 40, 120), (28, 30, 34), (150, 150, 150), (30, 90, 50))
PLAIN = {
    "skin": ((120, 95, 62), (92, 70, 46), (70, 50, 34), (120, 95, 62), (120, 95, 62)),
    "hair": ((30, 26, 20), (70, 55, 32), (40, 34, 28), (90, 84, 72), (30, 26, 20)),
    "shirt": SHIRTS,
    "sleeve": (
        (30, 32, 36),
        (140, 140, 140),
        (120, 40, 34),
        (30, 32, 36),
        (26, 40, 110),
    ),
    "shorts": ((26, 28, 30), (62, 70, 66), (30, 34, 80), (26, 28, 30), (40, 40, 44)),
    "shoe": (
        (40, 60, 90),
        (140, 150, 150),
        (40, 40, 44),
        (120, 130, 130),
        (30, 30, 34),
    ),
    "forehand": (
        (120, 28, 24),
        (26, 26, 26),
        (120, 28, 24),
        (120, 28, 24),
        (110, 30, 28),
    ),
    "backhand": ((26, 26, 26), (24, 24, 26), (120, 28, 24), (26, 26, 26), (30, 28, 28)),
    "trim": (
        (150, 152, 150),
        (120, 122, 120),
        (140, 140, 40),
        (150, 150, 150),
        (60, 60, 60),
    ),
    "sock": (
        (150, 152, 150),
        (30, 30, 32),
        (150, 150, 150),
        (40, 40, 44),
        (140, 140, 140),
    ),
}
"""Per row of `ttjax.sim.body.LOOKS`, as worn in the hall of OpenTTGames."""
VARIED = {
    "skin": (
        (200, 156, 124),
        (176, 128, 96),
        (140, 96, 68),
        (100, 68, 50),
        (70, 48, 38),
    ),
    "hair": ((24, 20, 18), (60, 42, 28), (130, 100, 60), (34, 30, 28), (120, 118, 114)),
    "shirt": (
        (220, 70, 120),
        (30, 60, 180),
        (210, 210, 205),
        (220, 190, 40),
        (30, 30, 36),
    ),
    "sleeve": (
        (190, 60, 100),
        (40, 40, 60),
        (200, 200, 200),
        (40, 110, 180),
        (200, 90, 30),
    ),
    "shorts": (
        (26, 26, 30),
        (30, 40, 110),
        (180, 180, 176),
        (90, 30, 36),
        (50, 52, 56),
    ),
    "shoe": (
        (205, 205, 200),
        (190, 40, 44),
        (215, 215, 215),
        (40, 90, 170),
        (190, 200, 60),
    ),
    "forehand": (
        (190, 36, 40),
        (180, 30, 34),
        (40, 90, 170),
        (30, 130, 80),
        (190, 50, 130),
    ),
    "backhand": ((24, 24, 26), (30, 28, 30), (22, 22, 24), (26, 26, 30), (28, 28, 28)),
    "trim": (
        (220, 220, 216),
        (230, 230, 225),
        (30, 30, 34),
        (210, 180, 50),
        (200, 60, 60),
    ),
    "sock": (
        (210, 210, 206),
        (220, 220, 216),
        (34, 34, 38),
        (60, 90, 170),
        (200, 60, 60),
    ),
}
"""The same, as worn elsewhere."""
WHITE = (216.0, 218.0, 214.0)
WHITES = {"shoe": 0.4, "sock": 0.5, "trim": 0.3}
"""In bright halls these are as white as the ball, in so many of the most varied."""
LEFT_HANDED = 0.2
VARIED_GAIN = 0.62
"""Of varied palettes, which are those of bright halls."""


def pick(
    colours: Float[Array, "*#n k 3"], uniform: Float[Array, "*n 5"]
) -> Float[Array, "*n 3"]:
    """One of k colours (0-255), with a little of its own brightness and hue."""
    index = jnp.floor(uniform[..., :1] * colours.shape[-2]).astype(jnp.int32)
    colour = jnp.take_along_axis(colours, index[..., None], axis=-2)[..., 0, :]
    vary = 2.0 * uniform[..., 1:] - 1.0
    colour = colour * (1.0 + 0.22 * vary[..., :1]) + 6.0 * vary[..., 1:]
    return jnp.clip(colour, 0.0, 245.0)


def pick_either(
    plain,
    varied,
    uniform: Float[Array, "*n 6"],
    share: Float[Array, ""],
    gain: float | Float[Array, ""],
) -> Float[Array, "*n 3"]:
    """A colour of `varied` with probability `share`, else of `plain`.

    `gain` times as bright; varied palettes are those of brighter halls.
    """
    shape = (*uniform.shape[:-1], -1, 3)
    tables = []
    for colours in (plain, varied):
        table = jnp.asarray(colours, jnp.float32)
        table = table.reshape((1,) * (len(shape) - table.ndim) + table.shape)
        tables.append(jnp.broadcast_to(table, (*shape[:-2], *table.shape[-2:])))
    use = (uniform[..., :1] < share)[..., 0]
    first, second = (pick(table, uniform[..., 1:]) for table in tables)
    return gain * jnp.where(use[..., None], VARIED_GAIN * second, first)


def people(draws: Uniforms, gain, variety: Float[Array, ""]) -> Person:
    """Two players: colours `gain` times as bright, heights, hands."""
    plain = jnp.array([PLAIN[name] for name in LOOKS], jnp.float32)
    varied = jnp.array([VARIED[name] for name in LOOKS], jnp.float32)
    uniform = draws.take(2, len(LOOKS), 6)
    # Light and dark belong to a hall: all of a person's colours are of one palette.
    uniform = jnp.concatenate(
        [jnp.broadcast_to(uniform[:, :1, :1], (2, len(LOOKS), 1)), uniform[..., 1:]],
        axis=-1,
    )
    looks = pick_either(plain[None], varied[None], uniform, 0.8 * variety, gain)
    same = draws.take(2, 1) < 0.5
    shirt, sleeve = (LOOKS.index(name) for name in ("shirt", "sleeve"))
    looks = looks.at[:, sleeve].set(jnp.where(same, looks[:, shirt], looks[:, sleeve]))
    for name, share in WHITES.items():
        white, shade = draws.take(2), draws.take(2, 1, low=0.75)
        row = LOOKS.index(name)
        cloth = gain * shade * jnp.array([WHITE])
        white = (white < share * variety)[:, None]
        looks = looks.at[:, row].set(jnp.where(white, cloth, looks[:, row]))
    kit = draws.take(2)
    return Person(
        colours=jnp.minimum(looks, 245.0),
        height=draws.take(2, low=0.95, high=1.06),
        handed=jnp.where(kit < LEFT_HANDED * variety, -1.0, 1.0),
    )
