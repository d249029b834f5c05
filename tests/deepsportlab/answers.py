"""A picture of two players and a ball, and predictions that are right about it."""

import numpy as np

from ttjax.deepsportlab.arrays import Overflow, Predictions
from ttjax.deepsportlab.augmentation import Augment
from ttjax.samples import VISIBLE
from ttjax.scenes import SEEN, Scene, SceneLabels

HW, ROWS, STRIDE = (65, 97), 4, 4

STILL = Augment(
    moved=0.0,
    hflip=0.0,
    joint_jitter_px=0.0,
    brightness=0.0,
    contrast=0.0,
    channel=0.0,
    hue_deg=0.0,
    grayscale=0.0,
)
"""Changes nothing."""


def scene():
    """One example: players in rows 0 and 2, at x 20 and 70."""
    ids = np.zeros((1, *HW), np.uint8)
    ids[0, 10:50, 12:30], ids[0, 12:52, 62:80] = 1, 3
    ids[0, 30:34, 44:48] = 254
    players = np.array([[True, False, True, False]])
    joints = np.zeros((1, ROWS, 17, 2), np.float32)
    for row, x in ((0, 20.0), (2, 70.0)):
        joints[0, row] = np.stack([x + np.arange(17) % 3, 12.0 + 2 * np.arange(17)], 1)
    state = np.where(players[..., None], SEEN, 0) * np.ones(17, np.int8)
    box = np.array([[[12, 10, 30, 50], [0] * 4, [62, 12, 80, 52], [0] * 4]])
    return Scene(
        image=np.full((1, *HW, 3), 90, np.uint8),
        valid_hw=np.array([HW], np.int32),
        labels=SceneLabels(
            ids=ids,
            masks_known=np.array([True]),
            players=players,
            crowd=np.zeros((1, ROWS), bool),
            box_px=box.astype(np.float32),
            joints_px=joints,
            joint_state=state.astype(np.int8),
            joints_known=np.array([True]),
            ball_xy_px=np.array([[46.0, 32.0]], np.float32),
            ball_state=np.array([VISIBLE], np.int8),
            ball_diameter_px=np.array([4.0], np.float32),
        ),
    )


def right(ball_score=0.9):
    """The labels of `scene` as predictions, the players in rows 1 and 0."""
    labels = scene().labels
    order = [2, 0, 1, 3]
    ids = np.array([0, 2, 0, 1] + [0] * 252, np.uint8)[labels.ids]
    present = labels.players[:, order]
    joints = labels.joints_px[:, order]
    none = np.zeros(1, bool)
    return Predictions(
        ids=ids[:, ::STRIDE, ::STRIDE],
        present=present,
        score=np.where(present, 0.8, 0.0).astype(np.float32),
        centre_px=joints.mean(axis=2),
        area_px=np.where(present, 720.0, 0.0).astype(np.float32),
        joints_px=joints,
        joint_score=np.where(present[..., None], 0.7, 0.0).astype(np.float32)
        * np.ones(17, np.float32),
        ball_px=labels.ball_xy_px,
        ball_score=np.array([ball_score], np.float32),
        overflow=Overflow(cells=none, players=none),
        to_source=np.full((1, 2), STRIDE, np.float32),
    )
