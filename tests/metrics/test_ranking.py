import math

import numpy as np
import pytest

from ttjax.metrics.ranking import CONFIDENCE, Verdict, judge, t_quantile

# Student (1908) and every table since, two-sided 5 %.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 9: 2.262}
TABLE |= {10: 2.228, 29: 2.045, 30: 2.042, 120: 1.980}


@pytest.mark.parametrize("freedom", TABLE)
def test_quantiles_are_those_of_the_tables(freedom):
    assert CONFIDENCE == 0.95
    assert t_quantile(freedom) == pytest.approx(TABLE[freedom], abs=6e-4)


def test_without_repeats_there_is_no_quantile():
    with pytest.raises(ValueError, match="repeat the runs"):
        t_quantile(0)


def test_a_difference_counts_beyond_the_spread_only():
    low, high = [0.90, 0.91, 0.92], [0.95, 0.96, 0.97]
    assert judge(high, low, higher=True) is Verdict.SAME
    assert judge(low, high, higher=True) is Verdict.SWAPPED
    assert judge(low, high, higher=False) is Verdict.SAME
    assert judge([0.90, 0.95, 1.0], [0.91, 0.97, 1.0], higher=True) is Verdict.WITHIN
    assert judge(low, low, higher=True) is Verdict.WITHIN


def test_the_border_is_where_students_t_has_it():
    """Of three repeats each a difference of 2.776 standard errors."""
    a = np.array([-1.0, 0.0, 1.0])
    error = math.sqrt(1.0 * 2 / 3)
    for factor, verdict in ((2.77, Verdict.WITHIN), (2.78, Verdict.SAME)):
        assert judge((a + factor * error).tolist(), a.tolist(), higher=True) is verdict


def test_equal_variants_are_told_apart_once_in_twenty():
    draws = np.random.default_rng(0).normal(size=(2000, 2, 3)).tolist()
    told = [judge(a, b, higher=True) is not Verdict.WITHIN for a, b in draws]
    assert np.mean(told) == pytest.approx(0.05, abs=0.015)


def test_what_has_no_spread_or_no_value():
    assert judge([1.0], [2.0], higher=True) is Verdict.WITHIN
    assert judge([1.0, 1.0], [2.0, 2.0], higher=False) is Verdict.SAME
    assert judge([math.nan], [1.0, 2.0], higher=True) is None
    assert judge([1.0, math.nan, 1.0], [2.0, 2.0], higher=False) is Verdict.SAME
