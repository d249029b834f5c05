"""What was predicted for one picture, on the host, in source px."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax.deepsportlab.arrays import Predictions


@dataclasses.dataclass(frozen=True)
class Guess:
    """The m players and the ball of one picture.

    ids: per pixel 0 or the row of its player + 1, None without masks. It is every
        `stride`-th row and column of the network's image; to_source: source px per
        pixel of `ids`, (x, y).
    found: the joints that were found; others may stand anywhere.
    truncated: whether a capacity of the decoder was too small.
    """

    ids: Integer[np.ndarray, "h w"] | None
    score: Float[np.ndarray, " m"]
    centre_px: Float[np.ndarray, "m 2"]
    joints_px: Float[np.ndarray, "m k 2"]
    joint_score: Float[np.ndarray, "m k"]
    ball_px: Float[np.ndarray, " 2"]
    ball_score: float
    to_source: tuple[float, float] = (1.0, 1.0)
    stride: int = 1
    truncated: bool = False

    @property
    def found(self) -> Bool[np.ndarray, "m k"]:
        """Joints with a score."""
        return self.joint_score > 0

    @classmethod
    def of_predictions(
        cls, predictions: Predictions, index: int, *, stride: int = 1
    ) -> "Guess":
        """Example `index` of a batch, its rows closed up to those that are present.

        A joint whose position is not finite counts as not found.
        """
        rows = np.flatnonzero(predictions.present[index])
        ids = None
        if predictions.ids is not None:
            names = np.zeros(256, np.uint8)
            names[rows + 1] = np.arange(1, len(rows) + 1)
            ids = names[np.asarray(predictions.ids[index])]
        overflow = predictions.overflow
        joints = np.asarray(predictions.joints_px[index], np.float64)[rows]
        score = np.asarray(predictions.joint_score[index], np.float64)[rows]
        there = np.isfinite(joints).all(axis=-1)
        x, y = np.asarray(predictions.to_source[index], np.float64)
        return cls(
            ids=ids,
            score=np.asarray(predictions.score[index], np.float64)[rows],
            centre_px=np.asarray(predictions.centre_px[index], np.float64)[rows],
            joints_px=np.where(there[..., None], joints, 0.0),
            joint_score=np.where(there, score, 0.0),
            ball_px=np.asarray(predictions.ball_px[index], np.float64),
            ball_score=float(predictions.ball_score[index]),
            to_source=(float(x), float(y)),
            stride=stride,
            truncated=bool(overflow.cells[index] or overflow.players[index]),
        )
