"""Precision and recall of ranked detections, as COCO defines them, in numpy."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax.deepsportlab.scores import Statistic, harmonic_mean

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Similarities from which on a detection is right."""
RECALLS = np.linspace(0.0, 1.0, 101)
"""Where the precision is read off."""
SIZES: Mapping[str, tuple[float, float]] = {
    "m": (32.0**2, 96.0**2),
    "l": (96.0**2, 1e10),
}
"""Areas in px^2, both ends included, of what COCO calls medium and large."""


@dataclasses.dataclass(frozen=True)
class Ranked:
    """The detections of one picture, the best first, at each of t thresholds.

    right: matched to somebody who counts. ignored: neither right nor wrong.
    truths: how many count.
    """

    score: Float[np.ndarray, " d"]
    right: Bool[np.ndarray, "t d"]
    ignored: Bool[np.ndarray, "t d"]
    truths: int


def match(
    similarity: Float[np.ndarray, "d g"],
    *,
    ignored: Bool[np.ndarray, " g"],
    crowd: Bool[np.ndarray, " g"],
    thresholds: Float[np.ndarray, " t"] = THRESHOLDS,
) -> Integer[np.ndarray, "t d"]:
    """The truth that each detection takes, or -1; detections come best first.

    Each takes the most similar one that is left and counts, from the threshold on; only
    where there is none, one that is ignored. Of equals the last. A crowd is never used
    up.
    """
    count, truths = similarity.shape
    taken = np.full((len(thresholds), count), -1)
    for row, threshold in enumerate(thresholds):
        left = np.ones(truths, np.bool_)
        for detection in range(count):
            near = similarity[detection] >= min(threshold, 1 - 1e-10)
            near &= left | crowd
            if (near & ~ignored).any():
                near &= ~ignored
            if not near.any():
                continue
            alike = np.where(near, similarity[detection], -1.0)
            best = truths - 1 - int(np.argmax(alike[::-1]))
            taken[row, detection], left[best] = best, False
    return taken


def rank(
    score: Float[np.ndarray, " d"],
    similarity: Float[np.ndarray, "d g"],
    *,
    ignored: Bool[np.ndarray, " g"],
    crowd: Bool[np.ndarray, " g"],
    most: int,
    outside: Bool[np.ndarray, " d"] | None = None,
) -> Ranked:
    """Matches the `most` best detections of a picture.

    outside: detections that are neither right nor wrong where they match nobody.
    """
    order = np.argsort(-score, kind="stable")[:most]
    taken = match(similarity[order], ignored=ignored, crowd=crowd)
    # The last entry stands for -1: nobody.
    counts = np.append(~ignored, False)[taken]
    void = np.append(ignored, False)[taken]
    if outside is not None:
        void |= (taken < 0) & outside[order][None]
    truths = int((~ignored).sum())
    return Ranked(score[order].astype(np.float64), counts, void, truths)


@dataclasses.dataclass(frozen=True)
class Sized:
    """The detections of one picture, and those for truths of each of `SIZES` alone."""

    every: Ranked
    sizes: Mapping[str, Ranked]


def rank_by_size(
    score: Float[np.ndarray, " d"],
    similarity: Float[np.ndarray, "d g"],
    *,
    ignored: Bool[np.ndarray, " g"],
    crowd: Bool[np.ndarray, " g"],
    most: int,
    area_px: Float[np.ndarray, " d"],
    true_area_px: Float[np.ndarray, " g"],
) -> Sized:
    """Matches the `most` best detections, once for all truths and once for each size.

    Truths of another size are ignored then, as are detections of another size that
    match nobody: as in COCO.
    """

    def beyond(area: np.ndarray, size: tuple[float, float]) -> np.ndarray:
        return (area < size[0]) | (area > size[1])

    every = rank(score, similarity, ignored=ignored, crowd=crowd, most=most)
    sizes = {
        name: rank(
            score,
            similarity,
            ignored=ignored | beyond(true_area_px, size),
            crowd=crowd,
            most=most,
            outside=beyond(area_px, size),
        )
        for name, size in SIZES.items()
    }
    return Sized(every, sizes)


class Ranking:
    """The detections of many pictures in one order; None is a picture without truth."""

    def __init__(self, pictures: Sequence[Ranked | None]):
        """Sorts all detections by their score; equal ones stay in order."""
        there = [(row, one) for row, one in enumerate(pictures) if one is not None]
        self.truths = np.zeros(len(pictures))
        for row, one in there:
            self.truths[row] = one.truths
        empty = np.zeros((len(THRESHOLDS), 0), np.bool_)
        score = np.concatenate([np.zeros(0), *(one.score for _, one in there)])
        order = np.argsort(-score, kind="stable")
        rows = [np.full(len(one.score), row) for row, one in there]
        self.picture = np.concatenate([np.zeros(0, np.int64), *rows])[order]
        right = np.concatenate([empty, *(one.right for _, one in there)], axis=1)
        ignored = np.concatenate([empty, *(one.ignored for _, one in there)], axis=1)
        self.right = (right & ~ignored)[:, order]
        self.wrong = (~right & ~ignored)[:, order]

    def precision_and_recall(
        self, weights: Float[np.ndarray, "r p"]
    ) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
        """AP: the mean over thresholds of the mean of the precision at 101 recalls.

        Precision at a recall is the best at that recall or beyond, 0 where it is never
        reached. AR: the mean over thresholds of the recall of all detections. NaN
        without a truth.
        """
        truths = weights @ self.truths
        precision, recall = np.zeros(len(weights)), np.zeros(len(weights))
        # As many draws at a time as make a table of about eight megabytes.
        step = max(1, (1 << 20) // max(len(self.picture), 1))
        for start in range(0, len(weights), step):
            part = slice(start, start + step)
            each = weights[part][:, self.picture]
            for right, wrong in zip(self.right, self.wrong, strict=True):
                got = self._at_threshold(each, right, wrong, truths[part])
                precision[part] += got[0] / len(THRESHOLDS)
                recall[part] += got[1] / len(THRESHOLDS)
        known = truths > 0
        return np.where(known, precision, np.nan), np.where(known, recall, np.nan)

    @staticmethod
    def _at_threshold(
        each: np.ndarray, right: np.ndarray, wrong: np.ndarray, truths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if not right.any():
            return np.zeros(len(each)), np.zeros(len(each))
        # Recall rises and precision peaks where a detection is right: only there.
        true = np.cumsum(each[:, right], axis=1)
        false = np.cumsum(each * wrong[None], axis=1)[:, right]
        recall = true / np.maximum(truths, 1.0)[:, None]
        precision = true / (true + false + np.spacing(1))
        beyond = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        # How many of the recalls are reached here first.
        reached = np.searchsorted(RECALLS, recall, side="right")
        first = np.diff(reached, axis=1, prepend=0)
        return (beyond * first).sum(axis=1) / len(RECALLS), recall[:, -1]


def statistics(
    prefix: str, pictures: Sequence[Ranked | None], *, f1: bool = True
) -> dict[str, Statistic]:
    """AP, AR and, of these two, F1 = 2 AP AR / (AP + AR)."""
    ranking = Ranking(pictures)
    n = int(ranking.truths.sum())
    last: list = [None, None]

    def both(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # The three rows are asked for the same weights one after another.
        if last[0] is not weights:
            last[:] = weights, ranking.precision_and_recall(weights)
        return last[1]

    found = {
        f"{prefix}/AP": Statistic(lambda w: both(w)[0], n),
        f"{prefix}/AR": Statistic(lambda w: both(w)[1], n),
    }
    if f1:
        found[f"{prefix}/F1"] = Statistic(lambda w: harmonic_mean(*both(w)), n)
    return found


def sized_statistics(
    prefix: str, pictures: Sequence[Sized | None], *, f1: bool = True
) -> dict[str, Statistic]:
    """AP, AR and F1 of all truths, and `APm`, `APl` of medium and large ones."""
    every = [None if one is None else one.every for one in pictures]
    found = statistics(prefix, every, f1=f1)
    for size in SIZES:
        some = [None if one is None else one.sizes[size] for one in pictures]
        found[f"{prefix}/AP{size}"] = statistics("", some)["/AP"]
    return found
