"""Records drawn over their frames."""

import collections
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from ttjax.media import draw, people
from ttjax.scenes import JOINTS
from ttjax.video.stream import Annotated

Picture = UInt8[np.ndarray, "h w 3"]


class Spotter:
    """Probabilities of events, frame by frame, become moments.

    An event is in a frame whose probability reaches `threshold`, is higher than in the
    `ahead` frames before and not lower than in as many after, if the last one of its
    kind is at least `gap` frames ago.
    """

    def __init__(self, *, threshold: float | int = 0.5, gap: int = 8, ahead: int = 4):
        """Starts before the first frame."""
        self.ahead = ahead
        self._threshold, self._gap = threshold, gap
        self._known: collections.deque[Mapping[str, float]] = collections.deque(
            maxlen=2 * ahead + 1
        )
        self._known.extend({} for _ in range(ahead))
        self._since: dict[str, int] = {}

    def push(self, probabilities: Mapping[str, float] | None) -> tuple[str, ...]:
        """The kinds that happen in the frame `ahead` frames before this one."""
        self._known.append(probabilities or {})
        if len(self._known) <= 2 * self.ahead:
            return ()
        self._since = {kind: age + 1 for kind, age in self._since.items()}
        known = list(self._known)
        before, here = known[: self.ahead], known[self.ahead]
        after = known[self.ahead + 1 :]
        found = tuple(
            kind
            for kind, value in here.items()
            if value >= self._threshold
            and all(value > other.get(kind, -1.0) for other in before)
            and all(value >= other.get(kind, -1.0) for other in after)
            and self._since.get(kind, self._gap) >= self._gap
        )
        self._since |= dict.fromkeys(found, 0)
        return found


class Painter:
    """Draws annotated frames in order; pictures are cut to even sides.

    Drawn are the fields `ball` (`xy_px`), `events` (probabilities by kind), `players`
    (`row` and `joints`) with their map, and masks, the last ones known. A few frames
    are held, to see where an event's peak is.
    """

    def __init__(self):
        """Starts before the first frame."""
        self._overlay, self._spotter = draw.Overlay(), Spotter()
        self._waiting: collections.deque[Annotated] = collections.deque()
        self._masks: Float[np.ndarray, "hm wm m"] | None = None

    def push(self, found: Annotated) -> list[Picture]:
        """The next frame; the pictures that are ready, none or one."""
        self._waiting.append(found)
        events = self._spotter.push(found.record.get("events"))
        ready = len(self._waiting) > self._spotter.ahead
        return [self._drawn(events)] if ready else []

    def finish(self) -> list[Picture]:
        """The pictures of the frames that still waited."""
        # Of a video shorter than the look-ahead, the first moments lie before it.
        early = self._spotter.ahead - len(self._waiting)
        moments = [self._spotter.push(None) for _ in range(self._spotter.ahead)]
        return [self._drawn(events) for events in moments[early:]]

    def _drawn(self, events: tuple[str, ...]) -> Picture:
        found = self._waiting.popleft()
        self._masks = found.masks if found.masks is not None else self._masks
        ball: dict[str, Any] = found.record.get("ball") or {}
        xy_px = ball.get("xy_px")
        height, width = even_hw(found.frame.shape[:2])
        frame = np.array(found.frame[:height, :width])
        _players(frame, found)
        return self._overlay.draw(
            frame,
            found.number,
            ball_xy_px=None if xy_px is None else (xy_px[0], xy_px[1]),
            events=events,
            probabilities=found.record.get("events"),
            masks=self._masks,
        )


def _players(frame: Picture, found: Annotated) -> None:
    """Each player's pixels tinted, and his skeleton, in his colour."""
    if found.players is not None:
        of = found.players
        people.tint(frame, of.ids, to_source=of.to_source, stride=of.stride)
    for player in found.record.get("players") or ():
        joints, there = people.named(player["joints"], JOINTS)
        people.skeleton(frame, joints, there, people.colour_of(player["row"]))


def even_hw(size_hw: tuple[int, ...]) -> tuple[int, int]:
    """The size, rounded down to even numbers: H.264 stores colour at half the size."""
    height, width = size_hw
    return height - height % 2, width - width % 2
