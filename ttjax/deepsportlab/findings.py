"""Predictions as JSON values: records of frames."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from ttjax.deepsportlab.arrays import Predictions
from ttjax.scenes import JOINTS


def record(
    predictions: Predictions, index: int, *, ball_threshold: float
) -> dict[str, Any]:
    """What example `index` of a batch shows, source px with two decimals.

    `{"ball": {"xy_px", "probability", "present"}, "players": [{"row", "score",
    "centre_px", "area_px", "joints": {name: [x, y, score]}}], "truncated"}`. `xy_px` of
    a ball below the threshold is null; a joint that was not found is missing. `row` + 1
    is the player's number in the map of players. `truncated`: there was more than the
    decoder has room for, and the weakest was left out.
    """
    score = float(predictions.ball_score[index])
    present = score >= ball_threshold
    overflow = predictions.overflow
    return {
        "ball": {
            "xy_px": _rounded(predictions.ball_px[index]) if present else None,
            "probability": round(min(max(score, 0.0), 1.0), 4),
            "present": present,
        },
        "players": [
            _player(predictions, index, int(row))
            for row in np.flatnonzero(np.asarray(predictions.present[index]))
        ],
        "truncated": bool(overflow.cells[index] or overflow.players[index]),
    }


def _player(predictions: Predictions, index: int, row: int) -> dict[str, Any]:
    places = np.asarray(predictions.joints_px[index, row])
    scores = np.asarray(predictions.joint_score[index, row])
    return {
        "row": row,
        "score": round(float(predictions.score[index, row]), 4),
        "centre_px": _rounded(predictions.centre_px[index, row]),
        "area_px": round(float(predictions.area_px[index, row]), 1),
        "joints": {
            name: [*_rounded(place), round(float(score), 4)]
            for name, place, score in zip(JOINTS, places, scores, strict=True)
            if score > 0
        },
    }


def _rounded(xy_px: Float[Array | np.ndarray, " 2"]) -> list[float]:
    return [round(float(value), 2) for value in xy_px]
