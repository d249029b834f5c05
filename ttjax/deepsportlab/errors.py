"""What is wrong with predicted joints, after Ronchi and Perona (2017)."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax import scenes
from ttjax.deepsportlab import poses, precision, profiles
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.scores import Statistic, ratio

KINDS = ("good", "jitter", "inversion", "swap", "miss")
"""What a joint of a matched pose may be."""
GOOD, NEAR = 0.85, 0.5
"""Similarities from which on a joint is good, and is at a place at all."""
MATCH_OKS = 0.1
"""OKS from which on a pose is somebody's."""


def breakdown(
    similarity: Float[np.ndarray, "n k k"],
    own: int,
    labelled: Bool[np.ndarray, "n k"],
    found: Bool[np.ndarray, " k"],
    *,
    mirrored: Sequence[int] = scenes.MIRRORED,
) -> Integer[np.ndarray, " k"]:
    """The kind of each joint of a pose that is matched to person `own`; -1: unlabelled.

    similarity: of the pose's joint (second axis) to every person's joint (third).

    good: at least .85 to its own joint; jitter: .5 to .85; inversion: at least .5 to
    the other side's joint of the same person; swap: to that joint, of either side, of
    another person; miss: to none of these, or not found.
    """
    joints = np.arange(len(found))
    other = np.asarray(mirrored)
    there = np.where(labelled[:, None], similarity, 0.0)
    there = np.where(found[None, :, None], there, 0.0)
    same, opposite = there[:, joints, joints], there[:, joints, other]
    opposite = np.where((other == joints)[None], 0.0, opposite)
    others = np.delete(np.maximum(same, opposite), own, axis=0)
    kind = np.select(
        [
            ~labelled[own],
            same[own] >= GOOD,
            same[own] >= NEAR,
            opposite[own] >= NEAR,
            others.max(axis=0, initial=0.0) >= NEAR,
        ],
        [-1, 0, 1, 2, 3],
        default=4,
    )
    return kind.astype(np.int64)


@dataclasses.dataclass(frozen=True)
class ErrorRecord:
    """Of one picture: joints of each kind, poses of nobody, people without a pose."""

    kinds: Integer[np.ndarray, " 5"]
    poses: int
    false: int
    people: int
    missed: int


@dataclasses.dataclass(frozen=True)
class JointErrors:
    """Shares of the kinds of joints, and of poses and people that match nobody."""

    def record(self, pair: Comparison) -> ErrorRecord | None:
        """None where joints are not annotated."""
        truth, guess = pair.truth, pair.guess
        if not truth.joints_known:
            return None
        rows = np.flatnonzero(truth.players | truth.crowd)
        labelled = (truth.joint_state[rows] > 0) & truth.players[rows, None]
        counted = np.logical_or.reduce(labelled, axis=1)
        order = np.argsort(-guess.score, kind="stable")
        taken = precision.match(
            profiles.joint_oks(pair)[np.ix_(order, rows)],
            ignored=~counted,
            crowd=truth.crowd[rows],
            thresholds=np.array([MATCH_OKS]),
        )[0]
        kinds = np.zeros(len(KINDS), np.int64)
        places, area = truth.joints_px[rows], truth.area_px[rows]
        for one, own in zip(order, taken, strict=True):
            if own < 0 or not counted[own]:
                continue
            # Each joint of the pose against each joint of everybody.
            delta = guess.joints_px[one][None, :, None] - places[:, None]
            alike = poses.similarity(
                (delta.astype(np.float64) ** 2).sum(axis=-1).swapaxes(0, 1),
                area,
                poses.JOINT_KAPPA,
            ).swapaxes(0, 1)
            kind = breakdown(alike, int(own), labelled, guess.found[one])
            kinds += np.bincount(kind[kind >= 0], minlength=len(KINDS))
        # The last entry stands for -1: nobody.
        void = int((~np.append(counted, True)[taken]).sum())
        right, people = int((taken >= 0).sum()) - void, int(counted.sum())
        return ErrorRecord(
            kinds=kinds,
            poses=len(taken) - void,
            false=len(taken) - void - right,
            people=people,
            missed=people - right,
        )

    def statistics(self, records: Sequence[ErrorRecord | None]) -> dict[str, Statistic]:
        """`errors/` good, jitter, inversion, swap, miss; false_poses, missed_people."""
        zero = ErrorRecord(np.zeros(len(KINDS), np.int64), 0, 0, 0, 0)
        every = [one or zero for one in records]
        kinds = np.array([one.kinds for one in every], np.float64)
        found = {
            f"errors/{name}": ratio(kinds[:, column], kinds.sum(axis=1))
            for column, name in enumerate(KINDS)
        }
        found["errors/false_poses"] = ratio(
            [one.false for one in every], [one.poses for one in every]
        )
        found["errors/missed_people"] = ratio(
            [one.missed for one in every], [one.people for one in every]
        )
        return found
