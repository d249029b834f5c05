"""pSQ, pDQ: panoptic quality (Kirillov et al., 2019) of the one class of players."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer

from ttjax.deepsportlab import court
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.scores import Statistic, ratio


@dataclasses.dataclass(frozen=True)
class PanopticRecord:
    """Of one picture: matched pairs, their summed IoU, and who is left over."""

    iou: float
    matched: int
    false: int
    missed: int


def matches(pair: Comparison) -> Integer[np.ndarray, " m"]:
    """The true row of each predicted player at an IoU above 1/2, or -1.

    Masks do not overlap, so nobody can match twice.
    """
    iou = pair.iou
    if not len(iou):
        return np.full(iou.shape[1], -1)
    best = np.argmax(iou, axis=0)
    return np.where(iou.max(axis=0) > 0.5, best, -1)


@dataclasses.dataclass(frozen=True)
class PanopticQuality:
    """pSQ: the mean IoU of matched players. pDQ: TP / (TP + FP / 2 + FN / 2).

    A prediction that lies mostly where nothing is known is no false positive.

    leave_out: whom the score leaves out; in the paper's numbers predictions alone.
    """

    leave_out: court.Filter = court.released

    def record(self, pair: Comparison) -> PanopticRecord | None:
        """None where either side has no masks."""
        if not pair.has_masks:
            return None
        taken = matches(pair)
        guesses, truths = self.leave_out(pair.truth, pair.guess, taken)
        known = pair.overlaps[:, 1:].sum(axis=0)
        unclear = pair.unknown > known
        right = guesses & (taken >= 0)
        wrong = guesses & (taken < 0) & ~unclear & (known + pair.unknown > 0)
        people = pair.visible & truths
        people[taken[taken >= 0]] = False
        best = pair.iou.max(axis=0, initial=0.0)
        return PanopticRecord(
            iou=float(best[right].sum()),
            matched=int(right.sum()),
            false=int(wrong.sum()),
            missed=int(people.sum()),
        )

    def statistics(
        self, records: Sequence[PanopticRecord | None]
    ) -> dict[str, Statistic]:
        """`pSQ`, `pDQ` and their product `pPQ`; a constant picture scores 0."""
        zero = PanopticRecord(0.0, 0, 0, 0)
        every = [one or zero for one in records]
        iou = np.array([one.iou for one in every])
        matched = np.array([one.matched for one in every], np.float64)
        left = np.array([one.false + one.missed for one in every])
        people = int(sum(one.matched + one.missed for one in every))
        parts = matched + 0.5 * left
        return {
            "pSQ": ratio(iou, matched, baseline=0.0),
            "pDQ": ratio(matched, parts, n=people, baseline=0.0),
            "pPQ": ratio(iou, parts, n=people, baseline=0.0),
        }
