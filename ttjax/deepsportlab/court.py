"""Which people stand on the court, and whom a score leaves out for that."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax.deepsportlab import poses
from ttjax.deepsportlab.guess import Guess
from ttjax.deepsportlab.truth import OnCourt, Truth

FOOT_M, HIPS_M, MIDDLE_M = 0.10, 0.50, 0.90
"""Heights at which the points of people are laid on the court: as released with the
paper; the middle of a mask about where the hips are."""

Kept = tuple[Bool[np.ndarray, " m"], Bool[np.ndarray, " n"]]
"""The guesses and the truths that a score is of."""

Filter = Callable[[Truth, Guess, Integer[np.ndarray, " m"]], Kept]
"""From truth, guess and the true row that each guess is matched to, or -1."""


def standing(
    on_court: OnCourt,
    points: Float[np.ndarray, "n 4 2"],
    found: Bool[np.ndarray, "n 4"],
    middle_px: Float[np.ndarray, "n 2"],
) -> Bool[np.ndarray, " n"]:
    """Whether a foot or the hips are on the court; without them, the middle."""
    inside = np.zeros(len(points), np.bool_)
    for column, height_m in ((1, HIPS_M), (2, FOOT_M), (3, FOOT_M)):
        there = np.where(found[:, column, None], points[:, column], 0.0)
        inside |= np.asarray(on_court(there, height_m)) & found[:, column]
    alone = ~found[:, 1:].any(axis=1)
    return np.where(alone, np.asarray(on_court(middle_px, MIDDLE_M)), inside)


def everyone(truth: Truth, guess: Guess, matched: Integer[np.ndarray, " m"]) -> Kept:
    """Nobody is left out."""
    return np.ones(len(matched), np.bool_), np.ones(len(truth.players), np.bool_)


def released(truth: Truth, guess: Guess, matched: Integer[np.ndarray, " m"]) -> Kept:
    """Leaves out guesses beside the court that match nobody, as the paper's scores do.

    Nobody is left out where the court is not known.
    """
    kept = everyone(truth, guess, matched)
    if truth.on_court is None:
        return kept
    return (matched >= 0) | _guesses(truth.on_court, guess), kept[1]


def both(truth: Truth, guess: Guess, matched: Integer[np.ndarray, " m"]) -> Kept:
    """Leaves out everybody beside the court, as the paper's text says.

    A guess that matches somebody goes with him. Nobody is left out where the court is
    not known.
    """
    if truth.on_court is None:
        return everyone(truth, guess, matched)
    points, known = truth.four_points()
    middle = 0.5 * (truth.box_px[:, :2] + truth.box_px[:, 2:])
    inside = standing(truth.on_court, points, known, middle.astype(np.float64))
    if not len(inside):
        return _guesses(truth.on_court, guess), inside
    alone = _guesses(truth.on_court, guess)
    return np.where(matched >= 0, inside[matched], alone), inside


def _guesses(on_court: OnCourt, guess: Guess) -> Bool[np.ndarray, " m"]:
    points, found = poses.four_points(guess.joints_px, guess.found)
    return standing(on_court, points, found, guess.centre_px)
