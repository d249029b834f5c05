"""bDQ: how well the best candidate for the ball is found and believed.

The area under a receiver operating characteristic of one candidate a picture (Van
Zandycke and De Vleeschouwer, 2019): over thresholds of its score, the share of balls
that it hits against the share of pictures in which it hits none.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.scores import Statistic, ratio
from ttjax.metrics.intervals import quotient
from ttjax.samples import UNKNOWN, VISIBLE

THRESHOLDS = np.linspace(0.0, 1.0, 21)
"""Of the released evaluation."""
SLACK_PX = 5.0
"""Pixels of the network's image by which a ball's disc is enlarged."""
CANDIDATES = 512
"""Most positions that are tried as the best constant one."""


@dataclasses.dataclass(frozen=True)
class BallRecord:
    """Of one picture where it is known whether there is a ball.

    hit: the candidate lies in the ball's disc, of `radius_px`.
    """

    score: float
    visible: bool
    hit: bool
    distance_px: float
    xy_px: tuple[float, float]
    radius_px: float


Curve = tuple[Float[np.ndarray, "r q"], Float[np.ndarray, "r q"]]
"""False and true positive rates as the threshold falls, from (0, 0) on."""


def curve(
    score: Float[np.ndarray, " p"],
    hit: Bool[np.ndarray, " p"],
    visible: Bool[np.ndarray, " p"],
    weights: Float[np.ndarray, "r p"],
) -> Curve:
    """The rates at every score, of r ways to weigh p pictures.

    A candidate counts from its score on: right in a ball, else wrong. Rates are per
    picture with a ball, NaN without any, and per picture.
    """
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
    each = weights[:, order]
    right = np.cumsum(each * hit[order][None], axis=1)[:, last]
    wrong = np.cumsum(each * ~hit[order][None], axis=1)[:, last]
    return _rates(right, wrong, visible, weights)


def curve_at(
    thresholds: Float[np.ndarray, " t"],
    score: Float[np.ndarray, " p"],
    hit: Bool[np.ndarray, " p"],
    visible: Bool[np.ndarray, " p"],
    weights: Float[np.ndarray, "r p"],
) -> Curve:
    """The same at some thresholds only, above which a candidate counts.

    Scores above 1 are taken as 1, as in a picture of 8 bits.
    """
    counts = score.clip(0.0, 1.0)[None] > np.sort(thresholds)[::-1, None]
    right = weights @ (counts & hit[None]).T.astype(np.float64)
    wrong = weights @ (counts & ~hit[None]).T.astype(np.float64)
    return _rates(right, wrong, visible, weights)


def _rates(
    right: np.ndarray, wrong: np.ndarray, visible: np.ndarray, weights: np.ndarray
) -> Curve:
    balls = weights @ visible.astype(np.float64)
    pictures = np.maximum(weights.sum(axis=1), 1.0)
    true = quotient(right, np.broadcast_to(balls[:, None], right.shape))
    start = np.zeros((len(weights), 1))
    false = wrong / pictures[:, None]
    return (
        np.concatenate([start, false], axis=1),
        np.concatenate([start, true], axis=1),
    )


def area(
    false: Float[np.ndarray, "r q"], true: Float[np.ndarray, "r q"]
) -> Float[np.ndarray, " r"]:
    """Area under the curve, which goes on level to a false positive rate of 1."""
    steps = np.diff(false, axis=1) * 0.5 * (true[:, 1:] + true[:, :-1])
    return steps.sum(axis=1) + (1.0 - false[:, -1]) * true[:, -1]


def constant_hits(
    xy_px: Float[np.ndarray, "p 2"], radius_px: Float[np.ndarray, " p"]
) -> int:
    """The most balls that one position hits, of the balls' own and their median."""
    if not len(xy_px):
        return 0
    step = -(-len(xy_px) // CANDIDATES)
    tried = np.concatenate([xy_px[::step], np.median(xy_px, axis=0, keepdims=True)])
    apart = np.linalg.norm(tried[:, None] - xy_px[None], axis=-1)
    return int((apart <= radius_px[None]).sum(axis=1).max())


def constant_area(hits: int, balls: int, pictures: int) -> float:
    """The area of a position that always has the same score: one step of the curve."""
    if not balls:
        return 0.0
    true, false = hits / balls, (pictures - hits) / pictures
    return true * (1.0 - 0.5 * false)


@dataclasses.dataclass(frozen=True)
class BallDetection:
    """bDQ, at every score and at 21 thresholds, and how near the best candidate is.

    slack_px: by which a ball's disc is enlarged, in pixels of the network's image.
    """

    slack_px: float = SLACK_PX

    def record(self, pair: Comparison) -> BallRecord | None:
        """None where it is not known whether there is a ball."""
        truth, guess = pair.truth, pair.guess
        if truth.ball_state == UNKNOWN:
            return None
        visible = truth.ball_state == VISIBLE
        distance = float(np.linalg.norm(guess.ball_px - truth.ball_xy_px))
        scale = float(np.sqrt(np.prod(guess.to_source))) / guess.stride
        radius = 0.5 * truth.ball_diameter_px + self.slack_px * scale
        x, y = truth.ball_xy_px.tolist()
        sure = guess.ball_score if np.isfinite(guess.ball_score) else 0.0
        hit = visible and distance <= radius
        return BallRecord(sure, visible, hit, distance, (x, y), radius)

    def statistics(self, records: Sequence[BallRecord | None]) -> dict[str, Statistic]:
        """`bDQ`, `bDQ/21` (thresholds), `ball/top1` and `ball/median_px`.

        The last two are of the pictures with a ball, whatever the score.
        """
        there = np.flatnonzero([one is not None for one in records])
        known = [one for one in records if one is not None]
        if not any(one.visible for one in known):
            return {}
        score = np.array([one.score for one in known])
        visible = np.array([one.visible for one in known])
        hit = np.array([one.hit for one in known])
        xy = np.array([one.xy_px for one in known])
        radius = np.array([one.radius_px for one in known])
        distance = np.array([one.distance_px for one in known])
        balls, pictures = int(visible.sum()), len(known)
        best = constant_hits(xy[visible], radius[visible])
        baseline = constant_area(best, balls, pictures)

        def analytic(weights: np.ndarray) -> np.ndarray:
            return area(*curve(score, hit, visible, weights[:, there]))

        def at_thresholds(weights: np.ndarray) -> np.ndarray:
            each = weights[:, there]
            return area(*curve_at(THRESHOLDS, score, hit, visible, each))

        order = np.flatnonzero(visible)[np.argsort(distance[visible], kind="stable")]

        def median(weights: np.ndarray) -> np.ndarray:
            reached = np.cumsum(weights[:, there[order]], axis=1)
            half = 0.5 * reached[:, -1:]
            place = np.argmax(reached >= half, axis=1)
            return np.where(half[:, 0] > 0, distance[order][place], np.nan)

        hits, seen = np.zeros(len(records)), np.zeros(len(records))
        hits[there], seen[there] = hit, visible
        middle = np.median(xy[visible], axis=0, keepdims=True)
        constant = np.linalg.norm(xy[visible] - middle, axis=1)
        return {
            "bDQ": Statistic(analytic, pictures, baseline),
            "bDQ/21": Statistic(at_thresholds, pictures, baseline),
            "ball/top1": ratio(hits, seen, baseline=best / balls),
            "ball/median_px": Statistic(median, balls, float(np.median(constant))),
        }
