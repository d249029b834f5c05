"""Clips extracted side by side, with progress and a report of those left out."""

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import extraction

_TELL_FRAMES = 200
"""Frames between two messages of a worker."""
_messages: Any = None


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A clip that was left out, and why."""

    clip: str
    error: str


def extract(
    folder: pathlib.Path,
    plans: Sequence[extraction.Plan],
    settings: extraction.Settings,
    *,
    workers: int = 1,
    skip_bad: bool = False,
) -> list[Skipped]:
    """Makes the records of all clips that are not there yet; returns those left out.

    Raises:
        ValueError: a clip cannot be read and `skip_bad` is not set. What was finished
            stays, so that the same call goes on from there.
    """
    total = sum(plan.needed for plan in plans)
    with _progress(total) as advance:
        if workers == 1:
            return _in_turn(folder, plans, settings, skip_bad, advance)
        return _side_by_side(folder, plans, settings, workers, skip_bad, advance)


def _in_turn(
    folder: pathlib.Path,
    plans: Sequence[extraction.Plan],
    settings: extraction.Settings,
    skip_bad: bool,
    advance: Callable[[int], None],
) -> list[Skipped]:
    skipped = []
    for plan in plans:
        try:
            extraction.fill(folder, plan, settings, advance)
        except (ValueError, OSError) as error:
            if not skip_bad:
                raise
            skipped.append(Skipped(plan.clip, str(error)))
    return skipped


def _side_by_side(
    folder: pathlib.Path,
    plans: Sequence[extraction.Plan],
    settings: extraction.Settings,
    workers: int,
    skip_bad: bool,
    advance: Callable[[int], None],
) -> list[Skipped]:
    # Threads of FFmpeg, OpenCV and JAX do not survive a fork.
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    longest_first = sorted(plans, key=lambda plan: -plan.needed)
    pool = concurrent.futures.ProcessPoolExecutor(
        workers, context, initializer=_begin, initargs=(messages,)
    )
    with pool:
        running = {
            pool.submit(_one, folder, plan, settings): plan for plan in longest_first
        }
        waiting, skipped = set(running), []
        while waiting:
            done, waiting = concurrent.futures.wait(waiting, timeout=0.2)
            while not messages.empty():
                advance(messages.get())
            for future in done:
                error = future.exception()
                if error is None:
                    continue
                if not (skip_bad and isinstance(error, ValueError | OSError)):
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise error
                skipped.append(Skipped(running[future].clip, str(error)))
    return sorted(skipped, key=lambda one: one.clip)


def _begin(messages: Any) -> None:
    global _messages
    _messages = messages
    import cv2

    cv2.setNumThreads(1)


def _one(
    folder: pathlib.Path, plan: extraction.Plan, settings: extraction.Settings
) -> None:
    untold = 0

    def advance(frames: int) -> None:
        nonlocal untold
        untold += frames
        if untold >= _TELL_FRAMES:
            _messages.put(untold)
            untold = 0

    extraction.fill(folder, plan, settings, advance)
    _messages.put(untold)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left, counted in frames of video."""
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns) as bar:
        task = bar.add_task("frames", total=total)
        yield lambda frames: bar.advance(task, frames)
