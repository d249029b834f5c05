"""Small pictures with true and predicted players, for tests of scores."""

import numpy as np

from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.guess import Guess
from ttjax.deepsportlab.truth import Truth
from ttjax.samples import UNKNOWN


def truth(
    ids=None, *, players=0, joints=None, state=None, box=None, people=None, **more
):
    """A truth of as many players as are named, all of them known."""
    n = players or (0 if joints is None else len(joints))
    if joints is None:
        joints, state = np.zeros((n, 17, 2)), np.zeros((n, 17), np.int8)
    if state is None:
        state = np.full((n, 17), 2, np.int8)
    if box is None:
        low, high = joints.min(axis=1, initial=1e9), joints.max(axis=1, initial=-1e9)
        box = np.concatenate([low, high], axis=1) if n else np.zeros((0, 4))
    given = {
        "players": np.ones(n, np.bool_) if people is None else people,
        "crowd": np.zeros(n, np.bool_),
        "joints_known": bool(state.any()),
        "ball_xy_px": np.zeros(2),
        "ball_state": UNKNOWN,
    }
    return Truth(
        ids=ids, box_px=box, joints_px=joints, joint_state=state, **(given | more)
    )


def guess(ids=None, *, players=0, joints=None, found=None, score=None, **more):
    """A guess of as many players; everything found."""
    n = players or (0 if joints is None else len(joints))
    if joints is None:
        joints, found = np.zeros((n, 17, 2)), np.zeros((n, 17))
    if found is None:
        found = np.ones(joints.shape[:2])
    given = {
        "centre_px": joints.mean(axis=1),
        "ball_px": np.zeros(2),
        "ball_score": 0.0,
    }
    return Guess(
        ids=ids,
        score=np.linspace(0.9, 0.5, n) if score is None else score,
        joints_px=joints,
        joint_score=found,
        **(given | more),
    )


def pair(rng, *, people=5, size=(60, 80), noise=3.0):
    """People with masks (boxes that hide one another) and joints, found more or less.

    Some joints are not labelled, some people not at all, one row is a crowd; some poses
    are lost and some are of nobody.
    """
    n, (height, width) = int(rng.integers(1, people + 1)), size
    centre = rng.uniform((10, 15), (width - 10, height - 15), (n, 2))
    half = np.stack([rng.uniform(4, 9, n), rng.uniform(8, 14, n)], axis=1)
    joints = centre[:, None] + rng.uniform(-1, 1, (n, 17, 2)) * half[:, None]
    state = rng.integers(0, 3, (n, 17)).astype(np.int8)
    state[rng.uniform(size=n) < 0.2] = 0
    ids = painted(centre, half, size)
    ids[: int(rng.integers(0, 12)), :30] = 255
    crowd = np.zeros(n, np.bool_)
    crowd[0] = n > 2 and rng.uniform() < 0.5
    ids[(ids == 1) & crowd[0]] = 255
    kept = np.flatnonzero(rng.uniform(size=n) < 0.8)
    moved = centre[kept] + rng.normal(0, 0.5 * noise, (len(kept), 2))
    extra = rng.uniform((10, 15), (width - 10, height - 15), (1, 2))
    moved = np.concatenate([moved, extra])
    sides = np.concatenate([half[kept], half[:1]])
    poses = joints[np.append(kept, 0)] + rng.normal(0, noise, (len(moved), 17, 2))
    return Comparison(
        truth(
            ids,
            joints=joints,
            state=state,
            box=np.concatenate([centre - half, centre + half], axis=1),
            players=n,
            crowd=crowd,
            joints_known=True,
            people=~crowd,
        ),
        guess(
            painted(moved, sides, size),
            joints=poses,
            found=(rng.uniform(size=poses.shape[:2]) < 0.9) * 1.0,
            score=rng.uniform(size=len(moved)),
        ),
    )


def painted(centre, half, size):
    """Ids of boxes, the later on top."""
    ids = np.zeros(size, np.uint8)
    for row, (middle, side) in enumerate(zip(centre, half, strict=True)):
        (x0, y0), (x1, y1) = (middle - side).astype(int), (middle + side).astype(int)
        ids[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = row + 1
    return ids
