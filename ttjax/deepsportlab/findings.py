"""Predictions as JSON values: records of frames, and COCO's result format."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from ttjax.deepsportlab.arrays import Predictions
from ttjax.scenes import JOINTS

PERSON = 1
"""COCO's category of people."""


def record(
    predictions: Predictions, index: int, *, ball_threshold: float
) -> dict[str, Any]:
    """What example `index` of a batch shows, source px with two decimals.

    `{"ball": {"xy_px", "probability", "present"}, "players": [{"row", "score",
    "centre_px", "area_px", "joints": {name: [x, y, score]}}]}`. `xy_px` of a ball below
    the threshold is null; a joint that was not found is missing. `row` + 1 is the
    player's number in the map of players.
    """
    score = float(predictions.ball_score[index])
    present = score >= ball_threshold
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


def coco_results(
    players: Sequence[dict[str, Any]], image_id: int
) -> list[dict[str, Any]]:
    """Players of one record as entries of COCO's keypoint results.

    COCO counts from pixel centres, so that its coordinates are ours less a half. `bbox`
    is the box around the joints that were found; players without joints are left out.
    """
    entries = []
    for player in players:
        found = player["joints"]
        if not found:
            continue
        flat: list[float] = []
        for name in JOINTS:
            x, y, score = found.get(name, (0.5, 0.5, 0.0))
            flat += [round(x - 0.5, 2), round(y - 0.5, 2), score]
        points = np.array([[x - 0.5, y - 0.5] for x, y, _ in found.values()])
        low, high = points.min(axis=0), points.max(axis=0)
        entries.append(
            {
                "image_id": image_id,
                "category_id": PERSON,
                "keypoints": flat,
                "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
                "score": player["score"],
            }
        )
    return entries


def _rounded(xy_px: Float[Array | np.ndarray, " 2"]) -> list[float]:
    return [round(float(value), 2) for value in xy_px]
