"""From the label table of a recording to the labels of one window of it. Pure numpy."""

import numpy as np
from jaxtyping import Int64, UInt8

from ttjax.samples import NO_EVENT, VISIBLE, ClipSpec, FrameLabels, Labels, Window


def ends(length: int, window: Window) -> Int64[np.ndarray, " n"]:
    """The newest frame of every window that fits into `length` frames.

    Raises:
        ValueError: not even one fits.
    """
    if length < window.span:
        raise ValueError(
            f"A video holds at least one stack of {window.frames} frames at stride "
            f"{window.stride}, that is {window.span} frames, got {length}: leave it "
            "out or train with a shorter window."
        )
    return np.arange(window.span - 1, length)


def frames(end: int, window: Window) -> Int64[np.ndarray, " t"]:
    """The recording's frame numbers in the stack whose newest frame is `end`."""
    return end + window.stride * np.arange(1 - window.frames, 1)


def labels(table: FrameLabels, end: int, spec: ClipSpec) -> Labels:
    """What the table says of the window whose newest frame is `end`; one example.

    An event is near where it lies within one length of the stack from the window's
    event frame. Masks are those of the ball's frame, at `spec.frame_hw`.

    Raises:
        ValueError: the window leaves the recording.
    """
    window = spec.window
    numbers = frames(end, window)
    if numbers[0] < 0 or end >= table.length:
        raise ValueError(
            f"A window lies inside its recording of {table.length} frames, got frames "
            f"{numbers[0]} to {end}: choose its end from `windows.ends`."
        )
    state = table.ball_state[numbers]
    seen = (state == VISIBLE)[:, None]
    offset, event_known = _events(table, end, spec)
    masks, masks_known = _masks(table, end, spec)
    return Labels(
        ball_xy_px=np.where(seen, table.ball_xy_px[numbers], np.float32(0)),
        ball_state=state,
        event_offset=offset,
        event_known=event_known,
        masks=masks,
        masks_known=masks_known,
    )


def _events(
    table: FrameLabels, end: int, spec: ClipSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Signed steps to the nearest event of each kind; which kinds were annotated."""
    window = spec.window
    offsets = np.full(len(spec.events), NO_EVENT, np.float32)
    at = end + window.offset(int(window.event_at or 0))
    for index, kind in enumerate(spec.events):
        happened = np.asarray(table.events.get(kind, ()), np.int64)
        if happened.size:
            steps = (happened - at) / window.stride
            nearest = steps[np.argmin(np.abs(steps))]
            if abs(nearest) <= window.frames:
                offsets[index] = nearest
    known = np.array([kind in table.events for kind in spec.events], np.bool_)
    return offsets, known


def _masks(
    table: FrameLabels, end: int, spec: ClipSpec
) -> tuple[UInt8[np.ndarray, "h w m"], np.ndarray]:
    out = np.zeros((*spec.frame_hw, len(spec.masks)), np.uint8)
    known = np.zeros(len(spec.masks), np.bool_)
    given = table.masks.get(end + spec.window.offset(int(spec.window.ball_at or 0)))
    if given is None:
        return out, known
    rows, columns = (
        nearest(size, target)
        for size, target in zip(given.shape[:2], spec.frame_hw, strict=True)
    )
    for index, name in enumerate(spec.masks):
        if name in table.mask_names:
            channel = given[..., table.mask_names.index(name)]
            out[..., index] = channel[rows[:, None], columns[None, :]] != 0
            known[index] = True
    return out, known


def nearest(size: int, target: int) -> Int64[np.ndarray, " target"]:
    """Which of `size` pixels each of `target` pixels takes: the one at its centre."""
    return ((np.arange(target) + 0.5) * size / target).astype(np.int64)
