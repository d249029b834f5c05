import itertools

import numpy as np

from ttjax.deepsportlab import scores
from ttjax.deepsportlab.scores import Statistic

RNG = np.random.default_rng(0)


def test_a_ratio_is_of_sums_over_pictures_with_an_interval_that_holds_it():
    above, below = RNG.uniform(0, 5, 9), RNG.uniform(5, 9, 9)
    table = scores.entries({"a": scores.ratio(above, below, baseline=0.1)}, 9)
    entry = table["a"]
    np.testing.assert_allclose(entry["value"], above.sum() / below.sum())
    assert entry["low"] < entry["value"] < entry["high"]
    assert entry["baseline"] == 0.1
    assert entry["n"] == int(below.sum())
    assert table == scores.entries({"a": scores.ratio(above, below, baseline=0.1)}, 9)


def test_the_interval_is_that_of_the_exhaustive_bootstrap():
    values = np.array([0.0, 1.0, 5.0, 7.0])
    means = [np.mean(drawn) for drawn in itertools.product(values, repeat=4)]
    low, high = np.quantile(means, (0.025, 0.975))
    got = scores.entries({"a": scores.ratio(values, np.ones(4))}, 4)["a"]
    assert abs(got["low"] - low) < 0.3
    assert abs(got["high"] - high) < 0.3


def test_scores_without_a_sample_and_bounds_of_few_pictures_are_left_out():
    nothing = scores.ratio([0.0, 0.0], [0.0, 0.0])
    table = scores.entries({"none": nothing, "a": scores.ratio([1, 0], [1, 1])}, 2)
    assert table == {"a": {"value": 0.5, "n": 2.0}}
    assert scores.entries({"none": nothing}, 0) == {}


def test_the_true_f1_of_the_paper_is_twice_what_it_prints():
    got = scores.harmonic_mean(np.array([0.875, 0.0]), np.array([0.821, 0.0]))
    np.testing.assert_allclose(got, [0.847, 0.0], atol=5e-4)


def test_draws_without_a_sample_do_not_widen_the_interval():
    one = Statistic(lambda w: np.where(w[:, 0] > 0, 0.5, np.nan), 1)
    got = scores.entries({"a": one}, 3)["a"]
    assert (got["low"], got["value"], got["high"]) == (0.5, 0.5, 0.5)
