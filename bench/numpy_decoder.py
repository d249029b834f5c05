"""The decoder as one writes it in NumPy: maps of the picture's size, peaks, masks.

What the one on the device is compared with: the steps of the paper's released decoder,
each vectorised, on the host.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from ttjax.deepsportlab.arrays import Outputs, Pif
from ttjax.deepsportlab.decoder import Decoder

REACH_SIGMAS = 5.0
"""Votes are drawn so far where they are not truncated: beyond it they are 4e-6."""


def decode(
    outputs: Outputs, decoder: Decoder, *, image_hw: tuple[int, int]
) -> tuple[
    Int[np.ndarray, "hs ws"], Float[np.ndarray, "n k 2"], Float[np.ndarray, "n k"]
]:
    """Ids, joints in px and their scores, of the first picture of a batch.

    Row n has the id n + 1; a joint that was not found has score 0. Peaks go to the
    player whom their pixel votes for, the strongest first.
    """
    parts, centre, semantic, offset = (
        outputs.parts, outputs.centre, outputs.semantic, outputs.offset
    )  # fmt: skip
    if parts is None or centre is None or semantic is None or offset is None:
        raise ValueError(
            "Poses need parts, centres and masks, got outputs without one of them: "
            "switch these heads on."
        )
    step = (image_hw[0] - 1) // (semantic.shape[1] - 1)
    centres = peaks(
        density(centre, 0, decoder, image_hw), decoder, decoder.centre_threshold
    )[1]
    rows = len(centres)
    group = nearest(np.asarray(offset[0]), centres, step)
    player = np.asarray(semantic[0]).argmax(-1) == 1
    k = parts.confidence.shape[-1]
    joints, scores = np.zeros((rows, k, 2)), np.zeros((rows, k))
    for kind in range(k if rows else 0):
        found = peaks(
            density(parts, kind, decoder, image_hw), decoder, decoder.joint_threshold
        )
        for score, xy in zip(*found, strict=True):
            j, i = np.floor((xy - 0.5) / step + 0.5).astype(int)
            row = group[min(i, group.shape[0] - 1), min(j, group.shape[1] - 1)]
            if score > scores[row, kind]:
                scores[row, kind], joints[row, kind] = score, xy
    area = np.bincount(group[player], minlength=rows) * step**2
    points = (scores > 0).sum(1) + 1
    kept = (area >= decoder.min_area_px) & (points >= decoder.min_joints)
    ids = np.where(player & kept[group], group + 1, 0) if rows else player * 0
    return ids, joints, scores * kept[:, None]


def density(
    pif: Pif, kind: int, decoder: Decoder, image_hw: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """S of Eq. 3 at the pixels, one vote after the other."""
    h, w = image_hw
    splat = decoder.splat
    stride = (h - 1) / (pif.confidence.shape[1] - 1)
    confidence = 1.0 / (1.0 + np.exp(-np.asarray(pif.confidence[0, :, :, kind])))
    values = np.zeros(image_hw, np.float32)
    for i, j in np.argwhere(confidence > decoder.cell_threshold):
        dx, dy = np.asarray(pif.vector[0, i, j, kind])
        x, y = (j + dx) * stride + 0.5, (i + dy) * stride + 0.5
        scale_px = np.exp(float(pif.log_scale[0, i, j, kind])) * stride
        sigma = max(splat.sigma_floor_px, 0.5 * scale_px)
        reach = sigma * (splat.truncate_sigma or REACH_SIGMAS)
        left, top = max(int(x - reach), 0), max(int(y - reach), 0)
        right, bottom = min(int(x + reach) + 1, w), min(int(y + reach) + 1, h)
        if right <= left or bottom <= top:
            continue
        away_x = np.arange(left, right) + 0.5 - x
        away_y = np.arange(top, bottom) + 0.5 - y
        squared = away_y[:, None] ** 2 + away_x[None, :] ** 2
        votes = np.exp(-0.5 / sigma**2 * squared) * (squared <= reach**2)
        values[top:bottom, left:right] += confidence[i, j] / splat.normaliser * votes
    return values


def peaks(
    values: Float[np.ndarray, "h w"], decoder: Decoder, threshold: float
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 2"]]:
    """Scores and xy of the pixels that are the maximum of the square around them."""
    reach = int(decoder.nms_radius_px)
    highest = values
    for axis in (0, 1):
        margin: Any = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(highest, margin), 2 * reach + 1, axis=axis
        )
        highest = windows.max(-1)
    is_peak: Bool[np.ndarray, "h w"] = (values == highest) & (values > threshold)
    i, j = np.nonzero(is_peak)
    return values[i, j], np.stack([j, i], 1) + 0.5


def nearest(
    offset: Float[np.ndarray, "h w 2"], centres: Float[np.ndarray, "n 2"], step: int
) -> Int[np.ndarray, "h w"]:
    """The centre that each pixel votes for; 0 if there is none."""
    h, w = offset.shape[:2]
    if not len(centres):
        return np.zeros((h, w), np.int64)
    y, x = np.mgrid[:h, :w] * step + 0.5 + offset.transpose(2, 0, 1) * step
    squared = (x[None] - centres[:, 0, None, None]) ** 2
    squared += (y[None] - centres[:, 1, None, None]) ** 2
    return squared.argmin(0)
