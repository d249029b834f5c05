"""Poses of basketball players: ranges of the angles of their joints, in radians."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

ANGLES = ("lean", "twist", "turn", "jump")
"""Of the trunk forward, of the shoulders and of the head to the left; and how high a
person is in the air (shares of the height)."""
LEG = ("hip", "wide", "knee")
"""Thigh forward, legs apart, knee bent: left, then right, after `ANGLES`."""
ARM = ("swing", "out", "elbow", "spread")
"""Upper arm forward and outwards, elbow bent, forearm outwards: left, then right."""
COUNT = len(ANGLES) + 2 * (len(LEG) + len(ARM))

STANDING, DEFENDING, RUNNING, DRIBBLING, SHOOTING, BLOCKING, HOLDING, SIGNALLING = (
    range(8)
)
SHARES = (0.22, 0.22, 0.24, 0.07, 0.06, 0.06, 0.07, 0.06)
"""How often each pose is drawn."""


def _pose(trunk, left_leg, right_leg, left_arm, right_arm) -> np.ndarray:
    """Ranges `[COUNT, 2]` of the angles, in their order."""
    rows = np.array([*trunk, *left_leg, *right_leg, *left_arm, *right_arm], np.float32)
    return rows.reshape(COUNT, 2)


_LEVEL = ((0.0, 0.15), (-0.2, 0.2), (-0.6, 0.6), (0.0, 0.0))
_BENT = ((0.2, 0.5), (-0.3, 0.3), (-0.6, 0.6), (0.0, 0.0))
_UPWARDS = ((-0.05, 0.12), (-0.25, 0.25), (-0.3, 0.3), (0.0, 0.25))
_STRAIGHT = ((-0.1, 0.2), (0.03, 0.14), (0.0, 0.3))
_CROUCHED = ((0.45, 0.95), (0.12, 0.45), (0.7, 1.3))
_STEPPING = ((0.1, 0.6), (0.05, 0.3), (0.3, 0.9))
_HANGING = ((-0.2, 0.3), (0.08, 0.3), (0.1, 0.7), (-0.1, 0.2))
_RAISED = ((2.3, 3.0), (0.05, 0.45), (0.0, 0.5), (-0.2, 0.3))

POSES = np.stack(
    [
        _pose(_LEVEL, _STRAIGHT, _STRAIGHT, _HANGING, _HANGING),
        _pose(
            _BENT,
            _CROUCHED,
            _CROUCHED,
            ((0.1, 0.9), (0.4, 1.2), (0.2, 0.9), (0.3, 1.2)),
            ((0.1, 0.9), (0.4, 1.2), (0.2, 0.9), (0.3, 1.2)),
        ),
        _pose(
            ((0.08, 0.35), (-0.35, 0.1), (-0.3, 0.3), (0.0, 0.06)),
            ((0.5, 1.1), (0.0, 0.1), (0.7, 1.5)),
            ((-0.5, 0.0), (0.0, 0.1), (0.2, 1.0)),
            ((-0.9, -0.2), (0.1, 0.35), (1.0, 1.7), (-0.2, 0.1)),
            ((0.3, 0.9), (0.1, 0.35), (1.1, 1.7), (-0.3, 0.1)),
        ),
        _pose(
            _BENT,
            ((0.3, 0.8), (0.08, 0.3), (0.5, 1.0)),
            ((0.0, 0.5), (0.08, 0.3), (0.4, 0.9)),
            ((0.1, 0.7), (0.3, 0.9), (0.6, 1.3), (0.0, 0.6)),
            ((0.2, 0.7), (0.2, 0.5), (0.2, 0.8), (0.1, 0.4)),
        ),
        _pose(
            _UPWARDS,
            ((0.0, 0.3), (0.03, 0.12), (0.1, 0.6)),
            ((0.0, 0.3), (0.03, 0.12), (0.1, 0.6)),
            ((1.9, 2.5), (0.1, 0.3), (0.4, 1.0), (-0.3, 0.0)),
            ((2.2, 2.9), (0.0, 0.15), (0.1, 0.6), (-0.1, 0.1)),
        ),
        _pose(
            ((-0.05, 0.15), (-0.25, 0.25), (-0.4, 0.4), (0.03, 0.35)),
            ((-0.2, 0.4), (0.03, 0.2), (0.2, 1.0)),
            ((-0.2, 0.4), (0.03, 0.2), (0.2, 1.0)),
            _RAISED,
            _RAISED,
        ),
        _pose(
            _BENT,
            _STEPPING,
            _STEPPING,
            ((0.4, 1.0), (0.1, 0.4), (0.8, 1.5), (-0.7, -0.3)),
            ((0.4, 1.0), (0.1, 0.4), (0.8, 1.5), (-0.7, -0.3)),
        ),
        _pose(_LEVEL, _STRAIGHT, _STEPPING, _HANGING, _RAISED),
    ]
)
"""Ranges `[pose, angle, low or high]`; any of them may be mirrored."""


def pose(kind: Int32[Array, ""], uniform: Float[Array, " 18"]) -> Float[Array, " 18"]:
    """Angles of a pose, anywhere in its ranges."""
    low, high = jnp.moveaxis(jnp.asarray(POSES)[kind], -1, 0)
    return low + (high - low) * uniform
