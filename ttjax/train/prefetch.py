"""The next batches are made on a thread while the device works."""

import queue
import threading
from collections.abc import Callable
from typing import Any

from ttjax.samples import Source


class Prefetch:
    """Batches ahead of time, each with the position in the source just behind it.

    A context manager; leaving it ends the thread. The source belongs to the thread
    until then. An error of the source is raised by the `next` that would have given its
    batch.
    """

    def __init__(
        self,
        source: Source,
        place: Callable[[Any], Any] = lambda x: x,
        *,
        depth: int = 2,
    ):
        """`place` puts a batch onto the device; `depth` batches are kept ready."""
        self._source = source
        self._place = place
        self._ready: queue.Queue[tuple[Any, Any, Exception | None]] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name="ttjax-prefetch", daemon=True
        )

    def __enter__(self) -> "Prefetch":
        """Starts the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread; batches that were ready are dropped."""
        self._stop.set()
        while self._thread.is_alive():
            self._drop()
            self._thread.join(timeout=0.05)
        self._drop()

    def next(self) -> tuple[Any, dict[str, Any]]:
        """The next batch, and the source's state after it."""
        batch, state, error = self._ready.get()
        if error is not None:
            raise error
        return batch, state

    def _drop(self) -> None:
        while not self._ready.empty():
            self._ready.get_nowait()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                batch = self._place(self._source.next_batch())
                item = (batch, self._source.state(), None)
            except Exception as error:
                item = (None, {}, error)
            self._put(item)
            if item[2] is not None:
                return

    def _put(self, item: tuple[Any, Any, Exception | None]) -> None:
        # The thread is the only one that puts: what is not full stays so until it does.
        while self._ready.full():
            if self._stop.wait(timeout=0.002):
                return
        self._ready.put_nowait(item)
