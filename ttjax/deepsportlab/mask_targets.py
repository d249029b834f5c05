"""Maps of players become the targets of the maps; one picture, the caller vmaps.

Pixel (row i, column j) of a map of stride s stands at the pixel xy (j, i) * s + 0.5.
"""

from collections.abc import Sequence

import flax.struct
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int32, UInt8

from ttjax.deepsportlab.pif_targets import to_cells, valid_cells
from ttjax.samples import UNKNOWN, VISIBLE
from ttjax.scenes import BACKGROUND, BALL_ID, IGNORED, SceneLabels

NO_CLASS = -1
"""Class of a pixel that is not taught."""
HEAT_SIGMA_PX = 8.0
"""Width of a centre in a heat map (Panoptic-DeepLab, Cheng et al., 2020)."""


@flax.struct.dataclass
class MaskTarget:
    """What the semantic and the offset map should say. Leading axes are free.

    semantic: index into the classes that are asked for, or `NO_CLASS`.
    offset: (dy, dx) in pixels of the map to the mean of the player's visible pixels.
    offset_known: the pixels of players.
    labelled: False where nothing is known of the picture's masks.
    """

    semantic: Int32[Array, "*b hs ws"]
    offset: Float[Array, "*b hs ws 2"]
    offset_known: Bool[Array, "*b hs ws"]
    labelled: Bool[Array, "*b"]


@flax.struct.dataclass
class HeatTarget:
    """What a heat map of centres should say. Leading axes are free.

    known: False at pixels whose people are not told apart.
    """

    heat: Float[Array, "*b hs ws"]
    known: Bool[Array, "*b hs ws"]
    labelled: Bool[Array, "*b"]


def tally_in_turn(ids: UInt8[Array, "h w"], players: int) -> Int32[Array, "n 3"]:
    """Per row the sums of x and of y and the number of its pixels, in whole pixels.

    A single pass that adds to a table: for CPUs.
    """
    h, w = ids.shape
    shape = (h, w)
    x = jnp.broadcast_to(jnp.arange(w, dtype=jnp.int32)[None], shape)
    y = jnp.broadcast_to(jnp.arange(h, dtype=jnp.int32)[:, None], shape)
    values = jnp.stack([x, y, jnp.ones_like(x)], axis=-1).reshape(-1, 3)
    table = jnp.zeros((256, 3), jnp.int32)
    return table.at[ids.astype(jnp.int32).reshape(-1)].add(values)[1 : players + 1]


def tally_at_once(ids: UInt8[Array, "h w"], players: int) -> Int32[Array, "n 3"]:
    """The same by comparing with every row: no two threads add to one number."""
    h, w = ids.shape
    rows = jnp.arange(players, dtype=jnp.int32) + 1
    mine = ids.astype(jnp.int32)[None] == rows[:, None, None]
    columns = jnp.sum(mine, axis=1, dtype=jnp.int32)
    lines = jnp.sum(mine, axis=2, dtype=jnp.int32)
    x = jnp.sum(columns * jnp.arange(w, dtype=jnp.int32)[None], axis=1)
    y = jnp.sum(lines * jnp.arange(h, dtype=jnp.int32)[None], axis=1)
    return jnp.stack([x, y, jnp.sum(columns, axis=1)], axis=-1)


def visible_centres(
    ids: UInt8[Array, "h w"], players: int
) -> tuple[Float[Array, "{players} 2"], Int32[Array, " {players}"]]:
    """Mean xy in pixels of every row's visible pixels, and how many there are.

    Zeros where there are none. Summed as integers, exact for pictures of up to two
    million pixels.
    """
    table = lax.platform_dependent(
        ids,
        cpu=lambda ids: tally_in_turn(ids, players),
        default=lambda ids: tally_at_once(ids, players),
    )
    count = table[:, 2]
    mean = table[:, :2].astype(jnp.float32) / jnp.maximum(count, 1)[:, None] + 0.5
    return jnp.where(count[:, None] > 0, mean, 0.0), count


def encode_masks(
    labels: SceneLabels,
    valid_hw: Int32[Array, " 2"],
    centre_px: Float[Array, "n 2"],
    *,
    classes: Sequence[str],
    stride: int,
) -> MaskTarget:
    """The class of every `stride`-th pixel, and where its player's centre is.

    Not taught are `IGNORED` pixels, those of a crowd, and everything where masks are
    not known; of a ball that was seen but not drawn, the pixels within its radius. What
    lies outside `valid_hw` is background.

    classes: "background" and others of "player" and "ball". Without "player" the
        picture is known where the state of the ball is, and a visible one is drawn.
    """
    ids: Array = jnp.asarray(labels.ids)[::stride, ::stride].astype(jnp.int32)
    size_hw = ids.shape[0], ids.shape[1]
    valid = valid_cells(valid_hw, stride=stride, size_hw=size_hw)
    row = jnp.clip(ids - 1, 0, centre_px.shape[0] - 1)
    person = (ids != BACKGROUND) & (ids != BALL_ID) & (ids != IGNORED)
    crowd = person & jnp.asarray(labels.crowd)[row]
    player, ball = person & ~crowd, ids == BALL_ID
    state = jnp.asarray(labels.ball_state)
    seen = state == VISIBLE
    drawn = (jnp.asarray(labels.ids) == BALL_ID).any()
    asked = {name: index for index, name in enumerate(classes)}
    semantic = jnp.where(player, asked.get("player", 0), 0)
    semantic = jnp.where(ball, asked.get("ball", 0), semantic)
    ignored = (ids == IGNORED) | crowd
    if "player" in asked:
        labelled = jnp.asarray(labels.masks_known)
    else:
        labelled = (state != UNKNOWN) & (~seen | drawn)
    y, x = jnp.meshgrid(*(jnp.arange(size) for size in size_hw), indexing="ij")
    here = jnp.stack([x, y], axis=-1).astype(jnp.float32)
    if "ball" in asked:
        at = to_cells(jnp.asarray(labels.ball_xy_px), stride)
        radius = jnp.maximum(0.5 * jnp.asarray(labels.ball_diameter_px) / stride, 1.0)
        near = jnp.sum((here - at[None, None]) ** 2, axis=-1) <= radius**2
        ignored = ignored | (near & seen & ~drawn)
    semantic = jnp.where(ignored, NO_CLASS, semantic)
    semantic = jnp.where(valid, semantic, 0)
    semantic = jnp.where(labelled, semantic, NO_CLASS)
    offset_known = player & valid & labels.masks_known
    offset = (to_cells(centre_px, stride)[row] - here)[..., ::-1]
    return MaskTarget(
        semantic=semantic.astype(jnp.int32),
        offset=jnp.where(offset_known[..., None], offset, 0.0),
        offset_known=offset_known,
        labelled=labelled,
    )


def encode_heat(
    labels: SceneLabels,
    valid_hw: Int32[Array, " 2"],
    centre_px: Float[Array, "n 2"],
    present: Bool[Array, " n"],
    *,
    stride: int,
) -> HeatTarget:
    """The highest of Gaussians of unit height at the centres (Panoptic-DeepLab).

    8 px wide in the picture, as there. Not taught at `IGNORED` pixels.
    """
    ids: Array = jnp.asarray(labels.ids)[::stride, ::stride]
    size_hw = ids.shape[0], ids.shape[1]
    at = to_cells(centre_px, stride)
    rows = (jnp.arange(size_hw[0])[None] - at[:, 1, None]) ** 2
    columns = (jnp.arange(size_hw[1])[None] - at[:, 0, None]) ** 2
    rows = jnp.where(present[:, None], rows, jnp.inf)
    square = jnp.min(rows[:, :, None] + columns[:, None], axis=0)
    sigma = HEAT_SIGMA_PX / stride
    valid = valid_cells(valid_hw, stride=stride, size_hw=size_hw)
    labelled = jnp.asarray(labels.masks_known)
    return HeatTarget(
        heat=jnp.where(valid, jnp.exp(-0.5 * square / sigma**2), 0.0),
        known=((ids != IGNORED) | ~valid) & labelled,
        labelled=labelled,
    )
