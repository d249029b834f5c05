"""What all mains share: an error of the user's making is one line, not a traceback."""

import logging
import os
import select
import sys
import traceback
from collections.abc import Callable

TRACEBACK = "TTJAX_TRACEBACK"
"""Environment variable; set, errors come with their traceback."""

EXPLAINED = (OSError, ValueError, ImportError)
EXIT_CODE = 2
UNREAD = 141
"""Of a command whose output nobody reads any more, as a shell reports SIGPIPE."""


def is_ours(error: BaseException) -> bool:
    """Whether ttjax raised it: its message says what is wrong and what to do.

    An OSError is the user's business wherever it comes from: a missing file, a full
    disk.
    """
    if isinstance(error, OSError):
        return True
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames or not isinstance(error, EXPLAINED):
        return False
    module = frames[-1][0].f_globals.get("__name__", "")
    # A main that was started with `-m` is called __main__ and belongs to ttjax, too.
    return module == "__main__" or module.split(".")[0] == "ttjax"


def _unread() -> bool:
    """Whether who read our output has left, as `head` does when it has enough.

    A pipe of another kind that breaks is an error like any other.
    """
    try:
        out = sys.stdout.fileno()
    except OSError:
        return False  # Kept in memory, as by a test.
    poll = select.poll()
    poll.register(out, 0)
    return bool(poll.poll(0))


def guarded(main: Callable[[], int | None]) -> int:
    """Runs `main` and gives its exit code; errors of ttjax become one line and 2.

    Other errors are bugs and keep their traceback; `TTJAX_TRACEBACK=1` keeps all.
    Output that is piped into a command that reads a part of it ends without a word.
    """
    # Libraries log below what they raise; the one line is to stay the only one.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    try:
        code = main() or 0
        sys.stdout.flush()
        return code
    except EXPLAINED as error:
        if isinstance(error, BrokenPipeError) and _unread():
            # What is still buffered goes nowhere, instead of into an error at exit.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            return UNREAD
        if os.environ.get(TRACEBACK) or not is_ours(error):
            raise
        text = " ".join(str(error).split())
        print(f"error: {text}", file=sys.stderr)
        return EXIT_CODE
    except KeyboardInterrupt:
        return 130
