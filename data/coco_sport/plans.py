"""Which pictures of COCO are kept, and what their records say."""

import dataclasses
import functools
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ttjax.datasets import pictures  # pyright: ignore[reportMissingImports]
from ttjax.formats import coco, scene_record

PAPER_COUNTS = {"train": 42_271, "validation": 2_356}
"""Pictures that the paper kept."""
SETS = {"train": "train2017", "validation": "val2017"}

Kept = Callable[[coco.Picture], bool]


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The pictures of a split.

    bad: name and error of those whose annotations cannot be read.
    shown: how many show people with joints, or a ball; of them `by_release` and
        `by_paper` pass the filters of sizes, the released one and that of the text.
    """

    kept: tuple[coco.Picture, ...]
    bad: tuple[tuple[str, str], ...]
    shown: int
    by_release: int
    by_paper: int

    def report(self, split: str) -> str:
        """The counts beside the paper's."""
        return (
            f"{split}: {self.shown} pictures show joints or a ball; of these the "
            f"released filter keeps {self.by_release}, the paper's text "
            f"{self.by_paper}; the paper counts {PAPER_COUNTS.get(split)}. Built: "
            f"{len(self.kept)}; unreadable: {len(self.bad)}."
        )


def choose(
    entries: Sequence[coco.Entry], kept: Kept | None, *, skip_bad: bool
) -> Chosen:
    """The pictures that show joints or a ball and pass a filter; None: all of these.

    Raises:
        ValueError: annotations cannot be read, and `skip_bad` is not set.
    """
    shown, bad = [], []
    for entry in entries:
        try:
            picture = entry.picture()
        except ValueError as error:
            if not skip_bad:
                raise
            bad.append((entry.file, str(error)))
            continue
        if coco.shows_people_or_ball(picture):
            shown.append(picture)
    return Chosen(
        kept=tuple(one for one in shown if kept is None or kept(one)),
        bad=tuple(bad),
        shown=len(shown),
        by_release=sum(map(coco.is_kept_by_release, shown)),
        by_paper=sum(map(coco.is_kept_by_paper, shown)),
    )


def plan(picture: coco.Picture, folder: pathlib.Path) -> pictures.Plan:
    """A picture whose file lies in a folder."""
    return pictures.Plan(
        picture.file, functools.partial(record, picture, folder / picture.file)
    )


def record(
    picture: coco.Picture, path: pathlib.Path, *, group: str = ""
) -> dict[str, Any]:
    """The record of a picture; see the README for what is said of balls.

    Raises:
        ValueError: the picture or a mask is damaged, or of another size.
    """
    data, _ = pictures.read_picture(path, picture.file, picture.size_hw)
    rows = pictures.Rows(picture.size_hw, picture.file)
    for one in picture.people:
        rows.add(
            _mask(one, picture),
            crowd=one.crowd,
            box_px=one.box_px,
            joints_px=one.joints_px,
            joint_state=one.joint_state,
        )
    facts = rows.facts(
        group=group or picture.file,
        masks_known=True,
        joints_known=picture.joints_known,
        **_ball(picture, rows),
    )
    return scene_record.encode(facts, data, rows.ids())


def _ball(picture: coco.Picture, rows: pictures.Rows) -> dict[str, Any]:
    """The largest ball; all others and crowds of balls become pixels to ignore."""
    ordered = sorted(picture.balls, key=lambda one: (one.crowd, -one.area_px2))
    masks = [_mask(one, picture) for one in ordered]
    single = bool(ordered) and not ordered[0].crowd
    for place, mask in enumerate(masks):
        first = single and place == 0
        rows.paint(mask, scene_record.BALL_ID if first else scene_record.IGNORED)
    absent = picture.balls_known and not ordered
    xy, diameter = np.zeros(2, np.float32), 0.0
    state = scene_record.ABSENT if absent else scene_record.UNKNOWN
    if single:
        x0, y0, x1, y1 = map(float, ordered[0].box_px)
        xy, diameter = pictures.middle_of(masks[0]), max(x1 - x0, y1 - y0)
        state = scene_record.VISIBLE
    return {"ball_xy_px": xy, "ball_state": state, "ball_diameter_px": diameter}


def _mask(one: coco.Person | coco.Ball, picture: coco.Picture) -> np.ndarray:
    """The pixels of an annotation.

    Raises:
        ValueError: there are none, or they cannot be read.
    """
    place = f"annotation {one.id} of {picture.file!r}"
    try:
        mask = coco.mask(one.segmentation, picture.size_hw)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    if not mask.any():
        raise ValueError(
            f"A mask has pixels, {place} has none in a picture of "
            f"{math.prod(picture.size_hw)} px: correct it, or leave this picture out "
            "(`--skip-bad`)."
        )
    return mask
