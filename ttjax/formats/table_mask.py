"""Does channel R of OpenTTGames' masks hold the table? Copies with BGR order exist."""

import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from ttjax.formats import openttgames

LEAST_SHARE, MOST_SHARE = 0.015, 0.4
"""Of the picture's area. The tables of the 12 published clips take 4.8 to 7.9 %, the
scoreboards 0.3 to 1.1 %."""
LEAST_SOLID = 0.6
"""Area over that of the convex hull: a quadrilateral has 1, less behind a player."""
LEAST_STATIC = 0.6
"""Overlap of two frames' tables: the camera stands still."""
SAMPLES = 16


def check(folder: pathlib.Path) -> None:
    """Looks at up to 16 masks of a clip, spread evenly; none is no error.

    Raises:
        ValueError: R is not large, solid and static as a table is, or B, the
            scoreboard, is larger than it.
    """
    files = list(openttgames.mask_files(folder).items())
    if not files:
        return
    chosen = np.unique(np.linspace(0, len(files) - 1, SAMPLES).astype(int))
    masks = [
        openttgames.read_mask(files[index][1], openttgames.MASK_HW) for index in chosen
    ]
    fault = fault_of(masks)
    if fault:
        raise ValueError(
            f"Masks hold the table in R, humans in G, the scoreboard in B; in "
            f"{folder} (frame {files[chosen[0]][0]} and others) {fault}: are the "
            "channels in another order (BGR)?"
        )


def fault_of(masks: Sequence[UInt8[np.ndarray, "h w 3"]]) -> str:
    """What speaks against R being the table; empty where nothing does."""
    import cv2

    shares = np.mean(masks, axis=0)
    often = (shares[..., 0] >= 0.5).astype(np.uint8)
    area = float(often.mean())
    if not LEAST_SHARE <= area <= MOST_SHARE:
        return f"R covers {area:.1%} of the picture"
    if area < float((shares[..., 2] >= 0.5).mean()):
        return "B covers more than R"
    hull = cv2.convexHull(np.argwhere(often)[:, ::-1].astype(np.int32))
    filled = cv2.fillConvexPoly(np.zeros_like(often), hull, 1)
    solid = float(often.sum() / filled.sum())
    if solid < LEAST_SOLID:
        return f"R fills {solid:.0%} of its convex hull"
    union = np.maximum(np.stack(masks)[..., 0], often).sum((1, 2))
    both = (np.stack(masks)[..., 0] & often).sum((1, 2))
    static = float(np.median(both / union))
    if static < LEAST_STATIC:
        return f"R moves (frames overlap by {static:.0%})"
    return ""
