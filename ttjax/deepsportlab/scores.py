"""Rows of a table of scores over pictures, each with its bootstrap interval."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float

RESAMPLES = 1000
"""Bootstrap draws of a 95 % interval."""

FEWEST_PICTURES = 3
"""With fewer pictures an interval over pictures says nothing."""

CHUNK = 1 << 20
"""Most weights (draws times pictures) that are held at a time."""

Score = Callable[[Float[np.ndarray, "r p"]], Float[np.ndarray, " r"]]
"""Of how often each of p pictures counts, in r draws at once; NaN without a sample."""


@dataclasses.dataclass(frozen=True)
class Statistic:
    """A score as a function of the weights of the pictures.

    n: the samples behind it. baseline: the score of the best constant predictor, None
    where that makes no sense.
    """

    of: Score
    n: int
    baseline: float | None = None


def quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, NaN where nothing was counted."""
    denominator = np.asarray(denominator, np.float64)
    safe = np.where(denominator > 0, denominator, 1.0)
    return np.where(denominator > 0, numerator / safe, np.nan)


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


def draws(pictures: int, *, seed: int = 0) -> Iterator[Float[np.ndarray, "r p"]]:
    """How often each picture is drawn in each bootstrap sample, some samples at a time.

    The same for the same seed.
    """
    generator = np.random.default_rng(seed)
    rows = max(1, CHUNK // max(pictures, 1))
    for start in range(0, RESAMPLES, rows):
        size = min(rows, RESAMPLES - start)
        share = np.full(pictures, 1.0 / pictures)
        yield generator.multinomial(pictures, share, size=size).astype(np.float64)


def entries(
    statistics: Mapping[str, Statistic], pictures: int, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """`{metric: {"value", "n", "baseline", "low", "high"}}`.

    Metrics without a sample are left out, and so is what makes no sense: a baseline
    that is not given, and the bounds with fewer than three pictures.
    """
    if not pictures:
        return {}
    once = np.ones((1, pictures))
    table, drawn = {}, {}
    for name, one in statistics.items():
        value = float(one.of(once)[0])
        if np.isfinite(value):
            table[name] = {"value": value, "n": float(one.n)}
            drawn[name] = []
            if one.baseline is not None:
                table[name]["baseline"] = float(one.baseline)
    if pictures < FEWEST_PICTURES:
        return table
    for weights in draws(pictures, seed=seed):
        for name, found in drawn.items():
            found.append(statistics[name].of(weights))
    for name, found in drawn.items():
        values = np.concatenate(found)
        values = values[np.isfinite(values)]
        if len(values):
            low, high = np.quantile(values, (0.025, 0.975))
            table[name] |= {"low": float(low), "high": float(high)}
    return table
