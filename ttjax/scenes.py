"""Pictures of a team at play: what data and simulation give, and DeepSportLab takes.

A `Scene` is one picture with the people and the ball that are known to be in it. Points
are xy in pixels of `Scene.image` (pixel *i* spans [i, i + 1)), sizes (h, w).
"""

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float32, Float64, Int8, Int32, UInt8

from ttjax.nn import resize
from ttjax.samples import Window

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 keypoints of COCO, in its order."""
MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""The joint that each one becomes in a mirrored picture."""

UNLABELLED, HIDDEN, SEEN = 0, 1, 2
"""States of a joint: COCO's visibility flag."""

BACKGROUND, BALL_ID, IGNORED = 0, 254, 255
"""What a pixel of `SceneLabels.ids` is, if not player *i* (who is written i + 1)."""
MOST_PLAYERS = 253
"""Rows of `SceneLabels` that `ids` can tell apart."""
LEAST_PX = 16
"""The side of the smallest picture."""


@dataclasses.dataclass(frozen=True)
class SceneSpec:
    """What a family asks of its data.

    image_hw: of every picture; smaller ones are padded at the right and the bottom.
    players: rows of the labels, at most 253.
    """

    image_hw: tuple[int, int]
    players: int = 32
    window: Window = Window(frames=1)

    def __post_init__(self):
        """Checks the number of rows.

        Raises:
            ValueError: more players than ids, or none; a window of several frames.
        """
        if not 1 <= self.players <= MOST_PLAYERS:
            raise ValueError(
                f"A scene has room for 1 to {MOST_PLAYERS} players, got "
                f"{self.players}: set `players`."
            )
        if self.window.frames != 1:
            raise ValueError(
                f"A scene is one picture, got a window of {self.window.frames} frames."
            )

    @property
    def keeps_frames(self) -> bool:
        """A view is all that is looked at."""
        return False

    @property
    def has_masks(self) -> bool:
        """The map of players is part of every answer."""
        return False

    def check_frame(self, size_hw: tuple[int, int]) -> None:
        """Checks the size of source frames.

        Raises:
            ValueError: a side is shorter than `LEAST_PX`.
        """
        if min(size_hw) < LEAST_PX:
            raise ValueError(
                f"A picture is at least {LEAST_PX} px high and wide, what one cell of "
                f"the network sees, got {size_hw[0]} x {size_hw[1]}: enlarge it."
            )

    def fitted_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        """The size that a picture is shrunk to, so that it fits; never enlarged."""
        scale = min(1.0, *(i / s for i, s in zip(self.image_hw, size_hw, strict=True)))
        return round(size_hw[0] * scale), round(size_hw[1] * scale)

    def view(self, frame: UInt8[Array, "b h w 3"]) -> UInt8[Array, "b hi wi 3"]:
        """The whole frames, shrunk until they fit, and padded."""
        h, w = self.fitted_hw((frame.shape[1], frame.shape[2]))
        small = jnp.round(resize.area(frame, (h, w))).astype(jnp.uint8)
        rows, columns = self.image_hw
        return jnp.pad(small, ((0, 0), (0, rows - h), (0, columns - w), (0, 0)))

    def example(
        self,
        views: UInt8[Array, "b 1 hi wi 3"],
        frames: Any,
        size_hw: tuple[int, int],
    ) -> "Scene":
        """Scenes without labels."""
        (h, w), pairs = self.fitted_hw(size_hw), (views.shape[0], 2)
        scale = jnp.array([size_hw[1] / w, size_hw[0] / h], jnp.float32)
        return Scene(
            image=views[:, 0],
            valid_hw=jnp.broadcast_to(jnp.array([h, w], jnp.int32), pairs),
            labels=None,
            to_source=jnp.broadcast_to(scale, pairs),
        )

    def batch(self, batch_size: int) -> "Scene":
        """`jax.ShapeDtypeStruct`s of a batch of scenes."""

        def leaf(dtype: Any, *shape: int) -> Any:
            return jax.ShapeDtypeStruct((batch_size, *shape), dtype)

        n, k = self.players, len(JOINTS)
        return Scene(
            image=leaf(np.uint8, *self.image_hw, 3),
            valid_hw=leaf(np.int32, 2),
            labels=SceneLabels(
                ids=leaf(np.uint8, *self.image_hw),
                masks_known=leaf(np.bool_),
                players=leaf(np.bool_, n),
                crowd=leaf(np.bool_, n),
                box_px=leaf(np.float32, n, 4),
                joints_px=leaf(np.float32, n, k, 2),
                joint_state=leaf(np.int8, n, k),
                joints_known=leaf(np.bool_),
                ball_xy_px=leaf(np.float32, 2),
                ball_state=leaf(np.int8),
                ball_diameter_px=leaf(np.float32),
            ),
        )


@flax.struct.dataclass
class SceneLabels:
    """What is known of a picture. Leading axes are free: one example or a batch.

    A row is a player, a crowd (a region of people that are not told apart), or empty.

    ids: per pixel `BACKGROUND`, the row of its player + 1, `BALL_ID` or `IGNORED`.
        Where masks overlap, the smaller one is on top.
    masks_known: False where the people of this picture have no masks.
    players, crowd: what a row is; never both.
    box_px: x0 y0 x1 y1 of the row's person or region, before anything was cut off.
    joints_px: any finite value where the state is `UNLABELLED`.
    joint_state: `UNLABELLED`, `HIDDEN` or `SEEN`.
    joints_known: False where joints were not annotated in this picture.
    ball_xy_px: any finite value where the ball is not visible.
    ball_state: `ABSENT`, `VISIBLE` or `UNKNOWN` of `ttjax.samples`.
    ball_diameter_px: 0 where it is not known.
    """

    ids: UInt8[Array | np.ndarray, "*b h w"]
    masks_known: Bool[Array | np.ndarray, "*b"]
    players: Bool[Array | np.ndarray, "*b n"]
    crowd: Bool[Array | np.ndarray, "*b n"]
    box_px: Float32[Array | np.ndarray, "*b n 4"]
    joints_px: Float32[Array | np.ndarray, "*b n k 2"]
    joint_state: Int8[Array | np.ndarray, "*b n k"]
    joints_known: Bool[Array | np.ndarray, "*b"]
    ball_xy_px: Float32[Array | np.ndarray, "*b 2"]
    ball_state: Int8[Array | np.ndarray, "*b"]
    ball_diameter_px: Float32[Array | np.ndarray, "*b"]


@flax.struct.dataclass
class Scene:
    """A picture with its labels.

    valid_hw: the upper left part that is picture; the rest is padding.
    labels: `SceneLabels`, None where there are none.
    to_source: source px per pixel of the image, (x, y); None: the image is the source.
    """

    image: UInt8[Array | np.ndarray, "*b h w 3"]
    valid_hw: Int32[Array | np.ndarray, "*b 2"]
    labels: Any
    to_source: Float32[Array | np.ndarray, "*b 2"] | None = None


@flax.struct.dataclass
class CourtCamera:
    """A calibrated camera over a court. Leading axes are free: one example or a batch.

    A point x of the world, in metres with z up from the floor, is at rotation @ x +
    translation before the camera (right, down, forward).

    matrix, distortion: as in `ttjax.geometry.calibration.Calibration`, for px of the
        picture itself; size_hw: of the picture.
    lines_m: x0 y0 x1 y1 of the court, whose lines run along the axes of the floor.
    """

    size_hw: Int32[Array | np.ndarray, "*b 2"]
    matrix: Float64[np.ndarray, "*b 3 3"]
    rotation: Float64[np.ndarray, "*b 3 3"]
    translation: Float64[np.ndarray, "*b 3"]
    distortion: Float64[np.ndarray, "*b 5"]
    lines_m: Float64[np.ndarray, "*b 4"]


@flax.struct.dataclass
class SourceLabels:
    """What is known of a whole picture in its own px, however a network sees it.

    What recordings of pictures give to evaluators: labels of any size, and what scores
    alone need. Leading axes are free: one example or a batch.

    scene: in px of the picture; `ids` have its size.
    points_px: head, hips and two feet, which are interchangeable, of each row; any
        finite value where they are not known. None where nobody's are annotated.
    points_known: whether those of a row are; None where `points_px` is.
    court: None where the camera is not calibrated.
    """

    scene: SceneLabels
    points_px: Float32[Array | np.ndarray, "*b n 4 2"] | None = None
    points_known: Bool[Array | np.ndarray, "*b n"] | None = None
    court: CourtCamera | None = None
