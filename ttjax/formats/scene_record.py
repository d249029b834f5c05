"""One picture of people and a ball as a record, with all that is known of it.

A record is a flat dictionary that TFDS stores without TensorFlow. Its labels have the
names and the meanings of `ttjax.scenes.SceneLabels`, with as many rows as there are
people: points are xy in px of the picture (pixel *i* spans [i, i + 1)), sizes (h, w).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32, UInt8

from ttjax.formats import picture_file

JOINTS = 17
LEAST_PX = 16
"""The side of the smallest picture: what one cell of a network sees."""
BALL_STATES = ABSENT, VISIBLE, UNKNOWN = 0, 1, -1
JOINT_STATES = UNLABELLED, HIDDEN, SEEN = 0, 1, 2
BACKGROUND, BALL_ID, IGNORED = 0, 254, 255
"""What a pixel of `ids` is, if not the person of row i (who is written i + 1)."""
MOST_PEOPLE = 253

ARRAYS: dict[str, tuple[Any, tuple[int | None, ...]]] = {
    "size_hw": (np.int32, (2,)),
    "players": (np.bool_, (None,)),
    "crowd": (np.bool_, (None,)),
    "box_px": (np.float32, (None, 4)),
    "joints_px": (np.float32, (None, JOINTS, 2)),
    "joint_state": (np.int8, (None, JOINTS)),
    "ball_xy_px": (np.float32, (2,)),
}
"""The arrays among a record's labels: type and shape, None for the rows."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """All of a record but its pixels, for n people.

    name: of the picture. group: what must not be split between training and testing.
    about: JSON with what else is known: calibration and points of the world; or empty.
    """

    name: str
    group: str
    size_hw: Int32[np.ndarray, " 2"]
    masks_known: bool
    players: Bool[np.ndarray, " n"]
    crowd: Bool[np.ndarray, " n"]
    box_px: Float32[np.ndarray, "n 4"]
    joints_px: Float32[np.ndarray, "n 17 2"]
    joint_state: Int8[np.ndarray, "n 17"]
    joints_known: bool
    ball_xy_px: Float32[np.ndarray, " 2"]
    ball_state: int
    ball_diameter_px: float
    about: str = ""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded record; without masks all `ids` are `BACKGROUND`."""

    facts: Facts
    image: UInt8[np.ndarray, "h w 3"]
    ids: UInt8[np.ndarray, "h w"]


def paint(
    size_hw: tuple[int, int],
    values: Sequence[int],
    masks: Sequence[Bool[np.ndarray, "h w"]],
) -> UInt8[np.ndarray, "h w"]:
    """`ids` of masks that may overlap: the smaller is on top, of equals the later."""
    ids = np.full(size_hw, BACKGROUND, np.uint8)
    areas = [int(mask.sum()) for mask in masks]
    for place in sorted(range(len(masks)), key=lambda place: -areas[place]):
        ids[masks[place]] = values[place]
    return ids


def encode(
    facts: Facts, image: bytes, ids: UInt8[np.ndarray, "h w"] | None
) -> dict[str, Any]:
    """The record of a picture that is a JPEG or PNG already.

    Raises:
        ValueError: the facts contradict each other, or the masks the facts.
    """
    check(facts)
    if (ids is not None) != facts.masks_known:
        raise ValueError(f"Masks are given where they are known, {facts.name!r}.")
    if ids is not None:
        check_ids(facts, ids)
    record = {
        name: np.asarray(getattr(facts, name), kind)
        for name, (kind, _) in ARRAYS.items()
    }
    return {
        **record,
        "name": facts.name,
        "group": facts.group,
        "image": image,
        "ids": b"" if ids is None else picture_file.encode_png(ids),
        "masks_known": np.bool_(facts.masks_known),
        "joints_known": np.bool_(facts.joints_known),
        "ball_state": np.int8(facts.ball_state),
        "ball_diameter_px": np.float32(facts.ball_diameter_px),
        "about": facts.about,
    }


def read_facts(record: Mapping[str, Any]) -> Facts:
    """The labels of a record; decodes no picture."""
    arrays = {
        name: np.asarray(record[name], kind) for name, (kind, _) in ARRAYS.items()
    }
    return Facts(
        name=_text(record["name"]),
        group=_text(record["group"]),
        masks_known=bool(record["masks_known"]),
        joints_known=bool(record["joints_known"]),
        ball_state=int(record["ball_state"]),
        ball_diameter_px=float(record["ball_diameter_px"]),
        about=_text(record["about"]),
        **arrays,
    )


def decode(record: Mapping[str, Any]) -> Picture:
    """Labels and pixels of a record.

    Raises:
        ValueError: a picture cannot be decoded, or has another size than it should.
    """
    facts = read_facts(record)
    image = picture_file.decode_rgb(bytes(record["image"]), repr(facts.name))
    check_size(facts, image.shape[:2])
    ids = np.zeros(image.shape[:2], np.uint8)
    if facts.masks_known:
        ids = picture_file.decode_map(
            bytes(record["ids"]), f"the masks of {facts.name!r}"
        )
        check_ids(facts, ids)
    return Picture(facts, image, ids)


def check(facts: Facts) -> None:
    """Checks that the labels of a picture agree with each other.

    Raises:
        ValueError: they do not.
    """
    name, rows = repr(facts.name), len(facts.players)
    if (facts.size_hw < LEAST_PX).any():
        raise ValueError(
            f"A picture is at least {LEAST_PX} px high and wide, {name} has "
            f"{facts.size_hw.tolist()} (h, w): leave it out."
        )
    if rows > MOST_PEOPLE:
        raise ValueError(
            f"A picture shows at most {MOST_PEOPLE} people and crowds, {name} "
            f"{rows}: leave it out."
        )
    if (facts.players == facts.crowd).any():
        raise ValueError(f"A row is a player or a crowd, in {name} one is not.")
    x0, y0, x1, y1 = facts.box_px.T
    if not np.isfinite(facts.box_px).all() or not ((x0 < x1) & (y0 < y1)).all():
        raise ValueError(f"Boxes are finite and have an area, one of {name} has none.")
    if (
        not np.isfinite(facts.joints_px).all()
        or not np.isfinite(facts.ball_xy_px).all()
    ):
        raise ValueError(f"Joints and balls are finite, those of {name} are not.")
    if not np.isin(facts.joint_state, JOINT_STATES).all():
        raise ValueError(f"Joints are in one of {JOINT_STATES}, not so in {name}.")
    if facts.ball_state not in BALL_STATES or not 0 <= facts.ball_diameter_px < np.inf:
        raise ValueError(
            f"A ball is in one of the states {BALL_STATES} and has a diameter, that of "
            f"{name} has {facts.ball_state} and {facts.ball_diameter_px}."
        )


def check_size(facts: Facts, size_hw: tuple[int, ...]) -> None:
    """Checks the size of the picture itself.

    Raises:
        ValueError: the labels are of a picture of another size.
    """
    if tuple(size_hw) != tuple(facts.size_hw.tolist()):
        raise ValueError(
            f"The labels of {facts.name!r} are of a picture of "
            f"{facts.size_hw.tolist()} (h, w), it has {list(size_hw)}: one of them is "
            "of another picture."
        )


def check_ids(facts: Facts, ids: UInt8[np.ndarray, "h w"]) -> None:
    """Checks the map of masks.

    Raises:
        ValueError: another size than the picture's, or a person who is in no row.
    """
    check_size(facts, ids.shape)
    count = np.bincount(ids.reshape(-1), minlength=256)
    stray = np.flatnonzero(count[len(facts.players) + 1 : BALL_ID])
    if len(stray):
        raise ValueError(
            f"Masks are of the {len(facts.players)} people of {facts.name!r}, one is "
            f"of number {stray[0] + len(facts.players) + 1}: build the data set again."
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()
