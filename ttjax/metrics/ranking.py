"""Whether one variant is better than another, as far as repeated runs can tell."""

import enum
import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95
"""Two-sided: so rarely would equal variants be told apart."""


class Verdict(enum.Enum):
    """What repeats say of a claim that one variant is better than another."""

    SAME = "same"
    """It is."""
    SWAPPED = "swapped"
    """It is the other way round."""
    WITHIN = "within"
    """The difference is within the spread of the repeats."""


def judge(
    better: Sequence[float], worse: Sequence[float], *, higher: bool
) -> Verdict | None:
    """What repeats of two variants say of the claim that the first is better.

    Student's t with a pooled variance: the difference of the means counts where it
    exceeds the quantile of n + m - 2 degrees of freedom times its standard error. One
    repeat of each has no spread to compare with. None where a variant has no finite
    repeat.

    higher: whether higher values are better.
    """
    a, b = (np.array([x for x in v if math.isfinite(x)]) for v in (better, worse))
    if not len(a) or not len(b):
        return None
    difference = float(a.mean() - b.mean()) * (1.0 if higher else -1.0)
    freedom = len(a) + len(b) - 2
    squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
    if freedom == 0:
        return Verdict.WITHIN
    error = math.sqrt(squares / freedom * (1 / len(a) + 1 / len(b)))
    if abs(difference) <= t_quantile(freedom) * error:
        return Verdict.WITHIN
    return Verdict.SAME if difference > 0 else Verdict.SWAPPED


def t_quantile(freedom: int) -> float:
    """The t that so many degrees of freedom exceed, on both sides, once in twenty.

    Raises:
        ValueError: there is no degree of freedom.
    """
    if freedom < 1:
        raise ValueError(
            f"Student's t has at least one degree of freedom, got {freedom}: repeat "
            "the runs."
        )
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _inside(middle, freedom) < CONFIDENCE:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _inside(t: float, freedom: int) -> float:
    """P(|T| <= t), the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    even = freedom % 2 == 0
    term = 1.0 if even else math.cos(angle)
    total = term if freedom > 1 else 0.0
    for k in range(2 if even else 3, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (k - 1) / k
        total += term
    total *= math.sin(angle)
    return total if even else 2.0 / math.pi * (angle + total)
