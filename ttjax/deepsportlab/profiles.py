"""pEQ: pose quality on DeepSport's four points, and on the 17 joints of COCO."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax.deepsportlab import court, poses, precision
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.precision import Ranked, Sized
from ttjax.deepsportlab.scores import Statistic, harmonic_mean, ratio
from ttjax.deepsportlab.truth import Truth
from ttjax.metrics.intervals import quotient

MOST = 20
"""Poses of a picture that count, as in COCO."""


def halved_f1(
    first: Float[np.ndarray, "*n"], second: Float[np.ndarray, "*n"]
) -> Float[np.ndarray, "*n"]:
    """Half of F1, a b / (a + b): what the paper prints as F1."""
    return 0.5 * harmonic_mean(first, second)


def match_in_order(
    similarity: Float[np.ndarray, "p g"],
) -> tuple[Integer[np.ndarray, " p"], Float[np.ndarray, " g"]]:
    """Each true person, in the order of annotation, takes the most similar pose left.

    Returns for each pose the person or -1, and for each person the similarity, 0
    where no pose was left that is like him at all.
    """
    guesses, truths = similarity.shape
    taken, reached = np.full(guesses, -1), np.zeros(truths)
    for truth in range(truths):
        left = np.where(taken < 0, similarity[:, truth], 0.0)
        if guesses and left.max() > 0:
            best = int(np.argmax(left))
            taken[best], reached[truth] = truth, left[best]
    return taken, reached


def match_best_first(
    score: Float[np.ndarray, " p"], similarity: Float[np.ndarray, "p g"]
) -> Integer[np.ndarray, " p"]:
    """Each pose, the best score first, takes the most similar person left; or -1.

    None who is less than 1/2 similar, the lowest of the thresholds.
    """
    taken, left = np.full(len(score), -1), np.ones(similarity.shape[1], np.bool_)
    for guess in np.argsort(-score, kind="stable"):
        alike = np.where(left, similarity[guess], 0.0)
        if left.any() and alike.max() >= precision.THRESHOLDS[0]:
            best = int(np.argmax(alike))
            taken[guess], left[best] = best, False
    return taken


def _to_rows(taken: np.ndarray, rows: np.ndarray) -> Integer[np.ndarray, " p"]:
    """Positions in `rows` as rows of the truth; -1 stays -1."""
    return np.append(rows, -1)[taken]


def _four_known(truth: Truth) -> Bool[np.ndarray, " n"]:
    return np.logical_and.reduce(truth.four_points()[1], axis=1)


@dataclasses.dataclass(frozen=True)
class LegacyRecord:
    """Of one picture: poses right at each threshold, all poses, all people."""

    right: Float[np.ndarray, " t"]
    poses: int
    people: int


@dataclasses.dataclass(frozen=True)
class Legacy:
    """pEQ as it was published, very lenient; for comparison with the paper alone.

    Distances are not squared, so that their unit matters: the pixel of the network's
    image, as in the paper (there half of DeepSport's size). Points that were not found
    do not count, people take poses in the order of annotation, and AP and AR are the
    means over thresholds of right poses / poses and right poses / people: no score is
    looked at. Only people whose four points are known.
    """

    leave_out: court.Filter = court.released

    def record(self, pair: Comparison) -> LegacyRecord | None:
        """None where no pose is known."""
        truth, guess = pair.truth, pair.guess
        rows = np.flatnonzero(_four_known(truth))
        if not len(rows):
            return None
        points, found = poses.four_points(guess.joints_px, guess.found)
        unit = np.array(guess.to_source) / guess.stride
        true = truth.four_points()[0][rows] / unit
        alike = poses.lenient_four_oks(points / unit, found, true)
        taken, _ = match_in_order(alike)
        _, people = self.leave_out(truth, guess, _to_rows(taken, rows))
        alike = alike[:, people[rows]]
        rows = rows[people[rows]]
        taken, reached = match_in_order(alike)
        kept, _ = self.leave_out(truth, guess, _to_rows(taken, rows))
        right = reached[None] >= precision.THRESHOLDS[:, None]
        return LegacyRecord(right.sum(axis=1) * 1.0, int(kept.sum()), len(rows))

    def statistics(
        self, records: Sequence[LegacyRecord | None]
    ) -> dict[str, Statistic]:
        """`pEQ/legacy/` AP, AR, F1, and `F1_halved`, which the paper prints as F1."""
        zero = LegacyRecord(np.zeros(len(precision.THRESHOLDS)), 0, 0)
        every = [one or zero for one in records]
        right = np.array([one.right.mean() for one in every])
        guesses = np.array([one.poses for one in every], np.float64)
        people = np.array([one.people for one in every], np.float64)
        n = int(people.sum())

        def both(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            top = weights @ right
            return quotient(top, weights @ guesses), quotient(top, weights @ people)

        return {
            "pEQ/legacy/AP": ratio(right, guesses, n=n),
            "pEQ/legacy/AR": ratio(right, people, n=n),
            "pEQ/legacy/F1": Statistic(lambda w: harmonic_mean(*both(w)), n),
            "pEQ/legacy/F1_halved": Statistic(lambda w: halved_f1(*both(w)), n),
        }


@dataclasses.dataclass(frozen=True)
class Standard:
    """pEQ on the four points by COCO's rules.

    Distances are squared, points that were not found count 0, poses are ranked by
    their score. People whose four points are not all known are neither right nor
    wrong: a pose is theirs where most of it lies in their box.
    """

    leave_out: court.Filter = court.both

    def record(self, pair: Comparison) -> Ranked | None:
        """None where no pose is known."""
        truth, guess = pair.truth, pair.guess
        known = _four_known(truth)
        if not known.any():
            return None
        points, found = poses.four_points(guess.joints_px, guess.found)
        alike = poses.lies_in(points, found, guess.centre_px, truth.box_px) * 1.0
        alike[:, known] = poses.four_oks(points, found, truth.four_points()[0][known])
        rows = np.flatnonzero(known)
        taken = match_best_first(guess.score, alike[:, rows])
        kept, people = self.leave_out(truth, guess, _to_rows(taken, rows))
        rows = np.flatnonzero((truth.players | truth.crowd) & people)
        return precision.rank(
            guess.score[kept].astype(np.float64),
            alike[np.ix_(kept, rows)],
            ignored=~known[rows],
            crowd=~known[rows],
            most=MOST,
        )

    def statistics(self, records: Sequence[Ranked | None]) -> dict[str, Statistic]:
        """`pEQ/standard/` AP, AR and F1."""
        return precision.statistics("pEQ/standard", records)


@dataclasses.dataclass(frozen=True)
class JointRecord:
    """Of one picture: the ranked poses, and the OKS of those matched from 1/2 on."""

    ranked: Sized
    oks: Float[np.ndarray, " _"]


def joint_oks(pair: Comparison) -> Float[np.ndarray, "p n"]:
    """COCO's OKS of every predicted with every true row, on the 17 joints."""
    truth, guess = pair.truth, pair.guess
    return poses.oks(
        guess.joints_px,
        guess.found,
        truth.joints_px,
        truth.joint_state > 0,
        area_px=truth.area_px,
        box_px=truth.box_px,
    )


def pose_area(
    joints_px: Float[np.ndarray, "p k 2"], found: Bool[np.ndarray, "p k"]
) -> Float[np.ndarray, " p"]:
    """Of the boxes around the joints that were found: what COCO takes for a pose's."""
    low = np.where(found[..., None], joints_px, np.inf).min(axis=1)
    high = np.where(found[..., None], joints_px, -np.inf).max(axis=1)
    some = found.any(axis=1)[:, None]
    sides = np.where(some, high, 0.0) - np.where(some, low, 0.0)
    return sides.prod(axis=1).astype(np.float64)


@dataclasses.dataclass(frozen=True)
class Joints:
    """COCO's keypoint AP and AR of the 17 joints, 20 poses a picture."""

    def record(self, pair: Comparison) -> JointRecord | None:
        """None where joints are not annotated."""
        truth, guess = pair.truth, pair.guess
        if not truth.joints_known:
            return None
        rows = np.flatnonzero(truth.players | truth.crowd)
        alike = joint_oks(pair)[:, rows]
        labelled = (truth.joint_state[rows] > 0).any(axis=1)
        score = guess.score.astype(np.float64)
        ignored, crowd = ~labelled | truth.crowd[rows], truth.crowd[rows]
        ranked = precision.rank_by_size(
            score,
            alike,
            ignored=ignored,
            crowd=crowd,
            most=MOST,
            area_px=pose_area(guess.joints_px, guess.found),
            true_area_px=truth.area_px[rows],
        )
        order = np.argsort(-score, kind="stable")[:MOST]
        taken = precision.match(
            alike[order], ignored=ignored, crowd=crowd, thresholds=np.array([0.5])
        )[0]
        counts = ranked.every.right[0]
        return JointRecord(ranked, alike[order[counts], taken[counts]])

    def statistics(self, records: Sequence[JointRecord | None]) -> dict[str, Statistic]:
        """`joints/` AP, AR, F1, APm and APl of medium and large people, mean `OKS`.

        The latter of the poses that are matched.
        """
        matched = [np.zeros(0) if one is None else one.oks for one in records]
        return {
            **precision.sized_statistics(
                "joints", [None if one is None else one.ranked for one in records]
            ),
            "joints/OKS": ratio(
                [float(one.sum()) for one in matched], [len(one) for one in matched]
            ),
        }
