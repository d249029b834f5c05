"""What is known of one picture, on the host, in source px."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Integer

from ttjax import scenes
from ttjax.deepsportlab import poses
from ttjax.geometry.calibration import Calibration
from ttjax.samples import UNKNOWN

BOX_SHARE = 0.53
"""Area of a person's mask per area of the box, where there is no mask: what evaluations
of data sets without masks take for COCO's `area`."""

MARGIN_M = 0.10
"""How far beside its lines the court still reaches: as released with the paper."""

OnCourt = Callable[[Float[np.ndarray, "*n 2"], float], Bool[np.ndarray, "*n"]]
"""Whether pixels, as points at a height in metres, lie above the court."""


def on_court_of(camera: scenes.CourtCamera, *, margin_m: float = MARGIN_M) -> OnCourt:
    """Where the rays through pixels meet a height, and whether that is on the court.

    The lines of the court count, and `margin_m` beyond. Pixels above the horizon and
    those that no ray of the lens belongs to are beside the court.
    """
    lens = Calibration(
        size_hw=(int(camera.size_hw[0]), int(camera.size_hw[1])),
        matrix=camera.matrix,
        rotation=camera.rotation,
        translation=camera.translation,
        distortion=camera.distortion,
    )
    low, high = camera.lines_m[:2] - margin_m, camera.lines_m[2:] + margin_m

    def on_court(
        xy_px: Float[np.ndarray, "*n 2"], height_m: float
    ) -> Bool[np.ndarray, "*n"]:
        # Far outside of a picture a lens has no inverse: what comes is not finite.
        with np.errstate(all="ignore"):
            point = lens.on_height(np.asarray(xy_px, np.float64), height_m)
            depth = point @ lens.rotation[2] + lens.translation[2]
            inside = ((point[..., :2] >= low) & (point[..., :2] <= high)).all(axis=-1)
        return np.asarray(inside & (depth > 0))

    return on_court


@dataclasses.dataclass(frozen=True)
class Truth:
    """What is known of one picture. Rows that are neither player nor crowd are empty.

    ids: per pixel 0, the row of its player + 1, or 255 where nothing is known; None
        where there are no masks. to_source: source px per pixel of `ids`, (x, y).
    crowd: rows that are regions of people who are not told apart.
    box_px: x0 y0 x1 y1.
    joint_state: COCO's flag, 0 where a joint is not labelled.
    ball_state: `ABSENT`, `VISIBLE` or `UNKNOWN` of `ttjax.samples`.
    ball_diameter_px: 0 where it is not known.
    points_px, points_known: DeepSport's annotation of a player: head, hips and the two
        feet, which are interchangeable.
    """

    ids: Integer[np.ndarray, "h w"] | None
    players: Bool[np.ndarray, " n"]
    crowd: Bool[np.ndarray, " n"]
    box_px: Float[np.ndarray, "n 4"]
    joints_px: Float[np.ndarray, "n k 2"]
    joint_state: Integer[np.ndarray, "n k"]
    joints_known: bool
    ball_xy_px: Float[np.ndarray, " 2"]
    ball_state: int = UNKNOWN
    ball_diameter_px: float = 0.0
    to_source: tuple[float, float] = (1.0, 1.0)
    points_px: Float[np.ndarray, "n 4 2"] | None = None
    points_known: Bool[np.ndarray, "n 4"] | None = None
    on_court: OnCourt | None = None

    @classmethod
    def of_labels(
        cls,
        labels: scenes.SceneLabels,
        index: int,
        *,
        scale: tuple[float, float] = (1.0, 1.0),
    ) -> "Truth":
        """Example `index` of a batch of labels; `scale`: source px per pixel, (x, y).

        The ball's pixels become background, those of crowds unknown. A joint without a
        place is not labelled.
        """
        players = np.asarray(labels.players[index], np.bool_)
        joints_px = np.asarray(labels.joints_px[index])
        placed = np.isfinite(joints_px).all(axis=-1)
        ids = None
        if labels.masks_known[index]:
            names = np.full(256, scenes.IGNORED, np.uint8)
            names[[scenes.BACKGROUND, scenes.BALL_ID]] = 0
            rows = np.flatnonzero(players) + 1
            names[rows] = rows
            ids = names[np.asarray(labels.ids[index])]
        xy = np.array(scale, np.float64)
        return cls(
            ids=ids,
            players=players,
            crowd=np.asarray(labels.crowd[index], np.bool_),
            box_px=np.asarray(labels.box_px[index]) * np.tile(xy, 2),
            joints_px=np.where(placed[..., None], joints_px, 0.0) * xy,
            joint_state=np.where(placed, labels.joint_state[index], scenes.UNLABELLED),
            joints_known=bool(labels.joints_known[index]),
            ball_xy_px=np.asarray(labels.ball_xy_px[index]) * xy,
            ball_state=int(labels.ball_state[index]),
            ball_diameter_px=float(labels.ball_diameter_px[index])
            * float(np.sqrt(xy.prod())),
            to_source=(float(xy[0]), float(xy[1])),
        )

    @classmethod
    def of_source(cls, labels: scenes.SourceLabels, index: int) -> "Truth":
        """Example `index` of a batch of labels that are in source px already."""
        points, known, court = labels.points_px, labels.points_known, labels.court
        if court is not None:
            fields = {name: value[index] for name, value in vars(court).items()}
            court = scenes.CourtCamera(**fields)
        return dataclasses.replace(
            cls.of_labels(labels.scene, index),
            points_px=None if points is None else np.asarray(points[index]),
            points_known=None if known is None else np.tile(known[index][:, None], 4),
            on_court=None if court is None else on_court_of(court),
        )

    @functools.cached_property
    def area_px(self) -> Float[np.ndarray, " n"]:
        """Of every row in source px^2: of the mask's visible part, else of the box."""
        sides = np.maximum(self.box_px[:, 2:] - self.box_px[:, :2], 0.0)
        area = BOX_SHARE * sides.prod(axis=1).astype(np.float64)
        if self.ids is None:
            return area
        rows = len(self.players)
        counts = np.bincount(self.ids.ravel(), minlength=rows + 1)[1 : rows + 1]
        masks = counts * float(np.prod(self.to_source))
        return np.where(self.players & (counts > 0), masks, area)

    def four_points(self) -> tuple[Float[np.ndarray, "n 4 2"], Bool[np.ndarray, "n 4"]]:
        """Head, hips and feet, and which are known: annotated, or made from joints."""
        if self.points_px is not None:
            known = np.ones(self.points_px.shape[:2], np.bool_)
            if self.points_known is not None:
                known = self.points_known
            points = self.points_px.astype(np.float64)
        else:
            labelled = (self.joint_state > 0) & self.joints_known
            points, known = poses.four_points(self.joints_px, labelled)
        return points, known & self.players[:, None]

    def sampled(
        self,
        size_hw: tuple[int, int],
        to_source: tuple[float, float],
        *,
        stride: int = 1,
    ) -> Integer[np.ndarray, "h w"] | None:
        """`ids` at the pixels of another map of the picture; 255 outside of the truth.

        to_source: source px per pixel of that map, which is every `stride`-th row and
        column of an image: its pixel j stands at the image's j * stride + 0.5.
        """
        if self.ids is None:
            return None
        found = []
        for axis, size in ((1, size_hw[0]), (0, size_hw[1])):
            place = (np.arange(size) * stride + 0.5) * (to_source[axis] / stride)
            found.append(np.floor(place / self.to_source[axis]).astype(np.int64))
        rows, columns = found
        height, width = self.ids.shape
        inside = (rows < height)[:, None] & (columns < width)[None]
        near = self.ids[
            np.minimum(rows, height - 1)[:, None], columns.clip(0, width - 1)
        ]
        return np.where(inside, near, np.asarray(scenes.IGNORED, near.dtype))
