"""Guesses in which a part is replaced by the truth: what the other part is worth.

Table 2 of the paper: the decoder gives joints to the players on whose masks they lie,
so either the masks or the joints may come from elsewhere. `SWAPS` names them all, as
`python -m ttjax.evaluate CHECKPOINT DATA --oracles` shows them.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax import scenes
from ttjax.deepsportlab import poses
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.guess import Guess
from ttjax.deepsportlab.truth import Truth
from ttjax.samples import VISIBLE


def with_true_masks(guess: Guess, truth: Truth) -> Guess:
    """The predicted joints, given to the true players on whose masks they lie.

    Of several of one kind the surest stays; those on no mask are lost. A player's score
    is the mean of his joints'. Without true masks the guess stays as it is.
    """
    ids = Comparison(truth, guess).truth_ids
    if ids is None:
        return guess
    ids = np.where(ids == scenes.IGNORED, 0, ids)
    rows = np.unique(ids[ids > 0]) - 1
    names = np.zeros(256, np.uint8)
    names[rows + 1] = np.arange(1, len(rows) + 1)
    ids = names[ids]
    joints, score = _grouped(guess, ids, guess.joints_px, guess.joint_score, len(rows))
    scale, size = np.array(guess.to_source), np.maximum(_sizes(ids, len(rows)), 1)
    place_y, place_x = np.indices(ids.shape)
    sums = [
        np.bincount(ids.ravel(), weights=place.ravel(), minlength=len(rows) + 1)[1:]
        for place in (place_x, place_y)
    ]
    centre = (np.stack(sums, axis=1) / size[:, None] + 0.5 / guess.stride) * scale
    return dataclasses.replace(
        guess,
        ids=ids,
        score=score.mean(axis=1),
        centre_px=centre,
        joints_px=joints,
        joint_score=score,
    )


def with_true_joints(guess: Guess, truth: Truth) -> Guess:
    """The true joints, given to the predicted players on whose masks they lie.

    Of several of one kind one that is seen stays rather than one that is hidden: hidden
    joints lie on somebody else. Where head, hips and feet alone are annotated, they are
    ears, hips and ankles. Without any the guess stays as it is.
    """
    if guess.ids is None:
        return guess
    if truth.joints_known:
        state = np.where(truth.players[:, None], truth.joint_state, scenes.UNLABELLED)
        places, sure = truth.joints_px, np.array([0.0, 0.5, 1.0])[state]
    elif truth.points_px is not None:
        places, sure = _of_four(*truth.four_points())
    else:
        return guess
    joints, score = _grouped(guess, guess.ids, places, sure, len(guess.score))
    return dataclasses.replace(
        guess, joints_px=joints, joint_score=(score > 0).astype(np.float64)
    )


def with_true_ball(guess: Guess, truth: Truth) -> Guess:
    """The true ball with a score of 1; a score of 0 where it is not visible."""
    visible = truth.ball_state == VISIBLE
    return dataclasses.replace(
        guess,
        ball_px=np.asarray(truth.ball_xy_px, np.float64),
        ball_score=1.0 if visible else 0.0,
    )


def with_true_masks_and_joints(guess: Guess, truth: Truth) -> Guess:
    """The true joints on the true masks: what the decoder itself loses."""
    return with_true_joints(with_true_masks(guess, truth), truth)


SWAPS: Mapping[str, Callable[[Guess, Truth], Guess]] = {
    "true masks": with_true_masks,
    "true joints": with_true_joints,
    "true masks and joints": with_true_masks_and_joints,
    "true ball": with_true_ball,
}
"""All oracles by what they replace."""


def _of_four(
    points_px: Float[np.ndarray, "n 4 2"], known: Bool[np.ndarray, "n 4"]
) -> tuple[Float[np.ndarray, "n k 2"], Float[np.ndarray, "n k"]]:
    """Joints that `poses.four_points` turns into these points again."""
    count = len(scenes.JOINTS)
    joints, sure = np.zeros((len(known), count, 2)), np.zeros((len(known), count))
    pairs = (poses.EARS, poses.HIPS, poses.ANKLES[:1], poses.ANKLES[1:])
    for point, kinds in enumerate(pairs):
        joints[:, list(kinds)] = points_px[:, point, None]
        sure[:, list(kinds)] = known[:, point, None]
    return joints, sure


def _sizes(ids: np.ndarray, players: int) -> Integer[np.ndarray, " m"]:
    return np.bincount(ids.ravel(), minlength=players + 1)[1:]


def _grouped(
    guess: Guess,
    ids: Integer[np.ndarray, "h w"],
    joints_px: Float[np.ndarray, "q k 2"],
    score: Float[np.ndarray, "q k"],
    players: int,
) -> tuple[Float[np.ndarray, "m k 2"], Float[np.ndarray, "m k"]]:
    """The surest joint of each kind on each player's mask."""
    owner = _owners(guess, ids, joints_px, score > 0)
    kinds = score.shape[1]
    best = np.zeros((players, kinds))
    place = np.zeros((players, kinds, 2))
    rows, columns = np.nonzero(owner > 0)
    for row, kind in zip(rows, columns, strict=True):
        player = owner[row, kind] - 1
        if score[row, kind] > best[player, kind]:
            best[player, kind] = score[row, kind]
            place[player, kind] = joints_px[row, kind]
    return place, best


def _owners(
    guess: Guess,
    ids: np.ndarray,
    joints_px: np.ndarray,
    found: Bool[np.ndarray, "q k"],
) -> Integer[np.ndarray, "q k"]:
    """The id of the pixel nearest to each joint; 0 off the map."""
    where = np.where(found[..., None], joints_px, -1e6) / np.array(guess.to_source)
    # Pixel j of the map stands at j * stride + 0.5 of the image.
    near = np.floor(where - 0.5 / guess.stride + 0.5)
    column, row = np.moveaxis(near.astype(np.int64), -1, 0)
    height, width = ids.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width) & found
    under = ids[row.clip(0, height - 1), column.clip(0, width - 1)].astype(np.int64)
    return np.where(inside, under, 0)
