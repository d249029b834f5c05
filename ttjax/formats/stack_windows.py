"""From the label table of a recording to the labels of its windows. Pure numpy.

A window is t consecutive frames; its ball and masks are those of its newest frame, its
events are counted from its middle one.
"""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32, Int8, Int32, Int64

from ttjax.formats import stack_record

BEFORE, AFTER = 4, 12
"""Newest frames of the 17 windows of an event, from the event's own frame."""


@dataclasses.dataclass(frozen=True)
class Table:
    """What is known of a recording.

    frames: with a ball label, ascending; other frames are unknown.
    events: kind -> frames, ascending; a kind that is missing was not annotated.
    mask_frames: with masks, ascending.
    """

    clip: str
    source_hw: tuple[int, int]
    frames: Int64[np.ndarray, " n"]
    ball_xy_px: Float32[np.ndarray, "n 2"]
    ball_state: Int8[np.ndarray, " n"]
    events: Mapping[str, Int64[np.ndarray, " k"]]
    mask_frames: Int64[np.ndarray, " m"]


@dataclasses.dataclass(frozen=True)
class Window:
    """One stack: its newest frame, its events as in a record, its run of windows.

    Two windows of one clip share frames only if they are of one run.
    """

    newest: int
    event_offset: Float32[np.ndarray, " e"]
    run: int


def ball(
    table: Table, numbers: Int64[np.ndarray, " t"]
) -> tuple[Float32[np.ndarray, "t 2"], Int8[np.ndarray, " t"]]:
    """Positions and states in some frames; unknown where there is no label."""
    xy = np.zeros((len(numbers), 2), np.float32)
    state = np.full(len(numbers), stack_record.UNKNOWN, np.int8)
    if len(table.frames):
        at = np.searchsorted(table.frames, numbers).clip(max=len(table.frames) - 1)
        there = table.frames[at] == numbers
        state[there] = table.ball_state[at[there]]
        seen = state == stack_record.VISIBLE
        xy[seen] = table.ball_xy_px[at[seen]]
    return xy, state


def runs(newest: Int64[np.ndarray, " n"], t: int) -> Int64[np.ndarray, " n"]:
    """Which run each window belongs to, given their newest frames in ascending order.

    A new run begins where a window shares no frame with the one before.
    """
    return np.cumsum(np.diff(newest, prepend=newest[:1]) >= t)


def nearest(
    table: Table,
    middles: Int64[np.ndarray, " n"],
    kinds: Sequence[str] = stack_record.EVENTS,
) -> Float32[np.ndarray, "n e"]:
    """Signed steps from frames to the nearest event of each kind; infinite if far.

    Of two that are equally near the earlier one.
    """
    offsets = np.full((len(middles), len(kinds)), np.inf, np.float32)
    for index, kind in enumerate(kinds):
        happened = np.asarray(table.events.get(kind, ()), np.int64)
        if happened.size:
            after = np.searchsorted(happened, middles)
            last = happened[(after - 1).clip(min=0)] - middles
            next_ = happened[after.clip(max=len(happened) - 1)] - middles
            steps = np.where(np.abs(last) <= np.abs(next_), last, next_)
            close = np.abs(steps) <= stack_record.NEAR_STEPS
            offsets[close, index] = steps[close]
    return offsets


def of_frames(table: Table, t: int) -> list[Window]:
    """One window per frame with a ball label or masks that can be the newest of one."""
    newest = np.union1d(table.frames, table.mask_frames).astype(np.int64)
    newest = newest[newest >= t - 1]
    return _windows(newest, nearest(table, newest - t // 2), t)


def of_events(table: Table, t: int) -> list[Window]:
    """One window per event and frame, as the paper counts them.

    Of the frames from 4 before to 12 after the event those with a ball label: 17, often
    1 around an `empty_event`. Each window knows its own event only, so that one stack
    may come twice with different targets.
    """
    around = np.arange(-BEFORE, AFTER + 1)
    frames, offsets = [], []
    for kind in (*stack_record.EVENTS, "empty_event"):
        events = np.asarray(table.events.get(kind, ()), np.int64)
        newest = (events[:, None] + around).ravel()
        steps = t // 2 - np.tile(around, len(events))
        kept = np.isin(newest, table.frames) & (newest >= t - 1)
        own = np.full((kept.sum(), len(stack_record.EVENTS)), np.inf, np.float32)
        if kind in stack_record.EVENTS:
            close = np.abs(steps[kept]) <= stack_record.NEAR_STEPS
            own[close, stack_record.EVENTS.index(kind)] = steps[kept][close]
        frames.append(newest[kept])
        offsets.append(own)
    newest = np.concatenate(frames)
    order = np.argsort(newest, kind="stable")
    return _windows(newest[order], np.concatenate(offsets)[order], t)


def _windows(
    newest: Int64[np.ndarray, " n"], offsets: Float32[np.ndarray, "n e"], t: int
) -> list[Window]:
    return [
        Window(frame, own, run)
        for frame, own, run in zip(
            newest.tolist(), offsets, runs(newest, t).tolist(), strict=True
        )
    ]


def facts(
    table: Table,
    window: Window,
    t: int,
    *,
    canvas_xy: Int32[np.ndarray, " 2"],
    group: str,
) -> stack_record.Facts:
    """The labels of a window as they stand in its record."""
    xy, state = ball(table, window.newest + np.arange(1 - t, 1))
    known = [kind in table.events for kind in stack_record.EVENTS]
    return stack_record.Facts(
        clip=table.clip,
        frame=window.newest,
        canvas_xy=canvas_xy,
        source_hw=np.array(table.source_hw, np.int32),
        ball_xy_px=xy,
        ball_state=state,
        event_offset=window.event_offset,
        event_known=np.array(known, np.bool_),
        group=group,
        kind=stack_record.kind_of(window.event_offset, int(state[-1])),
    )


def held_out(sizes: Mapping[str, int], share: float, seed: int = 0) -> frozenset[str]:
    """Groups that together hold about `share` of all windows, drawn by their names.

    sizes: group -> number of windows. None are held out where there is but one group.
    """
    order = sorted(sizes, key=lambda name: zlib.crc32(f"{seed}/{name}".encode()))
    wanted, taken = share * sum(sizes.values()), 0
    chosen = []
    for name in order[:-1]:
        if taken >= wanted:
            break
        chosen.append(name)
        taken += sizes[name]
    return frozenset(chosen)
