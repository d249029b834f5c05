"""`python -m ttjax.train [recipe.py] [--field value …]`."""

import sys
from collections.abc import Sequence

from ttjax import mains
from ttjax.train import arguments, loop


def main(argv: Sequence[str] | None = None) -> int:
    """Trains the recipe of the command line; 0 where the run is finished.

    A run that a signal ended gives 128 + the signal's number, so that a chain of
    commands stops there.
    """
    recipe = arguments.parse(sys.argv[1:] if argv is None else argv)
    result = loop.run(recipe)
    received = result.interrupted_by
    return 0 if result.finished or received is None else 128 + received


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
