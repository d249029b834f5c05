"""OM: whether players whom others cut into pieces are put together again.

The occlusion metric of the DeepSportradar instance segmentation challenge (2023), of
true players whose visible mask has several components. OIR: the share of them whose
mask is matched (IoU > 1/2). DPR: of the matched ones, the share of the pixels off the
largest component that the predicted mask holds. OM = OIR * DPR.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Integer

from ttjax.deepsportlab import panoptic
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.scores import Statistic, ratio
from ttjax.metrics.intervals import quotient


def components(mask: Bool[np.ndarray, "h w"]) -> Integer[np.ndarray, "h w"]:
    """The pieces of a mask from 1 on, 0 elsewhere; pixels touch at corners too."""
    import cv2

    _, pieces = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return pieces


def detached(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The pixels of a mask off its largest component (of equals, the first)."""
    if not mask.any():
        return mask
    # Within the box alone: a player is a small part of a picture.
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    pieces = components(mask[box])
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    found = np.zeros_like(mask)
    found[box] = (pieces > 0) & (pieces != np.argmax(sizes))
    return found


@dataclasses.dataclass(frozen=True)
class OcclusionRecord:
    """Of one picture: players in pieces, and pixels off the largest piece."""

    players: int
    matched: int
    pixels: int
    recalled: int


@dataclasses.dataclass(frozen=True)
class Occlusion:
    """OM and its two factors."""

    def record(self, pair: Comparison) -> OcclusionRecord | None:
        """None where either side has no masks."""
        if not pair.has_masks:
            return None
        truth_ids, guess_ids = pair.maps()
        taken = panoptic.matches(pair)
        players = matched = pixels = recalled = 0
        for row in np.flatnonzero(pair.visible):
            off = detached(truth_ids == row + 1)
            count = int(off.sum())
            players += count > 0
            guess = np.flatnonzero(taken == row)
            if count and len(guess):
                matched += 1
                pixels += count
                recalled += int((guess_ids[off] == guess[0] + 1).sum())
        return OcclusionRecord(players, matched, pixels, recalled)

    def statistics(
        self, records: Sequence[OcclusionRecord | None]
    ) -> dict[str, Statistic]:
        """`occlusion/` OIR, DPR and OM."""
        every = [one or OcclusionRecord(0, 0, 0, 0) for one in records]
        players, matched, pixels, recalled = (
            np.array([getattr(one, field.name) for one in every], np.float64)
            for field in dataclasses.fields(OcclusionRecord)
        )
        n = int(players.sum())

        def product(weights: np.ndarray) -> np.ndarray:
            found = quotient(weights @ matched, weights @ players)
            again = quotient(weights @ recalled, weights @ pixels)
            return np.where(found == 0, 0.0, found * again)

        return {
            "occlusion/OIR": ratio(matched, players),
            "occlusion/DPR": ratio(recalled, pixels, n=int(matched.sum())),
            "occlusion/OM": Statistic(product, n),
        }
