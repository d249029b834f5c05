"""How data sets are built, where it does not change what is in them."""

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Options:
    """Set by the command line around a build.

    workers: clips extracted at once, each by a process of its own if more than one.
    skip_bad: leave out clips that cannot be read, and report them.
    beam: let Beam's workers extract the clips.
    """

    workers: int = 1
    skip_bad: bool = False
    beam: bool = False

    def __post_init__(self):
        """Checks the ranges."""
        if self.workers < 1:
            raise ValueError(f"`--workers` is at least 1, got {self.workers}.")


_current: contextvars.ContextVar[Options] = contextvars.ContextVar("options")


def current() -> Options:
    """Those of the build that runs."""
    return _current.get(Options())


@contextlib.contextmanager
def using(options: Options) -> Iterator[None]:
    """Builds inside the block use these."""
    token = _current.set(options)
    try:
        yield
    finally:
        _current.reset(token)
