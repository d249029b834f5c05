import numpy as np
import pytest

from ttjax.metrics import intervals
from ttjax.metrics.intervals import Score

RNG = np.random.default_rng(0)


def mean(values):
    return lambda weights: intervals.quotient(weights @ values, weights.sum(axis=1))


def test_a_score_gives_only_what_it_has():
    assert Score(0.5, 3).entry() == {"value": 0.5, "n": 3.0}
    full = Score(0.5, 3, 0.1, 0.4, 0.6).entry()
    assert full == {"value": 0.5, "n": 3.0, "baseline": 0.1, "low": 0.4, "high": 0.6}


def test_quotient_of_nothing_is_not_a_number():
    got = intervals.quotient(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    assert got[0] == 0.5
    assert np.isnan(got[1])


def test_the_value_counts_each_unit_once():
    values = RNG.normal(size=9)
    np.testing.assert_allclose(intervals.value(mean(values), 9), values.mean())


def test_draws_are_of_as_many_units_as_there_are(monkeypatch: pytest.MonkeyPatch):
    whole = list(intervals.draws(7))
    assert len(whole) == 1
    monkeypatch.setattr(intervals, "CHUNK", 7 * 64)
    parts = list(intervals.draws(7))
    assert {part.shape for part in parts} == {(64, 7), (1000 % 64, 7)}
    every = np.concatenate(parts)
    assert every.shape == (intervals.RESAMPLES, 7)
    assert (every.sum(axis=1) == 7).all()
    np.testing.assert_array_equal(every, whole[0])
    assert (next(intervals.draws(7, seed=1)) != parts[0]).any()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    inside = 0
    for _ in range(60):
        of = mean(RNG.normal(3.0, 1.0, 25))
        low, high = intervals.intervals({"mean": of}, 25)["mean"]
        inside += low <= 3.0 <= high
    assert 49 <= inside <= 60


def test_scores_share_their_draws_and_those_without_a_sample_have_no_interval():
    values = RNG.normal(size=6)
    of = {"a": mean(values), "b": mean(-values), "none": lambda w: w[:, 0] * np.nan}
    bounds = intervals.intervals(of, 6)
    assert set(bounds) == {"a", "b"}
    np.testing.assert_allclose(bounds["a"], np.negative(bounds["b"])[::-1])
    assert intervals.intervals(of, intervals.FEWEST - 1) == {}


def test_a_score_has_the_interval_of_its_units():
    values = RNG.normal(size=6)
    got = intervals.score(mean(values), 6, n=20, baseline=0.5)
    bounds = intervals.intervals({"a": mean(values)}, 6)["a"]
    assert (got.n, got.baseline, got.low, got.high) == (20, 0.5, *bounds)
    assert got.value == intervals.value(mean(values), 6)
    few = intervals.score(mean(values[:2]), 2, n=2)
    assert (few.low, few.high) == (None, None)
