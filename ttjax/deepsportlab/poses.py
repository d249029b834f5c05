"""Similarity of poses: COCO's, and of the four points that DeepSport annotates."""

import numpy as np
from jaxtyping import Bool, Float

from ttjax.deepsportlab import joints

EARS, HIPS, ANKLES = (3, 4), (11, 12), (15, 16)
"""COCO joints of the four points."""

FOUR = ("head", "hips", "foot1", "foot2")
"""The points of DeepSport's annotation."""
SWAPPED = (0, 1, 3, 2)
"""The four points with the feet exchanged."""
_FEET = ([0, 1, 2, 3], list(SWAPPED))
FOUR_KAPPA = 0.8 * np.array([0.15, 0.20, 0.20, 0.20])
"""Tolerances of the four points, in roots of the area, as released with the paper."""
JOINT_KAPPA = 2.0 * np.round(np.asarray(joints.SIGMAS, np.float64), 6)
"""Tolerances of COCO's joints: twice their sigmas, as decimals say them."""


def four_points(
    joints_px: Float[np.ndarray, "n k 2"], found: Bool[np.ndarray, "n k"]
) -> tuple[Float[np.ndarray, "n 4 2"], Bool[np.ndarray, "n 4"]]:
    """Head, hips, feet of COCO's joints, and which of them there are.

    Mean of the ears and of the hips, of one alone where only one was found; the
    ankles. Section 4 of the paper.
    """
    points, there = [], []
    for pair in (EARS, HIPS, ANKLES[:1], ANKLES[1:]):
        weight = found[:, pair, None].astype(np.float64)
        where = np.where(found[:, pair, None], joints_px[:, pair], 0.0)
        count = weight.sum(axis=1)
        points.append((where * weight).sum(axis=1) / np.maximum(count, 1.0))
        there.append(count[:, 0] > 0)
    return np.stack(points, axis=1), np.stack(there, axis=1)


def squared_distance(
    guess: Float[np.ndarray, "p k 2"], truth: Float[np.ndarray, "g k 2"]
) -> Float[np.ndarray, "p g k"]:
    """Of every predicted to every true person, joint by joint, in px^2."""
    delta = guess[:, None].astype(np.float64) - truth[None].astype(np.float64)
    return (delta**2).sum(axis=-1)


def similarity(
    squared: Float[np.ndarray, "p g k"],
    area_px: Float[np.ndarray, " g"],
    kappa: Float[np.ndarray, " k"],
) -> Float[np.ndarray, "p g k"]:
    """exp(-d^2 / (2 s kappa^2)) per joint, s the area: COCO's definition."""
    area = (np.asarray(area_px, np.float64) + np.spacing(1))[None, :, None]
    return np.exp(-squared / (2.0 * area * kappa[None, None] ** 2))


def unsquared_similarity(
    squared: Float[np.ndarray, "p g k"],
    area_px: Float[np.ndarray, " g"],
    kappa: Float[np.ndarray, " k"],
) -> Float[np.ndarray, "p g k"]:
    """exp(-d / (2 s kappa^2)): the published scores' distance is not squared.

    Far more lenient: at s = 2000 px^2 a hip that is 10 px off has 0.91, not 0.38. And
    it depends on the unit of the distance.
    """
    return similarity(np.sqrt(squared), area_px, kappa)


def oks(
    guess: Float[np.ndarray, "p k 2"],
    found: Bool[np.ndarray, "p k"],
    truth: Float[np.ndarray, "g k 2"],
    labelled: Bool[np.ndarray, "g k"],
    *,
    area_px: Float[np.ndarray, " g"],
    box_px: Float[np.ndarray, "g 4"],
    kappa: Float[np.ndarray, " k"] = JOINT_KAPPA,
) -> Float[np.ndarray, "p g"]:
    """Object keypoint similarity as COCO defines it: the mean over labelled joints.

    A joint that was not found has similarity 0. A person without a labelled joint is
    compared by how far joints lie outside of the box, enlarged to three times its size.
    """
    squared = squared_distance(guess, truth)
    none = ~labelled.any(axis=1)
    if none.any():
        size = box_px[:, 2:] - box_px[:, :2]
        low, high = box_px[:, :2] - size, box_px[:, 2:] + size
        outside = np.maximum(low[None, :, None] - guess[:, None], 0.0)
        outside += np.maximum(guess[:, None] - high[None, :, None], 0.0)
        beyond = (outside**2).sum(axis=-1)
        squared = np.where(none[None, :, None], beyond, squared)
    each = np.where(found[:, None], similarity(squared, area_px, kappa), 0.0)
    counted = (labelled | none[:, None]).astype(np.float64)
    return (each * counted[None]).sum(axis=-1) / counted.sum(axis=1)[None]


def box_area(points: Float[np.ndarray, "g k 2"]) -> Float[np.ndarray, " g"]:
    """Area of the box around points, at least 1 px^2: the scale of the four points."""
    sides = points.max(axis=1, initial=-np.inf) - points.min(axis=1, initial=np.inf)
    return np.maximum(sides.prod(axis=-1), 1.0)


def told_apart(truth: Float[np.ndarray, "g 4 2"]) -> Bool[np.ndarray, "g 4"]:
    """Points that count: two feet at one place were not told apart, and do not."""
    same = (truth[:, 2] == truth[:, 3]).all(axis=-1)
    return ~(same[:, None] & np.array([False, False, True, True])[None])


def lenient_four_oks(
    guess: Float[np.ndarray, "p 4 2"],
    found: Bool[np.ndarray, "p 4"],
    truth: Float[np.ndarray, "g 4 2"],
) -> Float[np.ndarray, "p g"]:
    """The published similarity: unsquared, the mean over the points that were found.

    The better of the two ways to name the feet; 0 where no point can be compared.
    """
    counted, scale = told_apart(truth), box_area(truth)
    best = np.zeros((len(guess), len(truth)))
    for order in _FEET:
        squared = squared_distance(guess[:, order], truth)
        each = unsquared_similarity(squared, scale, FOUR_KAPPA)
        use = found[:, None, order] & counted[None]
        total = np.where(use, each, 0.0).sum(axis=-1)
        best = np.maximum(best, total / np.maximum(use.sum(axis=-1), 1))
    return best


def four_oks(
    guess: Float[np.ndarray, "p 4 2"],
    found: Bool[np.ndarray, "p 4"],
    truth: Float[np.ndarray, "g 4 2"],
) -> Float[np.ndarray, "p g"]:
    """Squared as in COCO, the mean over all points; one that was not found counts 0.

    The better of the two ways to name the feet.
    """
    counted, scale = told_apart(truth), box_area(truth)
    best = np.zeros((len(guess), len(truth)))
    for order in _FEET:
        each = similarity(squared_distance(guess[:, order], truth), scale, FOUR_KAPPA)
        use = found[:, None, order] & counted[None]
        total = np.where(use, each, 0.0).sum(axis=-1)
        best = np.maximum(best, total / counted.sum(axis=1)[None])
    return best


def lies_in(
    points: Float[np.ndarray, "p k 2"],
    found: Bool[np.ndarray, "p k"],
    middle: Float[np.ndarray, "p 2"],
    box_px: Float[np.ndarray, "g 4"],
) -> Bool[np.ndarray, "p g"]:
    """Whether most of a pose's found points lie in a box; without any, its middle."""
    every = np.concatenate([points, middle[:, None]], axis=1)[:, None]
    low, high = box_px[None, :, None, :2], box_px[None, :, None, 2:]
    inside = ((every >= low) & (every <= high)).all(axis=-1)
    some = found.any(axis=1)
    counted = np.concatenate([found, ~some[:, None]], axis=1)
    share = (inside & counted[:, None]).sum(axis=-1)
    return 2 * share > counted.sum(axis=1)[:, None]
