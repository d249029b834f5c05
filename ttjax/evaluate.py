"""`python -m ttjax.evaluate CHECKPOINT [DATA]`: the table of a checkpoint's scores."""

import contextlib
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ttjax import checkpoints, evaluation, mains, predictor, registry
from ttjax.evaluation import ByPosition, Evaluation, Rival
from ttjax.pipeline import baselines as rules
from ttjax.pipeline import layouts
from ttjax.predictor import Predictor
from ttjax.samples import FrameLabels, Recording
from ttjax.ttnet import arrays
from ttjax.video.recorder import Observer

SIMULATION = "sim"
"""In the place of a directory: the default simulation."""


def run(
    checkpoint: pathlib.Path,
    data: str | None = None,
    /,
    out: pathlib.Path | None = None,
    which: Literal["best", "latest"] = "best",
    baselines: bool = False,
    overlays: int = 0,
) -> Evaluation:
    """Prints and writes the scores of a checkpoint on whole, unseen recordings.

    Args:
        checkpoint: A run's directory, or one of its checkpoints.
        data: A directory of videos in OpenTTGames' or TrackNet's layout, or `sim`; by
            default the test recordings of the checkpoint's own recipe.
        out: Where the table is written; by default `evaluation` in the run's directory.
        which: The checkpoint of a run.
        baselines: Scores a constant position and background subtraction as well.
        overlays: So many recordings get an overlay video in `out`.
    """
    found = checkpoints.find(checkpoint, which)
    model = predictor.load(found)
    recordings = recordings_of(data, model.metadata)
    out = out or default_out(found)
    rivals = rivals_of(model) if baselines else {}
    with _bar() as watch, Observer(out, model.task, limit=overlays) as observer:
        result = evaluation.evaluate(
            model,
            recordings,
            rivals=rivals,
            observe=observer if overlays else None,
            watch=watch,
            checkpoint=str(found),
        )
    result.show()
    for path in (*result.write(out), *observer.paths):
        print(path)
    return result


def default_out(found: pathlib.Path) -> pathlib.Path:
    """Beside the checkpoints of a run, not among them."""
    run_directory = found.parent
    if run_directory.name == "checkpoints":
        run_directory = run_directory.parent
    return run_directory / "evaluation"


def recordings_of(data: str | None, metadata: Mapping[str, Any]) -> Iterable[Recording]:
    """The recordings that the second argument names.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: it holds no layout that is known, or the recipe has no test data.
    """
    if data is None:
        found = list(_recipe_data(metadata).recordings("test"))
        if not found:
            raise ValueError(
                "The data of this checkpoint's recipe holds no test recordings: name a "
                "directory of labelled videos, or `sim`."
            )
        return found
    if data == SIMULATION:
        from ttjax.sim.data import Simulation

        simulated: Any = Simulation().recordings("test")
        return simulated
    root = pathlib.Path(data)
    if not root.is_dir():
        raise FileNotFoundError(
            f"Labelled videos lie in a directory, {data!r} is none: correct the path, "
            "or give `sim` for simulated ones."
        )
    return layouts.recordings(root)


def rivals_of(model: Predictor) -> dict[str, Rival]:
    """A constant position, that of the training data, and background subtraction.

    Raises:
        ValueError: the checkpoint is not of the TTNet family.
    """
    if type(model.task).__module__ != "ttjax.ttnet.task":
        raise ValueError(
            "Baselines by position are scored beside a TTNet, this checkpoint is of "
            f"{type(model.task).__module__}: leave out `--baselines`."
        )
    data = _recipe_data(model.metadata)
    constant = rules.Constant.fit(
        (_labels(one), one.size_hw) for one in data.recordings("train")
    )
    background = rules.BackgroundSubtraction()
    tracks = {
        "constant of training": lambda one: constant.track(
            _labels(one).length, one.size_hw
        ),
        "background subtraction": lambda one: background.track(
            one.frames, _labels(one).length
        ),
    }
    stages = [s for s in ("ball_global", "ball_local") if s in model.task.config.heads]

    def answer(
        xy_px: np.ndarray, present: np.ndarray, source_hw: np.ndarray
    ) -> arrays.Predictions:
        ball = arrays.Ball(xy_px, present.astype(np.float32), present)
        found: Any = dict.fromkeys(stages, ball)
        return arrays.Predictions(source_hw=source_hw, **found)

    return {
        name: ByPosition(model.task.window, track, answer)
        for name, track in tracks.items()
    }


def _labels(one: Recording) -> FrameLabels:
    if not isinstance(one.labels, FrameLabels):
        raise ValueError(
            f"A baseline needs a table of labels, recording {one.name!r} has none."
        )
    return one.labels


def _recipe_data(metadata: Mapping[str, Any]) -> Any:
    return registry.decode(metadata["recipe"]["data"])


@contextlib.contextmanager
def _bar() -> Iterator[evaluation.Watch]:
    """A progress bar per recording, on standard error."""
    import rich.console
    import rich.progress

    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeRemainingColumn(),
    )
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(*columns, console=console) as progress:
        yield lambda frames, count, name: progress.track(
            frames, total=count, description=name
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates what the command line names."""
    import tyro

    tyro.cli(run, args=argv, prog="python -m ttjax.evaluate")


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
