"""Rows of a table of scores over pictures, each with its bootstrap interval."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ttjax.metrics import intervals
from ttjax.metrics.intervals import Score, quotient


@dataclasses.dataclass(frozen=True)
class Statistic:
    """A score as a function of the weights of the pictures.

    n: the samples behind it. baseline: the score of the best constant predictor, None
    where that makes no sense.
    """

    of: intervals.Of
    n: int
    baseline: float | None = None


def ratio(
    numerators: Sequence[float] | np.ndarray,
    denominators: Sequence[float] | np.ndarray,
    *,
    n: int | None = None,
    baseline: float | None = None,
) -> Statistic:
    """The sum of numerators over the sum of denominators, one of each per picture.

    n: the sum of the denominators where it is not given.
    """
    above = np.asarray(numerators, np.float64)
    below = np.asarray(denominators, np.float64)
    count = int(below.sum()) if n is None else n
    return Statistic(lambda w: quotient(w @ above, w @ below), count, baseline)


def harmonic_mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """2 a b / (a + b), such as F1 of precision and recall; 0 where both are 0."""
    both = first + second
    return np.where(both == 0, 0.0, 2 * first * second / np.where(both == 0, 1.0, both))


def entries(
    statistics: Mapping[str, Statistic], pictures: int, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """`{metric: {"value", "n", "baseline", "low", "high"}}`.

    Metrics without a sample are left out, and so is what makes no sense: a baseline
    that is not given, and the bounds with fewer than three pictures.
    """
    if not pictures:
        return {}
    values = {n: intervals.value(one.of, pictures) for n, one in statistics.items()}
    kept = {n: one for n, one in statistics.items() if np.isfinite(values[n])}
    of = {name: one.of for name, one in kept.items()}
    bounds = intervals.intervals(of, pictures, seed=seed)
    table = {}
    for name, one in kept.items():
        low, high = bounds.get(name, (None, None))
        table[name] = Score(values[name], one.n, one.baseline, low, high).entry()
    return table
