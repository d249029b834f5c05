"""How a hall is furnished: where its walls stand, their colours, cloth and words."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ttjax.geometry.camera import Camera
from ttjax.sim import adverts, crowd
from ttjax.sim.draws import Uniforms
from ttjax.sim.room import FLOOR_KNOTS, PANELS, WALL_KNOTS, Place, Room
from ttjax.sim.wardrobe import VARIED_GAIN, pick, pick_either

CURTAINS = ((9, 34, 112), (9, 34, 112), (12, 14, 90), (12, 14, 90), (9, 34, 112))
CURTAINS += ((20, 70, 50), (60, 60, 66), (90, 30, 34), (12, 14, 90), (9, 34, 112))
WALLS = ((150, 148, 140), (190, 186, 176), (96, 108, 120), (36, 34, 42), (18, 16, 22))
WALLS += ((120, 80, 54), (60, 90, 120), (34, 60, 110), (170, 160, 130), (90, 40, 40))
FLOORS = ((160, 143, 38), (160, 143, 38), (118, 86, 20), (120, 34, 30), (60, 84, 110))
FLOORS += ((160, 143, 38), (160, 143, 38), (118, 86, 20), (160, 143, 38), (90, 90, 80))
MATS = ((150, 40, 44), (176, 50, 50), (70, 66, 76), (40, 84, 140), (30, 100, 90))
MATS += ((190, 140, 90), (206, 160, 110), (150, 112, 70), (110, 112, 116), (44, 42, 50))
PAPERS = ((125, 160, 138), (18, 28, 28), (14, 60, 40), (125, 160, 138))
INKS = ((120, 44, 34), (150, 170, 40), (12, 48, 32), (40, 60, 110))
"""Banners of OpenTTGames, paper and ink of a kind in the same place."""
MORE_PAPERS = (
    (30, 30, 40),
    (20, 50, 130),
    (200, 200, 196),
    (150, 30, 40),
    (24, 90, 80),
)
MORE_INKS = (
    (230, 230, 230),
    (235, 235, 235),
    (30, 50, 120),
    (235, 225, 210),
    (230, 220, 90),
)


def place(draws: Uniforms, camera: Camera, variety: Float[Array, ""]) -> Place:
    """Walls around the court and the camera, banners around the court."""
    u = draws.take(10)
    large = (draws.take(5) ** 2) * variety * jnp.array([12.0, 12.0, 12.0, 14.0, 4.0])
    side = jnp.where(camera.position_m[1] < 0.0, 1.0, -1.0)
    long = 8.5 + 2.5 * u[:2] + large[:2]
    wide = jnp.stack([6.0 + 1.5 * u[2] + large[2], 5.4 + large[3]])
    # The umpire's side is the one that is seen: its wall stands where it always did.
    near, far = wide
    low_y = jnp.where(side > 0.0, near, far)
    high_y = jnp.where(side > 0.0, far, near)
    at = camera.position_m[:2]
    fence = jnp.stack([6.3 + 1.2 * u[3], 6.6 + 1.2 * u[4], 3.1 + 1.5 * u[5]])
    back = 3.6 + 1.0 * (2.0 * u[6] - 1.0)
    low, high = (
        jnp.where(side > 0.0, *pair) for pair in ((fence[2], back), (back, fence[2]))
    )
    return Place(
        walls=jnp.stack(
            [
                jnp.minimum(-long[0], at[0] - 1.0),
                jnp.maximum(long[1], at[0] + 1.0),
                jnp.minimum(-low_y, at[1] - 1.0),
                jnp.maximum(high_y, at[1] + 1.0),
            ]
        ),
        walls_m=jnp.maximum(3.5 + 1.0 * u[7] + large[4], camera.position_m[2] + 1.0),
        fence=jnp.stack([-fence[0], fence[1], -low, high]),
        fence_m=jnp.where(u[8] < 0.15 * variety, 0.0, 0.66 + 0.12 * u[9]),
        umpire=side,
    )


WAVES = 16


def _drapery(draws: Uniforms) -> Float[Array, "16 193"]:
    """Relative brightness of hung cloth: slanting folds with sharp ridges, patches.

    Below a seam the folds hang anew.
    """
    rows, columns = WALL_KNOTS
    down = np.linspace(0.0, 1.0, rows, dtype=np.float32)[None, :, None]
    along = np.linspace(0.0, 1.0, columns, dtype=np.float32)[None, None]
    wave = jnp.moveaxis(draws.take(WAVES, 7), -1, 0)[:, :, None, None]
    turns, phase, tilt, size, sway, centre, width = wave
    seam = (down > 0.45).astype(np.float32)
    turns = 3.0 + 26.0 * turns**1.5
    where = turns * (along + 0.16 * (tilt - 0.5) * down * (1.0 + sway * down))
    ridge = 0.5 + 0.5 * jnp.sin(2.0 * jnp.pi * (where + phase + seam * sway * 0.4))
    reach = jnp.abs(along - 1.2 * centre + 0.1 + 0.5 * (tilt - 0.5) * down)
    reach = jnp.maximum(1.0 - reach / (0.12 + 0.4 * width), 0.0)
    total = jnp.sum(size * reach * (ridge**4 - 0.25), axis=0)
    fine = draws.take(rows, columns, low=-1.0)
    fine = 0.5 * (fine + jnp.roll(fine, 1, axis=1))
    fine = 0.5 * fine + 0.5 * jnp.roll(fine, 1, axis=0)
    patches = draws.take(4, 9, low=-1.0)
    coarse = [
        np.maximum(1 - np.abs(np.linspace(0, k - 1, n)[:, None] - np.arange(k)), 0)
        for n, k in ((rows, 4), (columns, 9))
    ]
    patches = jnp.einsum(
        "ai,ij,bj->ab",
        coarse[0].astype(np.float32),
        patches,
        coarse[1].astype(np.float32),
    )
    bright = 1.0 + 0.07 * fine + 0.5 * total + 0.26 * patches
    return jnp.clip(bright, 0.3, 2.6)


def draw(
    draws: Uniforms, stands: Place, gain: Float[Array, ""], variety: Float[Array, ""]
) -> Room:
    """Colours of the hall, `gain` times as bright."""
    u = draws.take(12)
    light = draws.take(6, low=-1.0)
    new = draws.take(2) < 0.75 * variety
    curtain = pick_either(CURTAINS, WALLS, draws.take(6), 0.75 * variety, gain)
    floor = pick_either(FLOORS, MATS, draws.take(2, 6), 0.8 * variety, gain)
    # Mostly one floor for all of the hall.
    floor = floor.at[1].set(jnp.where(u[0] < 0.5 * variety, floor[1], floor[0]))
    kinds = jnp.floor(draws.take(PANELS) * len(PAPERS)).astype(jnp.int32)
    sheets = [jnp.array(table, jnp.float32)[kinds] for table in (PAPERS, INKS)]
    pair = jnp.floor(draws.take(PANELS) * len(MORE_PAPERS)).astype(jnp.int32)
    # Elsewhere banners mostly look all alike.
    pair = jnp.where(u[1] < 0.6, pair[:1], pair)
    more = [jnp.array(table, jnp.float32)[pair] for table in (MORE_PAPERS, MORE_INKS)]
    papers, inks = (
        jnp.where(new[0], VARIED_GAIN * b, a) * gain
        for a, b in zip(sheets, more, strict=True)
    )
    bank = 1.0 + 0.05 * draws.take(PANELS, low=-1.0)
    words = jnp.floor(draws.take(PANELS) * len(adverts.WORDS)).astype(jnp.int32)
    # Two kinds of banner have their own word, as those of one sponsor.
    words = jnp.where(~new[0], kinds % 4 + jnp.where(kinds == 3, 3, 0), words)
    # Narrow boards, or sheets.
    wooden = u[4] < 0.6 * variety
    boards = jnp.stack(
        [
            jnp.where(wooden, 0.08 + 0.12 * u[2], 1.5 + u[2]),
            0.09 * u[3] * wooden,
            0.05 + variety * 0.16 * u[5],
        ]
    )
    plain = jnp.where(u[6] < 0.7 * variety, 0.9 + 0.1 * u[7], 0.5 * variety * u[7])
    return Room(
        place=stands,
        curtain=jnp.minimum(curtain, 235.0),
        wall_knots=_drapery(draws),
        plain=plain,
        skirting=jnp.stack([1.0 - 0.5 * plain * u[8], 0.4 + 1.2 * u[9]]),
        floor=jnp.minimum(floor, 235.0),
        floor_knots=1.0 + 0.022 * draws.take(*FLOOR_KNOTS, low=-1.73, high=1.73),
        boards=boards,
        papers=jnp.minimum(papers * bank[:, None], 250.0),
        inks=jnp.minimum(inks, 250.0),
        words=words,
        panel_m=2.1 + 0.7 * u[10],
        decals=(u[11] < 0.35 * variety).astype(jnp.float32),
        crowd=crowd.draw(draws, gain, variety * (stands.fence_m > 0.0)),
        shadow=jnp.stack([0.72 + 0.12 * light[1], 0.35 + 0.15 * light[2]]),
        light=jnp.stack([0.18 * light[3], 0.15 + 0.15 * light[4], 0.25 * light[5]]),
        ceiling=pick(jnp.array([[14.0, 15.0, 16.0]]), draws.take(5)) * gain,
    )
