"""How large points are: the targets of scales, in cells of a field."""

import dataclasses
import math
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ttjax.deepsportlab import joints
from ttjax.deepsportlab.joints import BALL_SIGMA, CENTRE_SIGMA

LEAST_JOINTS = 3
"""Fewer labelled joints say nothing of a person's size."""
LEAST_BODY = 0.1
"""Cells; a person that seems smaller has no size."""
LEAST_POINT = 0.01
"""Cells; smaller scales, of joints that all but coincide, are not taught."""
LEAST_SHARE = 0.1
"""Area, in the units of the reference pose, from which a part of it says something."""
MOST_ENLARGED = 5.0
"""How many times larger than what is labelled a person is taken to be, at most."""
SHARE_OF_GAP = 0.25
"""A scale is at most this times the way to the nearest joint of its kind."""


def _area(
    points: Float[Array, "*m k 2"], which: Bool[Array, "*m k"]
) -> Float[Array, "*m"]:
    """Of the upright box around the points that count."""
    counts = which[..., None]
    low = jnp.min(jnp.where(counts, points, jnp.inf), axis=-2)
    high = jnp.max(jnp.where(counts, points, -jnp.inf), axis=-2)
    return jnp.prod(jnp.maximum(high - low, 0.0), axis=-1)


_POSES = np.stack([joints.UPRIGHT, joints.rotated(joints.UPRIGHT, math.pi / 4)])
_POSE_AREAS = np.prod(np.ptp(_POSES, axis=1), axis=-1)


def body_scale(
    joints_cells: Float[Array, "k 2"], labelled: Bool[Array, " k"]
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """Size of a person in cells, and whether it is known.

    sqrt(A) f, with A the area of the box around the labelled joints, and f what a whole
    standing person has more of it than these joints alone: the square root of the ratio
    of their areas, the smaller one of a pose that is upright and one turned by 45
    degrees; at most 5. A pose in which the joints span less than `LEAST_SHARE` is not
    asked.

    Unknown with fewer than three joints, where no pose can be asked, or below 0.1
    cells. PifPaf's encoder as DeepSportLab has it.
    """
    poses = jnp.asarray(_POSES)
    which = jnp.broadcast_to(labelled[None], poses.shape[:2])
    seen = _area(poses, which)
    asked = seen > LEAST_SHARE
    ratio = jnp.asarray(_POSE_AREAS) / jnp.where(asked, seen, 1.0)
    ratio = jnp.min(jnp.where(asked, ratio, jnp.inf))
    factor = jnp.minimum(MOST_ENLARGED, jnp.sqrt(ratio))
    scale = jnp.sqrt(_area(joints_cells, labelled)) * factor
    enough = jnp.sum(labelled) >= LEAST_JOINTS
    return scale, enough & asked.any() & (scale >= LEAST_BODY)


def part_scales(
    joints_cells: Float[Array, "n k 2"], labelled: Bool[Array, "n k"]
) -> tuple[Float[Array, "n k"], Bool[Array, "n k"]]:
    """Scales of all joints of all players in cells, and which of them are known.

    sigma_k times `body_scale`, at most a quarter of the distance to the nearest joint
    of the same kind of somebody else.
    """
    n = joints_cells.shape[0]
    sizes, sized = jax.vmap(body_scale)(joints_cells, labelled)
    scale = jnp.asarray(joints.SIGMAS)[None] * sizes[:, None]
    gap = jnp.linalg.norm(joints_cells[:, None] - joints_cells[None], axis=-1)
    other = ~jnp.eye(n, dtype=bool)[:, :, None] & labelled[None]
    nearest = jnp.min(jnp.where(other, gap, jnp.inf), axis=1)
    scale = jnp.minimum(scale, SHARE_OF_GAP * nearest)
    return scale, labelled & sized[:, None] & (scale >= LEAST_POINT)


@runtime_checkable
class Scale(Protocol):
    """Scales of centres and balls, each in cells, and whether it is known."""

    def centre(
        self, box_px: Float[Array, "n 4"], *, stride: int
    ) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
        """Of the centres of players with these boxes."""
        ...

    def ball(
        self, diameter_px: Float[Array, ""], *, stride: int
    ) -> tuple[Float[Array, ""], Bool[Array, ""]]:
        """Of a ball of this diameter; 0: not known."""
        ...


@dataclasses.dataclass(frozen=True)
class PaperScale:
    """Constants, as in the released encoders: a tenth and a fifth of a cell.

    Of the centre's encoder, which was not released, this is the likely reading.
    """

    def centre(
        self, box_px: Float[Array, "n 4"], *, stride: int
    ) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
        """0.1 cells for every centre."""
        n = box_px.shape[0]
        return jnp.full((n,), CENTRE_SIGMA), jnp.ones((n,), jnp.bool_)

    def ball(
        self, diameter_px: Float[Array, ""], *, stride: int
    ) -> tuple[Float[Array, ""], Bool[Array, ""]]:
        """0.2 cells for every ball."""
        return jnp.full((), BALL_SIGMA), jnp.ones((), jnp.bool_)


@dataclasses.dataclass(frozen=True)
class InstanceScale:
    """Scales that grow with what they belong to, at least `least` cells.

    With the constants of the paper a decoder adds votes up within one pixel only.

    ball_factor: multiplies the diameter of the ball.
    """

    ball_factor: float = 1.0
    least: float = 0.1

    def __post_init__(self):
        """Checks that both are positive."""
        if self.ball_factor <= 0 or self.least <= 0:
            raise ValueError(
                "Scales are positive, got "
                f"ball_factor={self.ball_factor}, least={self.least}."
            )

    def centre(
        self, box_px: Float[Array, "n 4"], *, stride: int
    ) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
        """0.1 times the square root of the box's area; unknown of an empty box."""
        size = jnp.maximum(box_px[:, 2:] - box_px[:, :2], 0.0)
        area = jnp.prod(size, axis=-1)
        scale = CENTRE_SIGMA * jnp.sqrt(area) / stride
        return jnp.maximum(scale, self.least), (area > 0) & jnp.isfinite(area)

    def ball(
        self, diameter_px: Float[Array, ""], *, stride: int
    ) -> tuple[Float[Array, ""], Bool[Array, ""]]:
        """0.2 times `ball_factor` times the diameter; unknown where that is."""
        scale = BALL_SIGMA * self.ball_factor * diameter_px / stride
        known = (diameter_px > 0) & jnp.isfinite(diameter_px)
        return jnp.maximum(scale, self.least), known
