"""COCO's own evaluation, by pycocotools, of poses and masks."""

import contextlib
import io
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from ttjax import scenes
from ttjax.deepsportlab.comparison import Comparison

NOWHERE_PX = -1e4
"""Where a joint that was not found is put: near nothing."""
PERSON = 1
"""The one category."""


def keypoints(pairs: Iterable[Comparison]) -> dict[str, float]:
    """AP, AP50, AP75, APm, APl, AR, AR50, AR75 of the 17 joints; 20 poses a picture.

    APm and APl are of medium and large people, 32^2 to 96^2 px of the picture and
    beyond. Of pictures whose joints are known. -1 where there is nobody, as COCO has
    it.
    """
    found = _Pictures()
    for pair in pairs:
        truth, guess = pair.truth, pair.guess
        if not truth.joints_known:
            continue
        image = found.picture()
        for row in np.flatnonzero(truth.players | truth.crowd):
            state = truth.joint_state[row]
            x0, y0, x1, y1 = truth.box_px[row].tolist()
            joints = np.concatenate([truth.joints_px[row], state[:, None]], axis=1)
            found.annotate(
                image_id=image,
                keypoints=joints.ravel().tolist(),
                num_keypoints=int((state > 0).sum()),
                area=float(truth.area_px[row]),
                bbox=[x0, y0, x1 - x0, y1 - y0],
                iscrowd=int(truth.crowd[row]),
            )
        for row, score in enumerate(guess.score.tolist()):
            there = guess.found[row][:, None]
            place = np.where(there, guess.joints_px[row], NOWHERE_PX)
            joints = np.concatenate([place, there], axis=1)
            seen = guess.joints_px[row][there[:, 0]]
            found.detect(
                image_id=image,
                score=score,
                keypoints=joints.ravel().tolist(),
                area=float(np.ptp(seen, axis=0).prod()) if len(seen) else 0.0,
            )
    stats = found.evaluate("keypoints")
    names = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75")
    return {name: float(stats[at]) for at, name in enumerate(names)}


def masks(pairs: Iterable[Comparison]) -> dict[str, float]:
    """AP, AP50, AP75, APm, APl, and AR of 100 masks a picture.

    APm and APl are of masks of 32^2 to 96^2 px of the picture, and larger ones. Of
    pictures where both sides have masks, at the pixels of the prediction. What is
    unknown is a crowd. -1 where there is nobody, as COCO has it.
    """
    from pycocotools import mask as rle

    found = _Pictures()
    for pair in pairs:
        if not pair.has_masks:
            continue
        true, predicted = pair.maps()
        height, width = true.shape
        image = found.picture(height=height, width=width)
        pixel = float(np.prod(pair.guess.to_source))
        ids = [*(np.flatnonzero(pair.visible) + 1).tolist(), scenes.IGNORED]
        for one in ids:
            pixels = np.asfortranarray(true == one, np.uint8)
            if not pixels.any():
                continue
            code: Any = rle.encode(pixels)
            found.annotate(
                image_id=image,
                segmentation=code,
                area=float(pixels.sum()) * pixel,
                bbox=rle.toBbox(code).tolist(),
                iscrowd=int(one == scenes.IGNORED),
            )
        for row, score in enumerate(pair.guess.score.tolist()):
            pixels = np.asfortranarray(predicted == row + 1, np.uint8)
            code = rle.encode(pixels)
            area = float(pixels.sum()) * pixel
            found.detect(image_id=image, score=score, segmentation=code, area=area)
    stats = found.evaluate("segm")
    names = {"AP": 0, "AP50": 1, "AP75": 2, "APm": 4, "APl": 5, "AR": 8}
    return {name: stats[at] for name, at in names.items()}


class _Pictures:
    """Annotations and detections in COCO's form."""

    def __init__(self):
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.detections: list[dict[str, Any]] = []
        self.areas: list[float] = []

    def picture(self, **fields: Any) -> int:
        self.images.append({"id": len(self.images) + 1} | fields)
        return len(self.images)

    def annotate(self, **fields: Any) -> None:
        # Counted from 1: pycocotools takes 0 for nobody.
        one = {"id": len(self.annotations) + 1, "category_id": PERSON}
        self.annotations.append(one | fields)

    def detect(self, *, area: float, **fields: Any) -> None:
        self.detections.append({"category_id": PERSON} | fields)
        self.areas.append(area)

    def evaluate(self, kind: Literal["keypoints", "segm"]) -> list[float]:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        content: Any = {
            "info": {},
            "images": self.images,
            "annotations": self.annotations,
            "categories": [{"id": PERSON, "name": "person"}],
        }
        truth, guess = COCO(), COCO()
        # It prints its progress.
        with contextlib.redirect_stdout(io.StringIO()):
            truth.dataset = content
            truth.createIndex()
            if self.detections:
                results: Any = self.detections
                guess = truth.loadRes(results)
                # Its own are of the pixels of a map, and count joints not found.
                for one, area in zip(
                    guess.dataset["annotations"], self.areas, strict=True
                ):
                    one["area"] = area
            else:
                guess.dataset = content | {"annotations": []}
                guess.createIndex()
            run = COCOeval(truth, guess, kind)
            run.evaluate()
            run.accumulate()
            run.summarize()
        return [float(one) for one in run.stats]
