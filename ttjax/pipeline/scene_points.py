"""What scores alone need of a picture: points of players, and where the court is."""

import numpy as np
from jaxtyping import Float, Float64, Integer

from ttjax import scenes
from ttjax.formats import deepsport_view, scene_record
from ttjax.formats.deepsport_view import View
from ttjax.geometry.calibration import Calibration
from ttjax.pipeline import scene_views
from ttjax.scenes import CourtCamera, SceneLabels, SourceLabels

LEAST_ALIKE = 0.5
"""The share of an annotated player's points on a mask, plus the IoU of the boxes around
both, from which on it is his mask."""
CM_PER_M = 100.0
_UP = np.array([1.0, -1.0, -1.0])
"""DeepSport's axes in those of a world with z up: right-handed as before."""


def source_labels(picture: scene_record.Picture) -> SourceLabels:
    """The labels of a picture as it is, with all that its record knows.

    Players of whom head, hips and both feet are annotated, all of them inside of the
    picture, come first, in the order of annotation; with the mask they stand for, where
    there is one.

    Raises:
        ValueError: what the record tells beside its labels is malformed, or there are
            more people than rows can be.
    """
    labels = scene_views.labels_of(picture)
    if not picture.facts.about:
        return SourceLabels(scene=labels)
    view = deepsport_view.parse(picture.facts.about, repr(picture.facts.name))
    points = points_of(view)
    owners = masks_of(points, labels)
    others = np.setdiff1d(np.arange(len(labels.players)), owners)
    order = np.concatenate([owners, others])
    if len(order) > scenes.MOST_PLAYERS:
        raise ValueError(
            f"A picture shows at most {scenes.MOST_PLAYERS} people, "
            f"{picture.facts.name!r} {len(order)}: leave it out of the data set."
        )
    rows = np.zeros((len(order), 4, 2), np.float32)
    rows[: len(points)] = points
    return SourceLabels(
        scene=_reordered(labels, order, points),
        points_px=rows,
        points_known=np.arange(len(order)) < len(points),
        court=court_of(view),
    )


def points_of(view: View) -> Float64[np.ndarray, "n 4 2"]:
    """Head, hips and feet of players, px of the picture; all four are inside of it."""
    lens = Calibration(**vars(view.kept_lens))
    points = view.points_cm
    seen = np.logical_and.reduce(lens.sees(points), axis=1)
    return lens.project(points[seen])[0]


def court_of(view: View) -> CourtCamera | None:
    """The camera over its court; None where the size of the court is not known."""
    size, lens = view.court_cm, view.kept_lens
    if size is None:
        return None
    length_m, width_m = (side / CM_PER_M for side in size)
    return CourtCamera(
        size_hw=np.array(lens.size_hw, np.int32),
        matrix=lens.matrix,
        rotation=lens.rotation * _UP[None],
        translation=lens.translation / CM_PER_M,
        distortion=lens.distortion,
        lines_m=np.array([0.0, -width_m, length_m, 0.0]),
    )


def masks_of(
    points_px: Float[np.ndarray, "n 4 2"], labels: SceneLabels
) -> Integer[np.ndarray, " n"]:
    """The row of each annotated player, or -1 where none of the masks is his.

    Rows are given away one by one, those that are most alike first: somebody who stands
    behind another has points on both masks.
    """
    ids = np.asarray(labels.ids)
    height, width = ids.shape
    column, row = np.moveaxis(np.floor(points_px).astype(np.int64), -1, 0)
    under = ids[row.clip(0, height - 1), column.clip(0, width - 1)].astype(np.int64)
    count = len(labels.players)
    on_mask = (under[..., None] == np.arange(count) + 1).mean(axis=1)
    alike = on_mask + _box_iou(boxes_around(points_px), np.asarray(labels.box_px))
    alike = np.where(np.asarray(labels.players)[None], alike, 0.0)
    owners = np.full(len(points_px), -1)
    while alike.size and alike.max() >= LEAST_ALIKE:
        one, best = np.unravel_index(int(np.argmax(alike)), alike.shape)
        owners[one] = best
        alike[one], alike[:, best] = 0.0, 0.0
    return owners


def boxes_around(points_px: Float[np.ndarray, "n 4 2"]) -> Float64[np.ndarray, "n 4"]:
    """x0 y0 x1 y1 around points, at least a pixel wide and high."""
    low, high = points_px.min(axis=1), points_px.max(axis=1)
    middle, half = 0.5 * (low + high), np.maximum(0.5 * (high - low), 0.5)
    return np.concatenate([middle - half, middle + half], axis=1)


def _box_iou(
    first: Float[np.ndarray, "n 4"], second: Float[np.ndarray, "m 4"]
) -> Float64[np.ndarray, "n m"]:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.maximum(high - low, 0.0).prod(axis=-1)
    one, other = ((b[:, 2:] - b[:, :2]).prod(axis=-1) for b in (first, second))
    either = one[:, None] + other[None] - both
    return np.where(either > 0, both / np.where(either > 0, either, 1.0), 0.0)


def _reordered(
    labels: SceneLabels,
    order: Integer[np.ndarray, " n"],
    points_px: Float[np.ndarray, "m 4 2"],
) -> SceneLabels:
    """The labels with these rows; -1 is a new one, a player at his points."""
    new = order < 0
    names = np.arange(256, dtype=np.uint8)
    names[order[~new] + 1] = np.flatnonzero(~new) + 1
    boxes = np.zeros((len(order), 4), np.float32)
    boxes[: len(points_px)] = boxes_around(points_px)

    def rows(values: np.ndarray, fresh: np.ndarray | bool | int) -> np.ndarray:
        shape = (-1, *[1] * (values.ndim - 1))
        return np.where(new.reshape(shape), fresh, values[order]).astype(values.dtype)

    return labels.replace(  # pyright: ignore[reportAttributeAccessIssue]
        ids=names[labels.ids],
        players=rows(np.asarray(labels.players), True),
        crowd=rows(np.asarray(labels.crowd), False),
        box_px=rows(np.asarray(labels.box_px), boxes),
        joints_px=rows(np.asarray(labels.joints_px), 0),
        joint_state=rows(np.asarray(labels.joint_state), scenes.UNLABELLED),
    )
