"""COCO's average precision of masks."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ttjax.deepsportlab import precision
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.precision import Sized
from ttjax.deepsportlab.scores import Statistic

MOST = 100
"""Detections of a picture that count, as in COCO."""


@dataclasses.dataclass(frozen=True)
class MaskPrecision:
    """AP and AR of masks over IoU .50 to .95; what is unknown is COCO's crowd."""

    def record(self, pair: Comparison) -> Sized | None:
        """None where either side has no masks."""
        if not pair.has_masks:
            return None
        rows = np.flatnonzero(pair.visible)
        both = pair.overlaps[1:, 1:][rows]
        true = pair.overlaps[1:].sum(axis=1)[rows]
        sizes = pair.overlaps[:, 1:].sum(axis=0) + pair.unknown
        either = np.maximum(true[:, None] + sizes[None] - both, 1)
        void = pair.unknown / np.maximum(sizes, 1)
        crowd = np.append(np.zeros(len(rows), np.bool_), True)
        pixel = float(np.prod(pair.guess.to_source))
        return precision.rank_by_size(
            pair.guess.score.astype(np.float64),
            np.concatenate([both / either, void[None]]).T,
            ignored=crowd,
            crowd=crowd,
            most=MOST,
            area_px=sizes * pixel,
            true_area_px=np.append(true, 0) * pixel,
        )

    def statistics(self, records: Sequence[Sized | None]) -> dict[str, Statistic]:
        """`masks/` AP and AR; APm and APl of medium and large masks, in source px."""
        return precision.sized_statistics("masks", records, f1=False)
