"""`python -m ttjax.evaluate CHECKPOINT [DATA]`: the table of a checkpoint's scores."""

import contextlib
import itertools
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ttjax import evaluation, mains, predictor, registry, weights
from ttjax.evaluation import ByModel, ByPosition, Evaluation, Rival
from ttjax.pipeline import baselines as rules
from ttjax.pipeline import layouts
from ttjax.predictor import Predictor
from ttjax.samples import FrameLabels, Recording, Split
from ttjax.scenes import SceneSpec
from ttjax.task import Evaluator
from ttjax.ttnet import arrays
from ttjax.video.recorder import Observer
from ttjax.weights import shipped

SIMULATION = "sim"
"""In the place of a directory: the default simulation of the family's sport."""


def run(
    checkpoint: pathlib.Path,
    data: str | None = None,
    /,
    out: pathlib.Path | None = None,
    which: Literal["best", "latest"] = "best",
    split: Split | None = None,
    baselines: bool = False,
    oracles: bool = False,
    beside: tuple[pathlib.Path, ...] = (),
    overlays: int = 0,
    dtype: Literal["float32", "bfloat16", "float16"] = "float32",
) -> Evaluation:
    """Prints and writes the scores of a checkpoint on whole, unseen recordings.

    Args:
        checkpoint: A run's directory, one of its checkpoints, or the name of weights
            that ship.
        data: A directory of videos in OpenTTGames' or TrackNet's layout, a built data
            set of pictures, or `sim`; by default the test recordings of the
            checkpoint's own recipe.
        out: Where the table is written; by default `evaluation` in the run's directory,
            that of weights that ship in `runs/NAME`.
        which: The checkpoint of a run.
        split: Of a built data set or of the recipe's data; by default `test`, and
            where a built data set has none `validation`.
        baselines: Scores a constant position and background subtraction as well.
        oracles: Scores the answers as well with a part of them replaced by the truth,
            such as masks: what the other part is worth. Of DeepSportLab.
        beside: Other checkpoints, scored on the same recordings in columns of their
            own: trained on other data, or for one task alone.
        overlays: So many recordings get an overlay video in `out`.
        dtype: In which the networks compute: what a video is analysed with, or exact.
    """
    found = weights.find(checkpoint, which)
    model = predictor.load(found, dtype=dtype)
    recordings = recordings_of(
        data, model.metadata, split=split, sample=model.task.sample
    )
    out = out or default_out(found)
    rivals: dict[str, Any] = dict(rivals_of(model)) if baselines else {}
    for path in beside:
        other = predictor.load(weights.find(path, which), dtype=dtype)
        rivals[str(path)] = ByModel(other)
    others = oracles_of(model) if oracles else {}
    with _bar() as watch, Observer(out, model.task, limit=overlays) as observer:
        result = evaluation.evaluate(
            model,
            recordings,
            rivals=rivals,
            others=others,
            observe=observer if overlays else None,
            watch=watch,
            checkpoint=str(found),
        )
    result.show()
    for path in (*result.write(out), *observer.paths):
        print(path)
    return result


def default_out(found: pathlib.Path) -> pathlib.Path:
    """Beside the checkpoints of a run, not among them; never within the package."""
    if shipped.is_published(found):
        return pathlib.Path("runs", found.name, "evaluation")
    run_directory = found.parent
    if run_directory.name == "checkpoints":
        run_directory = run_directory.parent
    return run_directory / "evaluation"


def recordings_of(
    data: str | None,
    metadata: Mapping[str, Any],
    *,
    split: Split | None = None,
    sample: Any = None,
) -> Iterable[Recording]:
    """The recordings that the second argument names.

    sample: what the model's family asks of its data.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: it holds no layout that is known, or there is no data in the split.
    """
    if data is None:
        found = iter(_recipe_data(metadata).recordings(split or "test"))
        first = next(found, None)
        if first is None:
            raise ValueError(
                f"The data of this checkpoint's recipe holds no {split or 'test'} "
                "recordings: name a directory of labelled videos, a built data set of "
                "pictures, or `sim`."
            )
        return itertools.chain([first], found)
    if data == SIMULATION:
        return _simulation(sample).recordings(split or "test")
    root = pathlib.Path(data)
    if not root.is_dir():
        raise FileNotFoundError(
            f"Labelled videos lie in a directory, {data!r} is none: correct the path, "
            "or give `sim` for simulated ones."
        )
    # Grain, which reads built data sets, takes its time to import.
    from ttjax.pipeline import scene_set

    if scene_set.is_built(root):
        from ttjax.pipeline.scene_records import SceneRecords

        return SceneRecords(root).recordings(scene_set.split_of(root, split))
    if split is not None:
        raise ValueError(
            f"Built data sets of pictures have splits, {data!r} is a folder of videos, "
            "all of which are scored: leave out `--split`."
        )
    return layouts.recordings(root)


def oracles_of(model: Predictor) -> dict[str, Evaluator]:
    """Evaluators by what they replace with the truth.

    Raises:
        ValueError: the family has none.
    """
    task: Any = model.task
    if not hasattr(task, "oracles"):
        raise ValueError(
            "Oracles replace masks, joints or the ball of a DeepSportLab, this "
            f"checkpoint is of {type(task).__module__}: leave out `--oracles`."
        )
    return dict(task.oracles())


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


def _simulation(sample: Any) -> Any:
    if isinstance(sample, SceneSpec):
        from ttjax.sim.court_data import CourtSimulation

        return CourtSimulation(source_hw=sample.image_hw, players=sample.players)
    from ttjax.sim.data import Simulation

    return Simulation()


def _recipe_data(metadata: Mapping[str, Any]) -> Any:
    return registry.decode(metadata["recipe"]["data"])


@contextlib.contextmanager
def _bar() -> Iterator[evaluation.Watch]:
    """A progress bar per video on standard error, and one for all single pictures."""
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
        pictures: list[rich.progress.TaskID] = []

        def watch(frames: Iterable[Any], count: int, name: str) -> Iterable[Any]:
            if count > 1:
                bar = progress.add_task(name, total=count)
            else:
                if not pictures:
                    pictures.append(progress.add_task("pictures", total=None))
                bar = pictures[0]
            # Before the frame is looked at: nobody asks for one after the last.
            for frame in frames:
                progress.advance(bar)
                yield frame

        yield watch


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates what the command line names."""
    import tyro

    tyro.cli(run, args=argv, prog="python -m ttjax.evaluate")


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
