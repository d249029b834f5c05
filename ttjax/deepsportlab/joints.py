"""What is known of the 17 joints beforehand: how exactly each can be placed, and where.

The order is that of `ttjax.scenes.JOINTS`.
"""

import numpy as np

SIGMAS = np.array(
    [0.026]
    + 2 * [0.025]
    + 2 * [0.035]
    + 2 * [0.079]
    + 2 * [0.072]
    + 2 * [0.062]
    + 2 * [0.107]
    + 2 * [0.087]
    + 2 * [0.089],
    np.float32,
)
"""Spread of human annotations of a joint over the square root of the person's area.

COCO's keypoint evaluation: nose, eyes, ears, shoulders, elbows, wrists, hips, knees,
ankles.
"""

CENTRE_SIGMA = 0.1
"""The same for the centre of a player's mask; chosen, not measured (DeepSportLab)."""
BALL_SIGMA = 0.2
"""The same for the ball; chosen, not measured (DeepSportLab)."""

UPRIGHT = np.array(
    [
        [0.0, 9.3],
        [-0.35, 9.7],
        [0.35, 9.7],
        [-0.7, 9.5],
        [0.7, 9.5],
        [-1.4, 8.0],
        [1.4, 8.0],
        [-1.75, 6.0],
        [1.75, 6.2],
        [-1.75, 4.0],
        [1.75, 4.2],
        [-1.26, 4.0],
        [1.26, 4.0],
        [-1.4, 2.0],
        [1.4, 2.1],
        [-1.4, 0.0],
        [1.4, 0.1],
    ],
    np.float32,
)
"""Someone who stands: x to the side, y upwards, in tenths of about their height.

Proportions of PifPaf's reference pose (Kreiss et al., 2019), which DeepSportLab shares.
"""


def rotated(points: np.ndarray, angle: float) -> np.ndarray:
    """Points `[k, 2]` turned about the origin, in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]], points.dtype)
