"""Which views of which instants go into which split, and what their records say."""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ttjax.datasets import pictures  # pyright: ignore[reportMissingImports]
from ttjax.formats import (
    deepsport,
    deepsport_humans,
    deepsport_view,
    picture_file,
    scene_record,
)
from ttjax.geometry.calibration import Calibration

VALIDATION_SHARE = 0.15
"""Of the instants that are not for testing, as in the paper."""


def split_of(instant: deepsport.Instant) -> str:
    """The split of an instant with all its views.

    The arenas of the paper's fold A are for testing; of the others a share for
    validation, by a hash of their names.
    """
    if instant.arena in deepsport.TEST_ARENAS:
        return "test"
    digest = hashlib.sha256(instant.name.encode()).digest()
    share = int.from_bytes(digest[:4]) / 2**32
    return "validation" if share < VALIDATION_SHARE else "train"


def splits(
    instants: Sequence[deepsport.Instant], root: pathlib.Path, *, step: int
) -> Mapping[str, Sequence[pictures.Plan]]:
    """The views of all instants; every `step`-th row and column of them is kept."""
    found: dict[str, list[pictures.Plan]] = {"train": [], "validation": [], "test": []}
    for instant in instants:
        for camera in range(instant.cameras):
            make = functools.partial(record, instant, camera, root, step=step)
            plan = pictures.Plan(instant.view(camera), make)
            found[split_of(instant)].append(plan)
    return found


def record(
    instant: deepsport.Instant, camera: int, root: pathlib.Path, *, step: int
) -> dict[str, Any]:
    """The record of a view; see the README for what is said of balls.

    Raises:
        ValueError: a file is damaged, or of another size than its calibration says.
        OSError: a file is missing.
    """
    name = instant.view(camera)
    path = instant.calibration_file(root, camera)
    lens = deepsport.read_lens(path)
    path = instant.picture_file(root, camera)
    data, image = pictures.read_picture(path, name, lens.size_hw)
    if step > 1:
        image = np.ascontiguousarray(image[::step, ::step])
        data = picture_file.encode_png(image)
    rows = pictures.Rows((image.shape[0], image.shape[1]), name)
    ball = ball_of(instant, camera, lens, step=step)
    if instant.has_masks:
        path = instant.humans_file(root, camera)
        masks = deepsport_humans.read(path)
        if masks.crowd.shape != lens.size_hw:
            raise ValueError(
                f"Masks have the size of their picture, {list(lens.size_hw)} (h, w), "
                f"those of {path} are {list(masks.crowd.shape)}: they are of another."
            )
        _fill(rows, masks, ball, step)
    view = deepsport_view.View(instant, camera, lens, step)
    facts = rows.facts(
        group=instant.name,
        masks_known=instant.has_masks,
        joints_known=False,
        ball_xy_px=np.array(ball.xy_px, np.float32),
        ball_state=ball.state,
        ball_diameter_px=ball.diameter_px,
        about=view.json(),
    )
    return scene_record.encode(facts, data, rows.ids() if instant.has_masks else None)


@dataclasses.dataclass(frozen=True)
class SeenBall:
    """The ball as a view shows it."""

    state: int
    xy_px: tuple[float, float] = (0.0, 0.0)
    diameter_px: float = 0.0


def ball_of(
    instant: deepsport.Instant, camera: int, lens: deepsport.Lens, *, step: int
) -> SeenBall:
    """The ball of a view, in px of its every `step`-th row and column.

    Unknown where it was annotated in another view, or not at all: it may be seen here.

    Raises:
        ValueError: it was annotated twice in this view.
    """
    here = [ball for ball in instant.balls if ball.camera == camera]
    if len(here) > 1:
        raise ValueError(
            f"A view has one ball, {instant.view(camera)} has {len(here)}: correct it, "
            "or leave this picture out (`--skip-bad`)."
        )
    if not here:
        return SeenBall(scene_record.UNKNOWN)
    calibration = Calibration(**vars(lens))
    point = here[0].centre_cm
    if not here[0].visible or not calibration.sees(point):
        return SeenBall(scene_record.ABSENT)
    x, y = (calibration.project(point)[0] - 0.5) / step + 0.5
    diameter = calibration.length_px(point, deepsport.BALL_DIAMETER_CM) / step
    return SeenBall(scene_record.VISIBLE, (float(x), float(y)), float(diameter))


def _fill(
    rows: pictures.Rows,
    masks: deepsport_humans.Humans,
    ball: SeenBall,
    step: int,
) -> None:
    """Masks to rows. A visible ball without a mask leaves a disc that is ignored."""
    for mask in masks.people:
        small = mask[::step, ::step]
        # A thin mask may lie between the pixels that are kept: a row without pixels.
        box = None if small.any() else pictures.box_of(mask) / np.float32(step)
        rows.add(small, crowd=False, box_px=box)
    if masks.crowd[::step, ::step].any():
        rows.add(masks.crowd[::step, ::step], crowd=True)
    rows.paint(masks.rest[::step, ::step], scene_record.IGNORED)
    if masks.ball.any():
        rows.paint(masks.ball[::step, ::step], scene_record.BALL_ID)
    elif ball.state == scene_record.VISIBLE:
        height, width = rows.size_hw
        x = np.arange(width)[None] + 0.5 - ball.xy_px[0]
        y = np.arange(height)[:, None] + 0.5 - ball.xy_px[1]
        disc = np.hypot(x, y) <= ball.diameter_px / 2
        rows.paint(disc, scene_record.IGNORED)
