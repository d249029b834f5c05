import itertools
from typing import Any

import numpy as np
import pytest

from ttjax.ttnet import scores

RNG = np.random.default_rng(0)


def test_ratio_is_of_sums_over_clips_with_an_interval_that_holds_it():
    top, bottom = RNG.uniform(0, 5, 9), RNG.uniform(5, 9, 9)
    got: Any = scores.ratio(top, bottom, n=100)
    np.testing.assert_allclose(got.value, top.sum() / bottom.sum())
    assert got.low < got.value < got.high
    assert got == scores.ratio(top, bottom, n=100)
    root: Any = scores.ratio(top, bottom, n=1, root=True)
    np.testing.assert_allclose(root.value, np.sqrt(got.value))
    np.testing.assert_allclose(
        (root.low, root.high), np.sqrt((got.low, got.high)), rtol=1e-4
    )
    assert scores.ratio(top[:2], bottom[:2], n=1).low is None
    same = scores.ratio(np.full(5, 2.0), np.full(5, 4.0), n=1)
    assert same.low == same.value == same.high == 0.5


def test_ratio_of_classes_is_the_mean_over_those_that_occur():
    top = np.array([[1.0, 3.0, 0.0], [2.0, 1.0, 0.0]])
    bottom = np.array([[4.0, 4.0, 0.0], [4.0, 4.0, 0.0]])
    got: Any = scores.ratio(top, bottom, n=2)
    np.testing.assert_allclose(got.value, (3 / 8 + 4 / 8) / 2)


def test_median_is_the_middle_of_the_drawn_values():
    values, clip = RNG.uniform(0, 9, 41), RNG.integers(0, 4, 41)
    got: Any = scores.median(values, clip, clips=4, baseline=7.0)
    assert got.value == np.median(values)
    assert got.low <= got.value <= got.high
    assert got.baseline == 7.0


def best_matching(predicted, true, tolerance):
    if not predicted:
        return 0
    best = best_matching(predicted[1:], true, tolerance)
    for index, frame in enumerate(true):
        if abs(frame - predicted[0]) <= tolerance:
            rest = true[:index] + true[index + 1 :]
            best = max(best, 1 + best_matching(predicted[1:], rest, tolerance))
    return best


def test_matches_is_the_largest_one_to_one_matching():
    for _ in range(200):
        predicted = np.sort(RNG.choice(16, RNG.integers(0, 6), replace=False))
        true = np.sort(RNG.choice(16, RNG.integers(0, 6), replace=False))
        tolerance = int(RNG.integers(0, 4))
        expected = best_matching(list(predicted), list(true), tolerance)
        assert scores.matches(predicted, true, tolerance=tolerance) == expected


def test_event_counts_ignore_what_was_not_annotated():
    series, true, known = np.zeros(60), np.zeros(60, bool), np.ones(60, bool)
    series[[10, 30, 50]] = 0.9
    true[[11, 33, 45]] = True
    options = {"threshold": 0.5, "gap": 8}

    def counts(tolerance):
        return scores.event_counts(series, true, known, tolerance=tolerance, **options)

    assert counts(0) == (0, 3, 3)
    assert counts(1) == (1, 3, 3)
    assert counts(4) == (2, 3, 3)
    known[40:] = False
    assert counts(4) == (2, 2, 2)


def test_constant_pce_is_the_best_of_all_constants():
    targets = RNG.choice([0.0, 0.38, 0.71, 1.0], (80, 2), p=[0.5, 0.2, 0.2, 0.1])
    best = max(
        ((targets >= 0.5) == np.array(choice)).all(axis=1).mean()
        for choice in itertools.product([False, True], repeat=2)
    )
    assert scores.constant_pce(targets) == pytest.approx(best)


def test_constant_spce_is_the_best_of_all_constants():
    levels = [0.0, 0.3827, 0.7071, 0.9239, 1.0]
    targets = RNG.choice(levels, (80, 2), p=[0.3, 0.2, 0.2, 0.2, 0.1])
    grid = np.linspace(0, 1, 201)
    best = max(
        (np.abs(targets - np.array([a, b])) < 0.25).all(axis=1).mean()
        for a in grid
        for b in grid
    )
    assert scores.constant_spce(targets) == pytest.approx(best)


def test_constant_iou_is_the_best_of_all_masks():
    truth = RNG.uniform(size=(6, 3, 3)) < RNG.uniform(size=(1, 3, 3))
    best = 0.0
    for bits in itertools.product([False, True], repeat=9):
        mask = np.array(bits).reshape(3, 3)
        both, either = (truth & mask).sum(), (truth | mask).sum()
        best = max(best, both / max(either, 1))
    got = scores.constant_iou(truth.sum(axis=0).astype(float), 6)
    assert got == pytest.approx(best)
