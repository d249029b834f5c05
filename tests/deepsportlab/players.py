"""Players on made-up pictures, for what encodes and for what decodes."""

import numpy as np

from bench import made_fields
from ttjax import samples
from ttjax.scenes import HIDDEN, SEEN, SceneLabels


def crowd(rng, image_hw, *, count=17, pairs=8, height_px=(90.0, 120.0)):
    """Players of whom `pairs` stand in front of one another: their boxes overlap."""
    alone = made_fields.spread(rng, count - pairs, image_hw, height_px=height_px)
    height = (alone.box_px[:, 3] - alone.box_px[:, 1]) / 0.97
    foot = np.stack(
        [alone.joints_px[:, 15:, 0].mean(1), alone.joints_px[:, 15:, 1].mean(1)], 1
    )
    side = rng.choice([-1.0, 1.0], pairs)
    beside = foot[:pairs] + height[:pairs, None] * np.stack(
        [side * rng.uniform(0.1, 0.16, pairs), rng.uniform(-0.06, -0.02, pairs)], 1
    )
    return made_fields.standing(
        rng,
        np.concatenate([foot, beside]),
        np.concatenate([height, height[:pairs]]),
        image_hw,
        ball_px=alone.ball_px,
    )


def box_iou(a, b):
    """Intersection over union of two boxes x0 y0 x1 y1."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0.0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def overlapping(made, least=0.3):
    """Pairs of players whose boxes overlap by more than `least`."""
    n = len(made.box_px)
    return [
        (i, j)
        for i in range(n)
        for j in range(i)
        if box_iou(made.box_px[i], made.box_px[j]) > least
    ]


def clear(made, apart_px=8.0):
    """Joints on their own player's visible mask, with no other of their type near."""
    between = made.joints_px[:, None] - made.joints_px[None]
    distance = np.hypot(between[..., 0], between[..., 1])
    distance[np.arange(len(distance)), np.arange(len(distance))] = np.inf
    return made.visible & (distance.min(1) > apart_px)


def labels(made, rows=32):
    """The truth as data sets give it: one example, `rows` rows."""
    n = len(made.joints_px)

    def padded(values, dtype):
        filled = np.zeros((rows, *values.shape[1:]), dtype)
        filled[:n] = values
        return filled

    return SceneLabels(
        ids=made.ids,
        masks_known=np.array(True),
        players=np.arange(rows) < n,
        crowd=np.zeros(rows, np.bool_),
        box_px=padded(made.box_px, np.float32),
        joints_px=padded(made.joints_px, np.float32),
        joint_state=padded(np.where(made.visible, SEEN, HIDDEN), np.int8),
        joints_known=np.array(True),
        ball_xy_px=made.ball_px.astype(np.float32),
        ball_state=np.array(samples.VISIBLE, np.int8),
        ball_diameter_px=np.float32(12.0) * np.ones((), np.float32),
    )
