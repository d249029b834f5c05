"""The trainer: `run(recipe)` does what `python -m ttjax.train` does."""

from ttjax.train.loop import Result, run

__all__ = ["Result", "run"]
