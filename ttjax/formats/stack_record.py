"""One window of a recording as a record: frames at two scales, with all its labels.

A record is a flat dictionary that TFDS stores without TensorFlow: JPEGs and PNGs as
bytes, labels as small arrays. `STATES` of the ball are the numbers of `ttjax.samples`;
points are xy in source px (pixel *i* spans [i, i + 1)), sizes (h, w).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32, UInt8

FRAME_HW = (128, 320)
"""Size of a whole frame, downscaled by area averaging, and of its masks."""
LEAST_CANVAS_HW = (256, 392)
"""The least size of the full-resolution region."""
JPEG_QUALITY = 90
JPEG_MAGIC = b"\xff\xd8\xff"
EVENTS = ("bounce", "net")
MASKS = ("table", "humans", "scoreboard")
STATES = ABSENT, VISIBLE, UNKNOWN = 0, 1, -1
NEAR_STEPS = 16
"""Events further from the middle frame than this are not recorded."""
EVENT_STEPS = 8
"""A window is one of an event up to this far from its middle frame."""
KINDS = EVENT, LABELLED, WITHOUT_BALL, UNLABELLED = 0, 1, 2, 3
"""Classes of windows, for weighted sampling: see `kind_of`."""

ARRAYS = {
    "canvas_xy": np.int32,
    "source_hw": np.int32,
    "ball_xy_px": np.float32,
    "ball_state": np.int8,
    "event_offset": np.float32,
    "event_known": np.bool_,
}
"""The arrays among a record's labels, with their types."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """All of a record but its pixels, for t frames and e kinds of events.

    clip: name of the recording.
    frame: number of the newest frame of the stack.
    canvas_xy: left upper corner of the canvas; even, as colour is stored for 2 x 2 px.
    event_offset: steps of the stack from its middle frame to the nearest event of each
        kind, signed; infinite where none is within `NEAR_STEPS`.
    group: what must not be split between training and validation.
    kind: one of `KINDS`.
    """

    clip: str
    frame: int
    canvas_xy: Int32[np.ndarray, " 2"]
    source_hw: Int32[np.ndarray, " 2"]
    ball_xy_px: Float32[np.ndarray, "t 2"]
    ball_state: Int8[np.ndarray, " t"]
    event_offset: Float32[np.ndarray, " e"]
    event_known: Bool[np.ndarray, " e"]
    group: str
    kind: int

    @property
    def place(self) -> str:
        """Names the stack in errors."""
        return f"frame {self.frame} of {self.clip!r}"


@dataclasses.dataclass(frozen=True)
class Stack:
    """A decoded record; `masks` are 0/1 of the newest frame, None where not known."""

    facts: Facts
    frames: UInt8[np.ndarray, "t h w 3"]
    canvas: UInt8[np.ndarray, "t hc wc 3"]
    masks: UInt8[np.ndarray, "h w m"] | None


def kind_of(event_offset: Float32[np.ndarray, " e"], newest_state: int) -> int:
    """The class of a window.

    `EVENT` within `EVENT_STEPS` of an event; otherwise by the ball in the newest frame:
    `LABELLED`, `WITHOUT_BALL` or `UNLABELLED`.
    """
    if (np.abs(event_offset) <= EVENT_STEPS).any():
        return EVENT
    return {VISIBLE: LABELLED, ABSENT: WITHOUT_BALL, UNKNOWN: UNLABELLED}[newest_state]


def encode_jpeg(rgb: UInt8[np.ndarray, "h w 3"], quality: int = JPEG_QUALITY) -> bytes:
    """An RGB image as JPEG."""
    import cv2

    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"OpenCV cannot encode an image of shape {rgb.shape} as JPEG.")
    return data.tobytes()


def encode_masks(masks: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """0/1 masks (R table, G humans, B scoreboard) as PNG of 0 and 255."""
    import cv2

    done, data = cv2.imencode(".png", np.ascontiguousarray(masks[..., ::-1] * 255))
    if not done:
        raise ValueError(f"OpenCV cannot encode masks of shape {masks.shape} as PNG.")
    return data.tobytes()


def decode_image(data: bytes, of: str) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a JPEG or PNG; `of` names it in errors."""
    if data.startswith(JPEG_MAGIC):
        return _decode_jpeg(data, of)
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ValueError(
            f"Images of a record are JPEG or PNG, that of {of} is neither "
            f"({len(data)} bytes): build the data set again."
        )
    return np.asarray(image, np.uint8)


def _decode_jpeg(data: bytes, of: str) -> UInt8[np.ndarray, "h w 3"]:
    # The pixels that OpenCV gives, bit for bit, in three quarters of its time.
    import simplejpeg

    try:
        return simplejpeg.decode_jpeg(data)
    except ValueError as error:
        raise ValueError(
            f"The JPEGs of a record are whole, one of {of} is damaged ({error}): build "
            "the data set again."
        ) from error


def encode(
    facts: Facts,
    frames: Sequence[bytes],
    canvas: Sequence[bytes],
    masks: bytes = b"",
) -> dict[str, Any]:
    """The record; images come encoded, for neighbouring windows share frames.

    Raises:
        ValueError: the facts contradict each other.
    """
    check(facts)
    t = len(facts.ball_state)
    if len(frames) != t or len(canvas) != t:
        raise ValueError(
            f"A stack of {t} labelled frames has as many images at both scales, "
            f"{facts.place} has {len(frames)} and {len(canvas)}."
        )
    return {
        "clip": facts.clip.encode(),
        "frame": np.int64(facts.frame),
        "frames": list(frames),
        "canvas": list(canvas),
        **{name: getattr(facts, name) for name in ARRAYS},
        "masks": masks,
        "group": facts.group.encode(),
        "kind": np.int8(facts.kind),
    }


def read_facts(record: Mapping[str, Any]) -> Facts:
    """The labels of a record; decodes no image."""
    return Facts(
        clip=_text(record["clip"]),
        frame=int(record["frame"]),
        **{name: np.asarray(record[name], kind) for name, kind in ARRAYS.items()},
        group=_text(record["group"]),
        kind=int(record["kind"]),
    )


def decode(record: Mapping[str, Any]) -> Stack:
    """Labels and pixels of a record.

    Raises:
        ValueError: an image cannot be decoded or has another size than it should.
    """
    facts = read_facts(record)
    place = facts.place
    frames, canvas = (
        np.stack([decode_image(bytes(data), place) for data in record[name]])
        for name in ("frames", "canvas")
    )
    corner = facts.canvas_xy + np.array(canvas.shape[2:0:-1])
    if frames.shape[1:3] != FRAME_HW or (corner > facts.source_hw[::-1]).any():
        raise ValueError(
            f"Frames are {FRAME_HW} (h, w) and canvases lie inside the source of "
            f"{facts.source_hw.tolist()}, {place} has {frames.shape[1:3]} and "
            f"{canvas.shape[1:3]} at {facts.canvas_xy.tolist()}: build the data set "
            "again."
        )
    png = bytes(record["masks"])
    masks = (decode_image(png, place) > 127).astype(np.uint8) if png else None
    return Stack(facts, frames, canvas, masks)


def check(facts: Facts) -> None:
    """Checks that the labels of a stack agree with each other.

    Raises:
        ValueError: they do not.
    """
    place, xy = facts.place, facts.canvas_xy
    if (xy % 2).any() or (xy < 0).any() or (xy >= facts.source_hw[::-1]).any():
        raise ValueError(
            "The corner of a canvas is even on both axes and inside the source of "
            f"{facts.source_hw.tolist()} (h, w), {place} has {xy.tolist()}."
        )
    if not np.isfinite(facts.ball_xy_px).all():
        raise ValueError(f"Ball positions are finite, those of {place} are not.")
    if not np.isin(facts.ball_state, STATES).all() or facts.kind not in KINDS:
        raise ValueError(
            f"Balls are in one of the states {STATES} and windows of the kinds "
            f"{KINDS}, {place} has {facts.ball_state.tolist()} and {facts.kind}."
        )
    if np.isnan(facts.event_offset).any():
        raise ValueError(f"Event offsets are numbers or infinite, {place} has NaN.")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()
