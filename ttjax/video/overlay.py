"""Records drawn over their frames."""

import collections
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ttjax.media import draw
from ttjax.video.stream import Annotated


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


def draw_over(
    annotated: Iterable[Annotated],
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Pictures of all frames in order, of even size, with what was found in them.

    Drawn are the fields `ball` (`xy_px`), `events` (probabilities by kind) and masks,
    the last ones known. A few frames are held, to see where an event's peak is.
    """
    overlay, spotter = draw.Overlay(), Spotter()
    waiting: collections.deque[Annotated] = collections.deque()
    masks = None

    def drawn(events: tuple[str, ...]) -> UInt8[np.ndarray, "h w 3"]:
        nonlocal masks
        found = waiting.popleft()
        masks = found.masks if found.masks is not None else masks
        ball: dict[str, Any] = found.record.get("ball") or {}
        xy_px = ball.get("xy_px")
        height, width = (side - side % 2 for side in found.frame.shape[:2])
        return overlay.draw(
            np.ascontiguousarray(found.frame[:height, :width]),
            found.number,
            ball_xy_px=None if xy_px is None else (xy_px[0], xy_px[1]),
            events=events,
            probabilities=found.record.get("events"),
            masks=masks,
        )

    for found in annotated:
        waiting.append(found)
        events = spotter.push(found.record.get("events"))
        if len(waiting) > spotter.ahead:
            yield drawn(events)
    while waiting:
        yield drawn(spotter.push(None))
