"""Events of OpenTTGames from whichever file of a clip holds them.

`events_markup.json` is the original. `events_bounce_net.json` has the same form without
`empty_event`. `events_extended.json` ("Extended OpenTTGames", Abdul-Mahdi et al., 2025)
adds strokes, as `<side>_<hand>_<stroke> <posture> <feet>`, and ends of rallies, as
`<side>_<how>`; many an `empty_event` gave way to the stroke that it was.
"""

import dataclasses
import pathlib
import warnings
from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64

from ttjax.formats import frame_table, openttgames

SIDES = ("left", "right")
HANDS = ("forehand", "backhand")
STROKES = ("serve", "loop", "push", "block", "flick", "chop", "smash", "lob")
ENDINGS = (
    "out",
    "net",
    "winner",
    "double_bounce",
    "miss_on_own_side",
    "not_hitting_ball",
)
BOUNCE_NET_FILE, EXTENDED_FILE = "events_bounce_net.json", "events_extended.json"
BEFORE, AFTER = 4, 12
"""The ball of a bounce or net event is labelled from 4 frames before to 12 after."""
LEAST_LABELLED = 0.5
"""Fewer events than this share with a labelled ball: the file is another clip's."""

Events = Mapping[str, Int64[np.ndarray, " n"]]


@dataclasses.dataclass(frozen=True)
class Stroke:
    """A racket hits the ball."""

    frame: int
    side: str
    hand: str
    stroke: str
    posture: str
    feet: str


@dataclasses.dataclass(frozen=True)
class Ending:
    """A rally ends; `how` is one of `ENDINGS`."""

    frame: int
    side: str
    how: str


@dataclasses.dataclass(frozen=True)
class Extended:
    """All of an extended file, in the order of frames.

    other: labels that follow none of its forms (the published files have a few slips).
    """

    events: Events
    strokes: tuple[Stroke, ...]
    endings: tuple[Ending, ...]
    other: Mapping[int, str]


def _stroke(frame: int, label: str) -> Stroke | None:
    words = label.split(" ")
    parts = words[0].split("_")
    if len(words) != 3 or len(parts) != 3:
        return None
    side, hand, stroke = parts
    if side not in SIDES or hand not in HANDS or stroke not in STROKES:
        return None
    return Stroke(frame, side, hand, stroke, *words[1:])


def _ending(frame: int, label: str) -> Ending | None:
    side, _, how = label.partition("_")
    return Ending(frame, side, how) if side in SIDES and how in ENDINGS else None


def read_extended(path: pathlib.Path) -> Extended:
    """Parses `events_extended.json`.

    Raises:
        ValueError: it is no table of texts.
    """
    frames: dict[str, list[int]] = {kind: [] for kind in openttgames.KINDS}
    strokes, endings, other = [], [], {}
    for frame, label in frame_table.read(path).items():
        if not isinstance(label, str):
            raise ValueError(
                f"{path}: extended events are texts, frame {frame} has {label!r}."
            )
        if label in frames:
            frames[label].append(frame)
        elif stroke := _stroke(frame, label):
            strokes.append(stroke)
        elif ending := _ending(frame, label):
            endings.append(ending)
        else:
            other[frame] = label
    events = {kind: np.array(at, np.int64) for kind, at in frames.items()}
    return Extended(events, tuple(strokes), tuple(endings), other)


def find(folder: pathlib.Path, balls: openttgames.Balls) -> dict[str, np.ndarray]:
    """The events of the clip whose labels lie in `folder`, ascending for every kind.

    Taken from the first of `events_markup.json`, `events_bounce_net.json` and
    `events_extended.json`; empty, that is unknown, where none says anything. Extended
    events whose balls are not labelled are another clip's: refused with a warning, for
    the published set has such a file.

    Raises:
        ValueError: a file breaks its format, or one of the first two is another clip's.
    """
    folder = pathlib.Path(folder)
    for name in (openttgames.EVENTS_FILE, BOUNCE_NET_FILE):
        path = folder / name
        if path.is_file():
            events = openttgames.read_events(path)
            share, frame = labelled(events, balls)
            if share < LEAST_LABELLED:
                raise ValueError(
                    f"Bounces and net events have labelled balls, {path} has them at "
                    f"{share:.0%} only (not at frame {frame}): it belongs to another "
                    "clip."
                )
            return events
    path = folder / EXTENDED_FILE
    if not path.is_file():
        return {}
    events = dict(read_extended(path).events)
    share, frame = labelled(events, balls)
    if share < LEAST_LABELLED:
        warnings.warn(
            f"Bounces and net events have labelled balls, {path} has them at "
            f"{share:.0%} only (not at frame {frame}): it belongs to another clip and "
            "is left out, so that this clip's events are unknown.",
            stacklevel=2,
        )
        return {}
    known = any(len(events[kind]) for kind in ("bounce", "net"))
    return events if known else {}


def labelled(events: Events, balls: openttgames.Balls) -> tuple[float, int | None]:
    """Which share of bounces and net events has a labelled ball; the first without.

    1 where there are no events.
    """
    none = np.zeros(0, np.int64)
    at = np.concatenate([events.get(kind, none) for kind in ("bounce", "net")])
    known = np.isin(at, balls.frames)
    without = np.sort(at[~known])
    first = int(without[0]) if len(without) else None
    return (float(known.mean()) if len(at) else 1.0), first


def windows(event: int, balls: openttgames.Balls) -> Int64[np.ndarray, " n"]:
    """Newest frames of the windows of an event: those with a labelled ball nearby.

    17 around a bounce or a net event; often 1 around an `empty_event`.
    """
    near = np.arange(event - BEFORE, event + AFTER + 1)
    return near[np.isin(near, balls.frames)]
