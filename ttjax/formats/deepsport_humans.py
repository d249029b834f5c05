"""Masks of a DeepSport view: one PNG of 16 bits with a number per person."""

import dataclasses
import pathlib

import numpy as np
from jaxtyping import Bool, UInt16

from ttjax.formats import picture_file

HUMAN, BALL, PER_LABEL = 1, 3, 1000
"""A pixel of `_humans.png` is label * 1000 + number; number 0 is a crowd."""
LEAST_INSTANCE_PX = 10
"""Smaller masks are of nobody."""


@dataclasses.dataclass(frozen=True)
class Humans:
    """The masks of a view: visible pixels only.

    rest: pixels of masks that are too small to be anybody, and of other labels.
    """

    people: tuple[Bool[np.ndarray, "h w"], ...]
    crowd: Bool[np.ndarray, "h w"]
    ball: Bool[np.ndarray, "h w"]
    rest: Bool[np.ndarray, "h w"]


def parse(ids: UInt16[np.ndarray, "h w"]) -> Humans:
    """The masks in a map of label * 1000 + number; below 1000 is background."""
    names, areas = np.unique(ids, return_counts=True)
    names = names[areas >= LEAST_INSTANCE_PX].astype(np.int64)
    crowd = ids == HUMAN * PER_LABEL
    people = [n for n in names if n // PER_LABEL == HUMAN and n % PER_LABEL]
    ball = ids // PER_LABEL == BALL
    rest = (ids >= PER_LABEL) & ~crowd & ~ball & ~np.isin(ids, people)
    return Humans(tuple(ids == n for n in people), crowd, ball, rest)


def ids_of(masks: Humans) -> UInt16[np.ndarray, "h w"]:
    """The map of these masks; `rest` becomes background."""
    ids = np.zeros(masks.crowd.shape, np.uint16)
    ids[masks.crowd] = HUMAN * PER_LABEL
    for number, mask in enumerate(masks.people, 1):
        ids[mask] = HUMAN * PER_LABEL + number
    ids[masks.ball] = BALL * PER_LABEL + 1
    return ids


def read(path: pathlib.Path) -> Humans:
    """The masks of a view.

    Raises:
        ValueError: the file is damaged, or has not 16 bits.
    """
    return parse(picture_file.decode_map16(path.read_bytes(), str(path)))


def write(path: pathlib.Path, masks: Humans) -> None:
    """Writes the masks of a view."""
    path.write_bytes(picture_file.encode_png(ids_of(masks)))
