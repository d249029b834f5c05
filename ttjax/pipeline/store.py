"""Folders in the user's cache directory that are whole or not there.

A folder is filled under another name and renamed when it is complete, under a lock, so
that neither a kill nor a second process leaves or sees half of one.
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

_FACTS = "complete.json"

_announced: set[tuple[str, tuple[pathlib.Path, ...]]] = set()


@functools.cache
def temporary() -> pathlib.Path:
    """A directory instead of `caches.directory()` that goes when this process ends."""
    folder = tempfile.mkdtemp(prefix="ttjax-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


def key(*parts: Any) -> str:
    """A short name for everything that determines some content, by its `repr`."""
    text = "\n".join(map(repr, parts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def facts(folder: pathlib.Path) -> dict[str, Any] | None:
    """What was written of a complete folder; None where there is none."""
    path = folder / _FACTS
    return json.loads(path.read_text()) if path.is_file() else None


@contextlib.contextmanager
def locked(folder: pathlib.Path) -> Iterator[None]:
    """One process at a time fills a folder; others wait here. A kill frees it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def unfinished(folder: pathlib.Path) -> pathlib.Path:
    """Where the folder is being filled; what was stopped finds its work here."""
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    return part


def finish(folder: pathlib.Path, about: dict[str, Any]) -> None:
    """Makes the unfinished folder the complete one, with `about` as its facts."""
    part = unfinished(folder)
    write_json(part / _FACTS, about)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def fill(
    folder: pathlib.Path, write: Callable[[pathlib.Path], dict[str, Any]]
) -> dict[str, Any]:
    """The facts of a folder; `write` fills and describes it if it is not complete."""
    about = facts(folder)
    if about is None:
        with locked(folder):
            about = facts(folder)
            if about is None:
                about = write(unfinished(folder))
                finish(folder, about)
    return about


def write_json(path: pathlib.Path, value: Any) -> None:
    """Replaces a JSON file at once."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(value))
    new.replace(path)


def size_bytes(folder: pathlib.Path) -> int:
    """Bytes on disk of all files below; holes in sparse files do not count."""
    return sum(
        path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()
    )


def need_bytes(folder: pathlib.Path, count: int) -> None:
    """Checks, before anything is written, that the disk has room.

    Raises:
        OSError: it has not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if count > free:
        raise OSError(
            f"A cache of {count / 1e9:.1f} GB fits on its disk, {folder} has "
            f"{free / 1e9:.1f} GB free: make room, set XDG_CACHE_HOME to another "
            "disk, or take fewer samples."
        )


@contextlib.contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left; gives the function that advances it."""
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns) as bar:
        task = bar.add_task(title, total=total, completed=done)
        yield lambda count: bar.advance(task, count)


def announce(what: str, *folders: pathlib.Path) -> None:
    """Prints what lies in these folders, how big it is, and where: once per process."""
    if (what, folders) in _announced:
        return
    _announced.add((what, folders))
    size, where = sum(map(size_bytes, folders)), {str(path.parent) for path in folders}
    where = {str(folders[0])} if len(folders) == 1 else where
    print(f"{what}: {size / 1e6:,.0f} MB in {', '.join(sorted(where))}")
