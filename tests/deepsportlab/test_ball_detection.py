import itertools

import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax.deepsportlab import ball_detection, scores
from ttjax.deepsportlab.ball_detection import BallDetection, BallRecord
from ttjax.deepsportlab.comparison import Comparison
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE

RNG = np.random.default_rng(0)


def once(count):
    return np.ones((1, count))


def loop_area(score, hit, visible, thresholds, above):
    """Rates threshold by threshold, then trapezoids, then level to 1."""
    points = [(0.0, 0.0)]
    for threshold in sorted(thresholds, reverse=True):
        counts = [s > threshold if above else s >= threshold for s in score]
        right = sum(c and h for c, h in zip(counts, hit, strict=True))
        wrong = sum(c and not h for c, h in zip(counts, hit, strict=True))
        points.append((wrong / len(score), right / sum(visible)))
    total = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        total += (x1 - x0) * (y0 + y1) / 2
    return total + (1 - points[-1][0]) * points[-1][1]


def test_the_area_by_hand():
    # Hit, miss, hit, no ball: (0,0) (0,1/3) (1/4,1/3) (1/4,2/3) (1/2,2/3), then level.
    score = np.array([0.9, 0.8, 0.7, 0.6])
    hit, visible = np.array([1, 0, 1, 0], bool), np.array([1, 1, 1, 0], bool)
    false, true = ball_detection.curve(score, hit, visible, once(4))
    np.testing.assert_allclose(false[0], [0, 0, 0.25, 0.25, 0.5])
    np.testing.assert_allclose(true[0], np.array([0, 1, 1, 2, 2]) / 3)
    got = ball_detection.area(false, true)
    np.testing.assert_allclose(got, 0.25 / 3 + 0.25 * 2 / 3 + 0.5 * 2 / 3)


@pytest.mark.parametrize("digits", [1, 6])
def test_the_area_is_that_of_a_sweep_over_all_scores(digits):
    score = RNG.uniform(size=60).round(digits)
    visible = RNG.uniform(size=60) < 0.8
    hit = visible & (RNG.uniform(size=60) < score)
    got = ball_detection.area(*ball_detection.curve(score, hit, visible, once(60)))
    np.testing.assert_allclose(got, loop_area(score, hit, visible, set(score), False))
    steps = ball_detection.THRESHOLDS
    assert len(steps) == 21
    coarse = ball_detection.curve_at(steps, score, hit, visible, once(60))
    want = loop_area(score, hit, visible, steps, True)
    np.testing.assert_allclose(ball_detection.area(*coarse), want)


def test_it_is_the_probability_that_a_ball_is_believed_more_where_all_are_told_apart():
    """The mean over pictures of the share of balls hit before that picture's miss."""
    score = RNG.uniform(size=40)
    visible = RNG.uniform(size=40) < 0.7
    hit = visible & (RNG.uniform(size=40) < 0.6)
    got = ball_detection.area(*ball_detection.curve(score, hit, visible, once(40)))
    wrong = score[~hit]
    before = [(score[hit] > one).sum() for one in wrong]
    rest = 40 - len(wrong)
    want = (sum(before) + rest * hit.sum()) / (40 * visible.sum())
    np.testing.assert_allclose(got, want)


def test_weights_repeat_pictures():
    score, visible = RNG.uniform(size=9), np.ones(9, np.bool_)
    hit = RNG.uniform(size=9) < 0.5
    drawn = RNG.integers(0, 9, (4, 9))
    weights = np.stack([np.bincount(row, minlength=9) for row in drawn]).astype(float)
    for curve in (
        ball_detection.curve,
        lambda *given: ball_detection.curve_at(ball_detection.THRESHOLDS, *given),
    ):
        got = ball_detection.area(*curve(score, hit, visible, weights))
        for row, index in enumerate(drawn):
            again = curve(score[index], hit[index], visible[index], once(9))
            np.testing.assert_allclose(got[row], ball_detection.area(*again)[0])


def test_the_best_constant_position_and_its_area():
    xy = np.array([[0.0, 0], [3, 0], [4, 0], [50, 0]])
    assert ball_detection.constant_hits(xy, np.full(4, 2.5)) == 2
    assert ball_detection.constant_hits(xy, np.full(4, 4.5)) == 3
    assert ball_detection.constant_hits(xy[:0], np.zeros(0)) == 0
    hit, visible = np.array([1, 1, 0, 0], bool), np.array([1, 1, 1, 0], bool)
    same = np.full(4, 0.5)
    want = ball_detection.area(*ball_detection.curve(same, hit, visible, once(4)))
    np.testing.assert_allclose(ball_detection.constant_area(2, 3, 4), want)
    assert ball_detection.constant_area(0, 0, 4) == 0.0


def pair(xy, score, *, state=VISIBLE, scale=1.0, stride=1):
    return Comparison(
        pictures.truth(
            ball_xy_px=np.array([50.0, 50.0]), ball_state=state, ball_diameter_px=10.0
        ),
        pictures.guess(
            ball_px=np.array(xy),
            ball_score=score,
            to_source=(scale * stride, scale * stride),
            stride=stride,
        ),
    )


def test_a_hit_lies_in_the_enlarged_disc():
    measure = BallDetection(slack_px=2.0)
    near = measure.record(pair([50.0, 56.9], 0.5))
    assert isinstance(near, BallRecord)
    assert near.hit
    np.testing.assert_allclose(near.distance_px, 6.9)
    far = measure.record(pair([50.0, 57.1], 0.5))
    assert far is not None
    assert not far.hit
    # The slack is of the network's image, whatever the stride of its maps.
    wide = measure.record(pair([50.0, 57.1], 0.5, scale=2.0, stride=2))
    assert wide is not None
    assert wide.hit
    np.testing.assert_allclose(wide.radius_px, 9.0)
    gone = measure.record(pair([50.0, 50.0], 0.5, state=ABSENT))
    assert gone is not None
    assert not gone.hit
    assert measure.record(pair([50.0, 50.0], 0.5, state=UNKNOWN)) is None
    lost = measure.record(pair([np.nan, np.nan], np.nan))
    assert lost is not None
    assert not lost.hit


def test_the_table_of_the_ball():
    measure = BallDetection()
    records = [
        measure.record(pair([50.0, 51.0], 0.9)),
        measure.record(pair([90.0, 50.0], 0.3)),
        None,
        measure.record(pair([50.0, 50.0], 0.5, state=ABSENT)),
        measure.record(pair([50.0, 53.0], 0.8)),
    ]
    table = scores.entries(measure.statistics(records), 5)
    # Two hits, then a picture without a ball, then a miss: level at 2/3 from the start.
    np.testing.assert_allclose(table["bDQ"]["value"], 2 / 3)
    assert table["bDQ"]["n"] == 4
    np.testing.assert_allclose(table["bDQ"]["baseline"], 1 - 0.5 / 4)
    np.testing.assert_allclose(table["ball/top1"]["value"], 2 / 3)
    np.testing.assert_allclose(table["ball/median_px"]["value"], 3.0)
    assert set(table) == {"bDQ", "bDQ/21", "ball/top1", "ball/median_px"}
    none = measure.record(pair([50.0, 50.0], 0.5, state=ABSENT))
    assert measure.statistics([none, None]) == {}


def test_a_position_that_is_not_a_number_is_no_hit_and_no_distance():
    measure = BallDetection()
    records = [measure.record(pair([np.nan, 1.0], 0.5)) for _ in range(3)]
    table = scores.entries(measure.statistics(records), 3)
    assert table["bDQ"]["value"] == 0.0
