"""The arithmetic of a table of scores, on the host: ratios, matches, constants."""

import itertools

import numpy as np
from jaxtyping import Bool, Float, Int

from ttjax.fields import peaks
from ttjax.metrics import intervals
from ttjax.metrics.intervals import Score, quotient


def ratio(
    numerators: Float[np.ndarray, "clips *m"],
    denominators: Float[np.ndarray, "clips *m"],
    *,
    n: int,
    baseline: float | None = None,
    root: bool = False,
) -> Score:
    """Sum of numerators / sum of denominators over clips, with `root` its square root.

    With a further axis of classes: the mean over the classes that occur.
    """

    def of(draws: np.ndarray) -> np.ndarray:
        share = quotient(draws @ numerators, draws @ denominators)
        if share.ndim > 1:
            there = np.isfinite(share)
            share = quotient(np.where(there, share, 0.0).sum(1), there.sum(1))
        return np.sqrt(share) if root else share

    return intervals.score(of, len(numerators), n=n, baseline=baseline)


def median(
    values: Float[np.ndarray, " n"],
    clip: Int[np.ndarray, " n"],
    *,
    clips: int,
    baseline: float | None = None,
) -> Score:
    """The (lower) median of values, each of one clip."""
    order = np.argsort(values, kind="stable")
    values, clip = values[order], clip[order]

    def of(draws: np.ndarray) -> np.ndarray:
        found = np.full(len(draws), np.nan)
        for row, counts in enumerate(draws):
            weight = np.cumsum(counts[clip])
            if len(weight) and weight[-1] > 0:
                found[row] = values[np.searchsorted(weight, 0.5 * weight[-1])]
        return found

    return intervals.score(of, clips, n=len(values), baseline=baseline)


def matches(
    predicted: Int[np.ndarray, " p"], true: Int[np.ndarray, " q"], *, tolerance: int
) -> int:
    """The most pairs of one predicted and one true frame at most `tolerance` apart.

    Both ascending; each frame is in one pair at most. Earliest to earliest is best.
    """
    found = first = second = 0
    while first < len(predicted) and second < len(true):
        apart = int(predicted[first]) - int(true[second])
        if abs(apart) <= tolerance:
            found, first, second = found + 1, first + 1, second + 1
        elif apart < 0:
            first += 1
        else:
            second += 1
    return found


def event_counts(
    probabilities: Float[np.ndarray, " n"],
    true: Bool[np.ndarray, " n"],
    known: Bool[np.ndarray, " n"],
    *,
    tolerance: int,
    threshold: float,
    gap: int,
) -> tuple[int, int, int]:
    """Matched, predicted and true events of one kind in one untrimmed clip.

    Frames that were not annotated hold neither.
    """
    peak = peaks.temporal_peaks(probabilities, threshold=threshold, gap=gap)
    peak, true_frames = peak[known[peak]], np.flatnonzero(true & known)
    found = matches(peak, true_frames, tolerance=tolerance)
    return found, len(peak), len(true_frames)


def constant_pce(targets: Float[np.ndarray, "n e"]) -> float:
    """PCE of the best constant predictor: the share of the commonest outcome."""
    _, counts = np.unique(targets >= 0.5, axis=0, return_counts=True)
    return float(counts.max() / len(targets))


def constant_spce(targets: Float[np.ndarray, "n e"], *, within: float = 0.25) -> float:
    """SPCE of the best constant predictor.

    The best constant can be moved until, in each output, some target lies at the lower
    end of what it covers, [v, v + 2 `within`): all such constants are tried.
    """
    rows, counts = np.unique(np.round(targets, 4), axis=0, return_counts=True)
    covers = []
    for column in rows.T:
        lowest = np.unique(column)[:, None]
        covers.append((column >= lowest) & (column < lowest + 2 * within))
    best = 0
    for choice in itertools.product(*(range(len(cover)) for cover in covers)):
        inside = np.logical_and.reduce(
            [cover[index] for cover, index in zip(covers, choice, strict=True)]
        )
        best = max(best, int(counts[inside].sum()))
    return float(best / len(targets))


def constant_iou(pixel_sums: Float[np.ndarray, "h w"], frames: int) -> float:
    """IoU of the best constant mask, from how often each pixel was set in n frames.

    Among masks of one size the pixels that are set most often win, so the masks made of
    the k commonest pixels hold the best one.
    """
    common = np.sort(pixel_sums, axis=None)[::-1]
    both = np.cumsum(common)
    either = both[-1] - both + frames * np.arange(1, common.size + 1)
    return float((both / np.maximum(either, 1.0)).max())
