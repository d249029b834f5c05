"""Players on made-up pictures, and the fields that a perfect network would give.

Everything is plain numpy: what decoders are measured against must not come from them.
"""

import dataclasses
import math

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ttjax.deepsportlab.arrays import Inputs, Outputs, Pif
from ttjax.scenes import BALL_ID

UPRIGHT = np.array(
    [
        [0.0, 9.3], [-0.35, 9.7], [0.35, 9.7], [-0.7, 9.5], [0.7, 9.5],
        [-1.4, 8.0], [1.4, 8.0], [-1.75, 6.0], [1.75, 6.2], [-1.75, 4.0], [1.75, 4.2],
        [-1.26, 4.0], [1.26, 4.0], [-1.4, 2.0], [1.4, 2.1], [-1.4, 0.0], [1.4, 0.1],
    ]
)  # fmt: skip
"""Joints of someone who stands, x to the right and y up, in tenths of the height."""
LIMBS = (
    (5, 7, 0.45), (7, 9, 0.4), (6, 8, 0.45), (8, 10, 0.4),
    (11, 13, 0.65), (13, 15, 0.5), (12, 14, 0.65), (14, 16, 0.5),
    (5, 11, 0.7), (6, 12, 0.7), (5, 12, 0.9), (6, 11, 0.9), (0, 0, 1.0),
)  # fmt: skip
"""Capsules that make up a mask: two joints and a radius in tenths of the height."""
SIGMAS = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062,
     .107, .107, .087, .087, .089, .089]
)  # fmt: skip
"""Scale of each joint in shares of the square root of its player's area (COCO)."""


@dataclasses.dataclass(frozen=True)
class Players:
    """Players and a ball on a picture, in px; a row is a player.

    ids: row + 1, `BALL_ID` or 0. Who stands lower in the picture is in front.
    centre_px: mean of the visible mask. area_px: pixels of it.
    visible: the joint lies on its own player's visible mask.
    """

    ids: UInt8[np.ndarray, "h w"]
    joints_px: Float[np.ndarray, "n 17 2"]
    visible: Bool[np.ndarray, "n 17"]
    box_px: Float[np.ndarray, "n 4"]
    centre_px: Float[np.ndarray, "n 2"]
    area_px: Float[np.ndarray, " n"]
    ball_px: Float[np.ndarray, " 2"]


def spread(
    rng: np.random.Generator,
    count: int,
    image_hw: tuple[int, int],
    *,
    height_px: tuple[float, float] = (70.0, 110.0),
) -> Players:
    """Players that stand about on a jittered grid, so that few of them overlap."""
    h, w = image_hw
    columns = math.ceil(math.sqrt(count * w / h))
    lines = math.ceil(count / columns)
    row = np.arange(count)
    cell_hw = np.array([(h - height_px[1] - 8) / max(lines - 1, 1), w / columns])
    foot = np.stack(
        [
            (row % columns + 0.5) * cell_hw[1],
            height_px[1] + row // columns * (cell_hw[0] if lines > 1 else 0.0),
        ],
        axis=1,
    )
    foot += rng.uniform(-0.08, 0.08, (count, 2)) * cell_hw[::-1]
    heights = rng.uniform(*height_px, count)
    return standing(rng, foot, heights, image_hw)


def standing(
    rng: np.random.Generator,
    foot_px: Float[np.ndarray, "n 2"],
    height_px: Float[np.ndarray, " n"],
    image_hw: tuple[int, int],
    *,
    ball_px: Float[np.ndarray, " 2"] | None = None,
) -> Players:
    """Players who stand at `foot_px`, their limbs a little moved, and a ball."""
    h, w = image_hw
    count = len(foot_px)
    pose = UPRIGHT[None] + rng.normal(0.0, 0.15, (count, 17, 2))
    # Faces are drawn as they are: their joints are closer than limbs move.
    pose[:, :5] = UPRIGHT[:5] + rng.normal(0.0, 0.15, (count, 1, 2))
    unit = height_px[:, None, None] / 10.0
    joints = foot_px[:, None] + pose * np.array([1.0, -1.0]) * unit
    ids = np.zeros((h, w), np.uint8)
    for row in np.argsort(foot_px[:, 1], kind="stable"):
        _paint(ids, joints[row], float(height_px[row]) / 10.0, row + 1)
    if ball_px is None:
        ball_px = rng.uniform(0.1, 0.9, 2) * np.array([w, h])
    y, x = np.mgrid[:h, :w] + 0.5
    ids[np.hypot(x - ball_px[0], y - ball_px[1]) <= 6.0] = BALL_ID
    masks = ids[None] == np.arange(1, count + 1, dtype=np.uint8)[:, None, None]
    area = masks.sum((1, 2)).astype(np.float64)
    least = np.maximum(area, 1.0)
    centre = np.stack([(masks * x).sum((1, 2)), (masks * y).sum((1, 2))], 1)
    at = np.floor(joints).astype(int)
    inside = ((at >= 0) & (at < np.array([w, h]))).all(-1)
    at = np.clip(at, 0, np.array([w, h]) - 1)
    return Players(
        ids=ids,
        joints_px=joints,
        visible=inside & (ids[at[..., 1], at[..., 0]] == np.arange(count)[:, None] + 1),
        box_px=np.concatenate([joints.min(1), joints.max(1)], 1),
        centre_px=centre / least[:, None],
        area_px=area,
        ball_px=np.asarray(ball_px, np.float64),
    )


def fields(
    made: Players,
    *,
    stride: int = 8,
    map_stride: int = 2,
    noise: np.random.Generator | None = None,
) -> Outputs:
    """What a perfect network gives for a batch of that one picture.

    noise: vectors that miss by 1/20 cell, uneven confidences and offsets that miss by
        a pixel, as of a good network; None: none of it.
    """
    h, w = made.ids.shape
    grid_hw = ((h - 1) // stride + 1, (w - 1) // stride + 1)
    size_px = (made.box_px[:, 2:] - made.box_px[:, :2]).clip(1.0)
    root_area = np.sqrt(size_px.prod(1)) / stride
    shown = made.area_px > 0
    parts = [
        pif(made.joints_px[:, k], root_area * SIGMAS[k], grid_hw, stride)
        for k in range(17)
    ]
    centre = pif(made.centre_px[shown], 0.1 * root_area[shown], grid_hw, stride)
    ball = pif(made.ball_px[None], np.array([0.2]), grid_hw, stride)
    coarse = made.ids[::map_stride, ::map_stride].astype(int)
    y, x = np.mgrid[: coarse.shape[0], : coarse.shape[1]] * map_stride + 0.5
    player = (coarse > 0) & (coarse != BALL_ID)
    own = np.where(player, coarse - 1, 0)
    known = len(made.centre_px) > 0
    centres = made.centre_px if known else np.zeros((1, 2))
    offset = np.stack([centres[own, 1] - y, centres[own, 0] - x], -1) / map_stride
    semantic = np.stack([coarse == 0, player, coarse == BALL_ID], -1) * 8.0 - 4.0
    offset = np.where(player[..., None], offset, 0.0)
    if noise is not None:
        offset = offset + noise.normal(0.0, 0.5, offset.shape)
        semantic = semantic + noise.normal(0.0, 0.5, semantic.shape)
    return Outputs(
        parts=_batch(parts, noise),
        centre=_batch([centre], noise),
        ball=_batch([ball], noise),
        semantic=semantic.astype(np.float32)[None],
        offset=offset.astype(np.float32)[None],
    )


def inputs(made: Players, to_source: tuple[float, float] = (1.0, 1.0)) -> Inputs:
    """The picture of a batch of one, all black, that `fields` belong to."""
    h, w = made.ids.shape
    return Inputs(
        image=np.zeros((1, h, w, 3), np.uint8),
        valid_hw=np.array([[h, w]], np.int32),
        to_source=np.array([to_source], np.float32),
    )


def pif(
    points_px: Float[np.ndarray, "n 2"],
    scales: Float[np.ndarray, " n"],
    grid_hw: tuple[int, int],
    stride: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One kind of points as a field: probability [h w], vector [h w 2], scale [h w].

    The 4x4 cells about a point know it; where patches meet, the nearest point counts.

    scales: in cells; at most a quarter of the distance to the next point.
    """
    h, w = grid_hw
    points = (points_px - 0.5) / stride
    probability, scale = np.zeros((h, w)), np.ones((h, w))
    vector = np.zeros((h, w, 2))
    nearest = np.full((h, w), np.inf)
    for index, point in enumerate(points):
        others = np.delete(points, index, axis=0)
        gap = np.hypot(*(others - point).T).min() if len(others) else np.inf
        left, top = np.round(point - 1.5).astype(int)
        for i in range(max(top, 0), min(top + 4, h)):
            for j in range(max(left, 0), min(left + 4, w)):
                away = point - (j, i)
                if np.hypot(*away) < nearest[i, j]:
                    nearest[i, j] = np.hypot(*away)
                    probability[i, j], vector[i, j] = 1.0, away
                    scale[i, j] = max(min(scales[index], gap / 4.0), 1e-3)
    return probability, vector, scale


def _batch(
    kinds: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    noise: np.random.Generator | None,
) -> Pif:
    probability, vector, scale = (np.stack(x, 2) for x in zip(*kinds, strict=True))
    logit = np.where(probability > 0.5, 4.0, -6.0)
    if noise is not None:
        logit = logit + noise.normal(0.0, 1.0, logit.shape)
        vector = vector + noise.normal(0.0, 0.05, vector.shape)
    return Pif(
        confidence=logit.astype(np.float32)[None],
        vector=vector.astype(np.float32)[None],
        log_spread=np.zeros_like(logit, np.float32)[None],
        log_scale=np.log(scale).astype(np.float32)[None],
    )


def _paint(ids: np.ndarray, joints: np.ndarray, unit_px: float, value: int) -> None:
    """Capsules between joints, written into `ids`."""
    h, w = ids.shape
    margin = 1.1 * unit_px
    low = np.maximum(np.floor(joints.min(0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(joints.max(0) + margin), [w, h]).astype(int)
    if (high <= low).any():
        return
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    at = np.stack([x, y], -1)
    drawn = np.zeros(x.shape, np.bool_)
    for first, second, radius in LIMBS:
        a, along = joints[first], joints[second] - joints[first]
        share = ((at - a) @ along) / max(along @ along, 1e-9)
        foot = a + share.clip(0, 1)[..., None] * along
        drawn |= ((at - foot) ** 2).sum(-1) <= (radius * unit_px) ** 2
    ids[low[1] : high[1], low[0] : high[0]][drawn] = value
