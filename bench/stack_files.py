"""A made-up data set of stacks, written as builders write it: for measurements."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ttjax.formats import stack_record
from ttjax.formats.stack_record import Facts

CYCLE = (0, 1, 0, 2, 1, 3, 0, 1)
"""Classes of successive windows."""
CLIP = 8
"""Windows of one recording."""


@dataclasses.dataclass(frozen=True)
class MadeStacks:
    """A white ball that flies over a smooth, slightly noisy hall.

    canvas_hw: of the recorded full-resolution regions.
    radius_px: of the ball, in source px.
    """

    frames: int = 9
    canvas_hw: tuple[int, int] = stack_record.LEAST_CANVAS_HW
    source_hw: tuple[int, int] = (1080, 1920)
    radius_px: float = 7.0
    stride: int = 1
    licence: str = ""
    seed: int = 0

    def records(self, split: str, count: int) -> Iterator[dict[str, Any]]:
        """So many windows; the same for the same split."""
        rng = np.random.default_rng([self.seed, *split.encode()])
        for number in range(count):
            if number % CLIP == 0:
                hall = _hall(rng, self.source_hw)
                small = _shrink(hall)
            yield self._record(rng, f"{split}_{number // CLIP}", number, hall, small)

    def _record(
        self, rng: np.random.Generator, clip: str, number: int, hall: Any, small: Any
    ) -> dict[str, Any]:
        kind = CYCLE[number % len(CYCLE)]
        size = np.array(self.source_hw[::-1])
        least = np.minimum(np.array(self.canvas_hw[::-1]), size)
        xy = rng.uniform(0.2 * size, 0.8 * size) + np.outer(
            np.arange(1 - self.frames, 1), rng.uniform(-2, 2, 2)
        )
        corner = xy[-1] - least * rng.uniform(0.35, 0.65, 2)
        corner = np.clip(2 * np.round(corner / 2), 0, size - least).astype(np.int32)
        state = np.full(self.frames, stack_record.VISIBLE, np.int8)
        if kind == stack_record.WITHOUT_BALL:
            state[-1] = stack_record.ABSENT
        if kind == stack_record.UNLABELLED:
            state[:] = stack_record.UNKNOWN
        offset = np.full(len(stack_record.EVENTS), np.inf, np.float32)
        if kind == stack_record.EVENT:
            offset[number % 2] = rng.integers(-8, 9)
        facts = Facts(
            clip=clip,
            frame=number,
            canvas_xy=corner,
            source_hw=np.array(self.source_hw, np.int32),
            ball_xy_px=xy.astype(np.float32),
            ball_state=state,
            event_offset=offset,
            event_known=np.ones(len(stack_record.EVENTS), np.bool_),
            group=clip,
            kind=kind,
        )
        height, width = self.canvas_hw
        x, y = corner
        part = hall[y : y + height, x : x + width]
        scale = np.array(stack_record.FRAME_HW[::-1]) / size
        shown = state == stack_record.VISIBLE
        frames, canvas = [], []
        for at, seen in zip(xy, shown, strict=True):
            whole = _paint(small, at * scale, self.radius_px * scale, seen)
            near = _paint(part, at - corner, self.radius_px * np.ones(2), seen)
            frames.append(stack_record.encode_jpeg(whole))
            canvas.append(stack_record.encode_jpeg(near))
        masks = b""
        if number % 2:
            table = np.zeros((*stack_record.FRAME_HW, 3), np.uint8)
            table[80:110, 60:260, 0] = 1
            masks = stack_record.encode_masks(table)
        return stack_record.encode(facts, frames, canvas, masks)


def write(
    root: pathlib.Path, made: MadeStacks, splits: Mapping[str, int]
) -> pathlib.Path:
    """Writes splits of so many records each; gives the folder of the data set."""
    import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(_features(tfds, made.frames))

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        name = "made_stacks"
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            return tfds.core.DatasetInfo(
                builder=self,
                features=features,
                license=made.licence or None,
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(
                    stride=made.stride,
                    events=list(stack_record.EVENTS),
                    masks=list(stack_record.MASKS),
                ),
            )

        def _split_generators(self, dl_manager: Any) -> Any:
            return {
                split: self._generate_examples(split, count)
                for split, count in splits.items()
            }

        def _generate_examples(self, split: str, count: int) -> Any:
            yield from enumerate(made.records(split, count))

    tfds.disable_progress_bar()
    builder = Builder(data_dir=str(root), file_format="array_record")
    builder.download_and_prepare()
    return pathlib.Path(builder.data_path)


def _features(tfds: Any, frames: int) -> dict[str, Any]:
    def array(dtype: Any, *shape: int) -> Any:
        return tfds.features.Tensor(shape=shape, dtype=dtype, encoding="bytes")

    text = tfds.features.Tensor(shape=(), dtype=np.object_)
    kinds = len(stack_record.EVENTS)
    return {
        "clip": text,
        "frame": tfds.features.Scalar(np.int64),
        "frames": tfds.features.Sequence(text),
        "canvas": tfds.features.Sequence(text),
        "canvas_xy": array(np.int32, 2),
        "source_hw": array(np.int32, 2),
        "ball_xy_px": array(np.float32, frames, 2),
        "ball_state": array(np.int8, frames),
        "event_offset": array(np.float32, kinds),
        "event_known": array(np.bool_, kinds),
        "masks": text,
        "group": text,
        "kind": tfds.features.Scalar(np.int8),
    }


def _hall(
    rng: np.random.Generator, size_hw: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """Smooth patches, finer structure, and a camera's noise."""
    import cv2

    out = np.zeros((*size_hw, 3), np.float32)
    for cells, contrast in ((8, 40.0), (60, 18.0), (300, 5.0)):
        rows = max(2, cells * size_hw[0] // size_hw[1])
        draw = rng.normal(0, contrast, (rows, cells, 3)).astype(np.float32)
        out += cv2.resize(draw, size_hw[::-1], interpolation=cv2.INTER_CUBIC)
    out += 100 + rng.normal(0, 2, out.shape).astype(np.float32)
    return np.clip(out, 0, 200).astype(np.uint8)


def _shrink(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    import cv2

    size = stack_record.FRAME_HW[::-1]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _paint(
    image: UInt8[np.ndarray, "h w 3"], xy: np.ndarray, radius: np.ndarray, seen: Any
) -> UInt8[np.ndarray, "h w 3"]:
    """The image with a white ellipse, one pixel wide at least, where it is seen."""
    out = np.ascontiguousarray(image)
    if not seen:
        return out
    out = out.copy()
    rows, columns = (np.arange(size) + 0.5 for size in image.shape[:2])
    rx, ry = np.maximum(radius, 0.7)
    inside = ((columns - xy[0]) / rx)[None] ** 2 + ((rows - xy[1]) / ry)[:, None] ** 2
    out[inside <= 1] = 250
    return out
