"""A picture's truth beside its guess, and what both measures of masks need of them."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax import scenes
from ttjax.deepsportlab.guess import Guess
from ttjax.deepsportlab.scores import Statistic
from ttjax.deepsportlab.truth import Truth


@runtime_checkable
class Measure(Protocol):
    """A quality of predictions, from a small record per picture."""

    def record(self, pair: "Comparison") -> Any | None:
        """What is kept of a picture; None where nothing is known."""
        ...

    def statistics(self, records: Sequence[Any | None]) -> Mapping[str, Statistic]:
        """Scores by name, of the records of all pictures, in one order."""
        ...


def overlaps(
    truth_ids: Integer[np.ndarray, "h w"],
    guess_ids: Integer[np.ndarray, "h w"],
    *,
    truths: int,
    guesses: int,
) -> Integer[np.ndarray, "{truths}+1 {guesses}+1"]:
    """Pixels that each true player shares with each predicted one; row 0: background.

    Pixels of which nothing is known are left out.
    """
    known = truth_ids != scenes.IGNORED
    pairs = truth_ids.astype(np.int64) * (guesses + 1) + guess_ids
    cells = (truths + 1) * (guesses + 1)
    return np.bincount(pairs[known], minlength=cells).reshape(truths + 1, guesses + 1)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A picture's truth beside its guess.

    Maps are compared at the pixels of the guess. What is derived is computed once.
    """

    truth: Truth
    guess: Guess

    @functools.cached_property
    def truth_ids(self) -> Integer[np.ndarray, "h w"] | None:
        """The truth at the pixels of the guess; None where either has no masks."""
        if self.guess.ids is None:
            return None
        height, width = self.guess.ids.shape
        return self.truth.sampled(
            (height, width), self.guess.to_source, stride=self.guess.stride
        )

    @functools.cached_property
    def overlaps(self) -> Integer[np.ndarray, "_ _"]:
        """Shared pixels of true and predicted players where the truth is known."""
        truth_ids, guess_ids = self.maps()
        return overlaps(
            truth_ids,
            guess_ids,
            truths=len(self.truth.players),
            guesses=len(self.guess.score),
        )

    @functools.cached_property
    def unknown(self) -> Integer[np.ndarray, " m"]:
        """Pixels of each predicted player of which nothing is known."""
        truth_ids, guess_ids = self.maps()
        there = guess_ids[truth_ids == scenes.IGNORED]
        return np.bincount(there, minlength=len(self.guess.score) + 1)[1:]

    @functools.cached_property
    def iou(self) -> Float[np.ndarray, "n m"]:
        """Intersection over union of every true with every predicted player.

        What is unknown belongs to no union. 0 where a row has no pixel.
        """
        both = self.overlaps[1:, 1:]
        true = self.overlaps[1:].sum(axis=1)
        predicted = self.overlaps[:, 1:].sum(axis=0)
        either = true[:, None] + predicted[None] - both
        return both / np.maximum(either, 1)

    @property
    def has_masks(self) -> bool:
        """Whether both sides have masks."""
        return self.truth_ids is not None

    @property
    def visible(self) -> Bool[np.ndarray, " n"]:
        """True players with a pixel on the map of the guess."""
        return self.truth.players & (self.overlaps[1:].sum(axis=1) > 0)

    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """True and predicted ids, pixel by pixel.

        Raises:
            ValueError: one of the two has no masks.
        """
        if self.truth_ids is None or self.guess.ids is None:
            raise ValueError(
                "Maps are compared where truth and guess have masks, one has none: "
                "ask `has_masks` first."
            )
        return self.truth_ids, self.guess.ids
