"""How often the windows of each class are drawn."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int8

from ttjax.formats import stack_record
from ttjax.pipeline.loader import Stratum

NAMES = ("event", "labelled", "ball_absent", "unlabelled")
"""Of the classes `stack_record.KINDS`, in their order."""


@dataclasses.dataclass(frozen=True)
class Kinds:
    """Shares of the four classes of windows in a stream of samples.

    TTNet takes about as many negatives as windows of events (section 4): the default.

    event: share of the windows within 8 frames of an event; None: as many as there are.
    labelled, ball_absent, unlabelled: how often a window of that class is drawn,
        relative to other windows without an event; 0 leaves the class out.
    """

    event: float | None = 0.5
    labelled: float = 1.0
    ball_absent: float = 1.0
    unlabelled: float = 1.0

    def __post_init__(self):
        """Checks the ranges.

        Raises:
            ValueError: a share outside 0..1, or a negative weight.
        """
        if self.event is not None and not 0 <= self.event <= 1:
            raise ValueError(
                f"`event` is a share from 0 to 1, or None, got {self.event}."
            )
        for name in NAMES[1:]:
            if getattr(self, name) < 0:
                raise ValueError(
                    f"`{name}` is a weight of 0 or more, got {getattr(self, name)}."
                )

    def shares(self, counts: Sequence[int]) -> tuple[float, ...]:
        """The share of each class where there are so many windows of each.

        The shares of classes that have no windows go to the others.

        Raises:
            ValueError: every class that is wanted is empty.
        """
        events, *others = counts
        weights = [getattr(self, name) for name in NAMES[1:]]
        others = [weight * count for weight, count in zip(weights, others, strict=True)]
        rest = sum(others)
        share = self.event
        if share is None:
            share = events / max(events + rest, 1e-9)
        share = share if events else 0.0
        share = share if rest else float(events > 0 and share > 0)
        if not share and not rest:
            told = dict(zip(NAMES, counts, strict=True))
            raise ValueError(
                f"Windows are drawn from classes that have some, of {told} {self} "
                "takes none: change the shares."
            )
        return (share, *((1 - share) * other / max(rest, 1e-9) for other in others))

    def strata(self, kinds: Int8[np.ndarray, " n"]) -> list[Stratum]:
        """The records of each class with their share; `kinds` has each record's."""
        records = [np.flatnonzero(kinds == kind) for kind in stack_record.KINDS]
        shares = self.shares([len(part) for part in records])
        return [
            Stratum(part, share, name)
            for part, share, name in zip(records, shares, NAMES, strict=True)
        ]
