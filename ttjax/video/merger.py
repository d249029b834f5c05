"""Findings of overlapping windows, brought together frame by frame."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any


class Merger:
    """Holds a frame's record until no later window can speak of it any more.

    A window ends at every frame and speaks of frames at fixed offsets before its end:
    of the ball in its last frame, say, and of events in its middle one.
    """

    def __init__(self, hold: int):
        """`hold`: how many frames before its end a window may speak of, at most.

        Raises:
            ValueError: it is negative.
        """
        if hold < 0:
            raise ValueError(f"A merger holds 0 frames or more, got {hold}.")
        self.hold = hold
        self._arrived = 0
        self._keys: dict[str, None] = {}
        self._open: collections.deque[dict[str, Any]] = collections.deque()

    @property
    def pending(self) -> int:
        """Frames that are not complete; never more than `hold`."""
        return len(self._open)

    def add(
        self, findings: Sequence[tuple[int, Mapping[str, Any]]] = ()
    ) -> list[dict[str, Any]]:
        """The next frame, and what the window that it ends finds; complete records.

        findings: each with its offset (<= 0) from this frame. What is said of frames
            before the first is dropped; of two findings of one name the later stays.
        returned: no record or one, `{"frame": n, name: finding or None, …}` with every
            name that any window has used so far.

        Raises:
            ValueError: an offset beyond `hold`, or into the future.
        """
        self._open.append({})
        self._arrived += 1
        for offset, fields in findings:
            if not -self.hold <= offset <= 0:
                raise ValueError(
                    f"A window speaks of its last {self.hold + 1} frames, got the "
                    f"offset {offset}: make a merger that holds more, or correct "
                    "`records`."
                )
            self._keys |= dict.fromkeys(fields)
            if offset + len(self._open) > 0:
                self._open[offset - 1].update(fields)
        return [self._record()] if len(self._open) > self.hold else []

    def finish(self) -> list[dict[str, Any]]:
        """The records of all frames that were still waiting."""
        return [self._record() for _ in range(len(self._open))]

    def _record(self) -> dict[str, Any]:
        number = self._arrived - len(self._open)
        found = self._open.popleft()
        return {"frame": number} | {name: found.get(name) for name in self._keys}
