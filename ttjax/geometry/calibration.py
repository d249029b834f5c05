"""A calibrated lens: pinhole with Brown's distortion, on the host.

As OpenCV has it, with points of the world in any one unit of length, but for the
pixels, whose centres are half integers: pixel *i* spans [i, i + 1).
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Float64

INVERSION_STEPS = 30
"""Of the fixed-point iteration that takes distortion away."""
_NEAR = 1e-9


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Where a camera is, and what its lens does.

    A point x of the world is at rotation @ x + translation before the camera (right,
    down, forward).

    matrix: focal lengths, skew and principal point.
    distortion: k1, k2, p1, p2, k3.
    """

    size_hw: tuple[int, int]
    matrix: Float64[np.ndarray, "3 3"]
    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, " 3"]
    distortion: Float64[np.ndarray, " 5"]

    @property
    def position(self) -> Float64[np.ndarray, " 3"]:
        """The centre of projection in the world."""
        return -self.rotation.T @ self.translation

    def project(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float64[np.ndarray, "*n 2"], Float64[np.ndarray, "*n"]]:
        """Pixels of points of the world, and their depths in front of the camera.

        Pixels of points behind it (depth <= 0) mean nothing. Points that lie further
        outside the picture than its size are not distorted: Brown's polynomial, which
        was fitted inside, would bring them back into it.
        """
        seen = points @ self.rotation.T + self.translation
        depth = seen[..., 2]
        plane = seen[..., :2] / np.where(np.abs(depth) < _NEAR, _NEAR, depth)[..., None]
        straight = self._to_pixels(plane)
        size = np.array(self.size_hw[::-1], np.float64)
        far = ((straight < -size) | (straight > 2 * size)).any(axis=-1)
        bent = self._to_pixels(distorted(plane, self.distortion))
        return np.where(far[..., None], straight, bent), depth

    def sees(self, points: Float[np.ndarray, "*n 3"]) -> Bool[np.ndarray, "*n"]:
        """Whether points are in front of the camera and inside its picture."""
        xy, depth = self.project(points)
        size = np.array(self.size_hw[::-1])
        return np.asarray((depth > 0) & ((xy >= 0) & (xy < size)).all(axis=-1))

    def plane_of(
        self, xy_px: Float[np.ndarray, "*n 2"], steps: int = INVERSION_STEPS
    ) -> Float64[np.ndarray, "*n 2"]:
        """Directions of pixels, as points of the plane at depth 1, undistorted.

        With one step the distortion is taken to be that at the distorted point.
        """
        whole = np.concatenate([xy_px, np.ones_like(xy_px[..., :1])], axis=-1)
        bent = whole @ np.linalg.inv(self.matrix).T
        bent = bent[..., :2] / bent[..., 2:]
        plane = bent
        for _ in range(steps):
            plane = bent - (distorted(plane, self.distortion) - plane)
        return plane

    def on_height(
        self, xy_px: Float[np.ndarray, "*n 2"], z: float
    ) -> Float64[np.ndarray, "*n 3"]:
        """Where the rays through pixels meet the plane of this z.

        Infinite where a ray runs along the plane; behind the camera for a pixel above
        the horizon.
        """
        plane = self.plane_of(xy_px)
        seen = np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1)
        direction = seen @ self.rotation
        slope = direction[..., 2:]
        reach = (z - self.position[2]) / np.where(slope == 0, 1.0, slope)
        return np.where(slope == 0, np.inf, self.position + reach * direction)

    def length_px(
        self, points: Float[np.ndarray, "*n 3"], length: float
    ) -> Float64[np.ndarray, "*n"]:
        """How long a short bar at a point is in the picture, held parallel to it."""
        across = self.rotation.T @ np.array([length / 2, 0.0, 0.0])
        left, right = self.project(points - across)[0], self.project(points + across)[0]
        return np.asarray(np.linalg.norm(right - left, axis=-1))

    def _to_pixels(self, plane: np.ndarray) -> np.ndarray:
        whole = np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1)
        pixels = whole @ self.matrix.T
        return pixels[..., :2] / pixels[..., 2:]


def distorted(
    plane: Float[np.ndarray, "*n 2"], distortion: Float[np.ndarray, " 5"]
) -> Float64[np.ndarray, "*n 2"]:
    """Brown's model on the plane at depth 1, with r2 = x^2 + y^2.

    x (1 + k1 r2 + k2 r2^2 + k3 r2^3) + 2 p1 x y + p2 (r2 + 2 x^2), and
    y (1 + k1 r2 + k2 r2^2 + k3 r2^3) + p1 (r2 + 2 y^2) + 2 p2 x y.
    """
    k1, k2, p1, p2, k3 = distortion
    x, y = plane[..., 0], plane[..., 1]
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )
