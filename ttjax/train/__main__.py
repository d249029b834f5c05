"""`python -m ttjax.train [recipe.py] [--field value …]`."""

import sys
from collections.abc import Sequence

from ttjax import evaluate, mains
from ttjax.recipe import Recipe
from ttjax.train import arguments, loop


def main(argv: Sequence[str] | None = None) -> int:
    """Trains the recipe of the command line; 0 where the run is finished.

    A run that a signal ended gives 128 + the signal's number, so that a chain of
    commands stops there.
    """
    recipe = arguments.parse(sys.argv[1:] if argv is None else argv)
    result = loop.run(recipe)
    if result.finished:
        score(recipe)
    received = result.interrupted_by
    return 0 if result.finished or received is None else 128 + received


def score(recipe: Recipe) -> None:
    """The table of a finished run, unless it is there already or nothing can be scored.

    Nothing can be scored where the recipe's data has no test recordings.
    """
    out = recipe.out / "evaluation"
    scoring = recipe.scoring
    if scoring is None or (out / "evaluation.json").exists():
        return
    if next(iter(recipe.data.recordings("test")), None) is None:
        return
    evaluate.run(
        recipe.out,
        out=out,
        baselines=scoring.baselines,
        overlays=scoring.overlays,
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
