"""Scores with bootstrap intervals over the units of a test set: clips, or pictures.

What a unit contributes is reduced to a few numbers first; a score is then a function of
how often each unit counts, and is computed for many draws at once.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Float

RESAMPLES = 1000
"""Bootstrap draws of a 95 % interval."""

FEWEST = 3
"""With fewer units an interval over units says nothing."""

CHUNK = 1 << 20
"""Most weights (draws times units) that are held at a time."""

Of = Callable[[Float[np.ndarray, "r u"]], Float[np.ndarray, " r"]]
"""A score, of how often each of u units counts, in r draws at once; NaN without a
sample."""


@dataclasses.dataclass(frozen=True)
class Score:
    """A row of a table; `None` where a field makes no sense.

    value: the score. n: the samples behind it. baseline: the score of the best constant
    predictor. low, high: 95 % interval over units.
    """

    value: float
    n: int
    baseline: float | None = None
    low: float | None = None
    high: float | None = None

    def entry(self) -> dict[str, float]:
        """The fields that are given."""
        fields = dataclasses.asdict(self).items()
        return {name: float(value) for name, value in fields if value is not None}


def quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, NaN where nothing was counted."""
    denominator = np.asarray(denominator, np.float64)
    safe = np.where(denominator > 0, denominator, 1.0)
    return np.where(denominator > 0, numerator / safe, np.nan)


def value(of: Of, units: int) -> float:
    """The score of the test set itself, in which each unit counts once."""
    return float(of(np.ones((1, units)))[0])


def draws(units: int, *, seed: int = 0) -> Iterator[Float[np.ndarray, "r u"]]:
    """How often each unit is drawn in each bootstrap sample, some samples at a time.

    The same for the same seed.
    """
    generator = np.random.default_rng(seed)
    rows = max(1, CHUNK // max(units, 1))
    for start in range(0, RESAMPLES, rows):
        size = min(rows, RESAMPLES - start)
        share = np.full(units, 1.0 / units)
        yield generator.multinomial(units, share, size=size).astype(np.float64)


def intervals(
    of: Mapping[str, Of], units: int, *, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals over units of scores, all from the same draws.

    Left out are those of which no draw holds a sample; of fewer than `FEWEST` units
    there is none.
    """
    if units < FEWEST:
        return {}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in of}
    for weights in draws(units, seed=seed):
        for name, one in of.items():
            drawn[name].append(one(weights))
    bounds = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        if len(values):
            low, high = np.quantile(values, (0.025, 0.975))
            bounds[name] = float(low), float(high)
    return bounds


def score(of: Of, units: int, *, n: int, baseline: float | None = None) -> Score:
    """One score with its interval."""
    low, high = intervals({"": of}, units).get("", (None, None))
    return Score(value(of, units), n, baseline, low, high)
