"""Checkpoints of runs: written by the trainer, read by everything that uses a model.

A run keeps its checkpoints in `<out>/checkpoints/<step>`: the latest `keep` and the
best. Each holds three parts: `variables` (what inference needs), `ema` (averaged
parameters, if the recipe asks for them) and `training` (optimiser and the rest), and as
plain JSON metadata the recipe by registered names, the position in the data, the clock
and the metrics. Writing is asynchronous and atomic: a run that is killed in mid-save
keeps the checkpoint before.
"""

import contextlib
import copy
import dataclasses
import functools
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from ttjax import registry
from ttjax.task import Task
from ttjax.typing import Variables

Which = Literal["best", "latest"]

VARIABLES, EMA, TRAINING = "variables", "ema", "training"
_FOLDER = "checkpoints"
_MARK = "_CHECKPOINT_METADATA"
_UNFINISHED = ".orbax-checkpoint-tmp"


class SaveError(OSError):
    """A checkpoint could not be written; those before it are whole."""


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What ranks checkpoints: a later phase first, then a lower loss."""

    phase: int
    loss: float

    def rank(self) -> tuple[int, float]:
        """Ascending: the best comes last."""
        return (self.phase, -self.loss)


def _rank(metrics: Mapping[str, Any]) -> tuple[int, float]:
    return Metrics(int(metrics["phase"]), float(metrics["loss"])).rank()


class Store:
    """The checkpoints of one run: keeps the latest `keep` and the best.

    A context manager; leaving it waits for the save that is under way.

    Raises:
        OSError: the directory cannot be made or written.
    """

    def __init__(self, directory: pathlib.Path, *, keep: int = 2):
        """Opens or makes the directory, clears away what a killed save left."""
        self.directory = pathlib.Path(directory).absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        for left_over in self.directory.glob(f"*{_UNFINISHED}*"):
            shutil.rmtree(left_over)
        policies = ocp.training.preservation_policies
        decisions: Any = ocp.training.save_decision_policies
        self._orbax = ocp.training.Checkpointer(
            str(self.directory),
            save_decision_policy=decisions.FixedIntervalPolicy(1),
            preservation_policy=policies.AnyPreservationPolicy(
                [
                    policies.LatestN(keep),
                    policies.BestN(
                        get_metric_fn=_rank,  # pyright: ignore[reportArgumentType]
                        n=1,
                        keep_checkpoints_without_metrics=False,
                    ),
                ]
            ),
        )
        self._pending: tuple[int, Any] | None = None
        self._failed = False

    def __enter__(self) -> "Store":
        """The store itself."""
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Waits for the save under way; its error yields to one that came before."""
        if error is None:
            self.close()
        else:
            with contextlib.suppress(SaveError):
                self.close()

    @property
    def latest(self) -> int | None:
        """The last whole checkpoint's step."""
        found = self._orbax.latest
        return None if found is None else found.step

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of all whole checkpoints, ascending."""
        return tuple(found.step for found in self._orbax.checkpoints)

    def save(
        self,
        step: int,
        parts: Mapping[str, Any],
        metadata: Mapping[str, Any],
        metrics: Metrics | None = None,
    ) -> None:
        """Begins to write a checkpoint; the arrays may be donated or changed at once.

        parts: part name -> pytree of arrays; empty ones are left out.
        metadata: JSON values; the recipe under "recipe". Step and metrics are added.
        metrics: None keeps the checkpoint out of the choice of the best.

        Raises:
            SaveError: this or the previous checkpoint could not be written.
        """
        self.wait()
        kept = {name: tree for name, tree in parts.items() if jax.tree.leaves(tree)}
        ranked = None if metrics is None else dataclasses.asdict(metrics)
        with self._explained(step):
            response = self._orbax.save_checkpointables_async(
                step,
                kept,
                force=True,
                overwrite=step in self.steps,
                metrics=ranked,
                custom_metadata={**metadata, "step": step, "metrics": ranked},
            )
        self._pending = (step, response)

    def wait(self) -> None:
        """Returns when the last checkpoint is whole on disk.

        Raises:
            SaveError: it could not be written.
        """
        if self._pending is None:
            return
        (step, response), self._pending = self._pending, None
        with self._explained(step):
            response.result()

    def close(self) -> None:
        """Waits, then lets go of the directory.

        Raises:
            SaveError: the last checkpoint could not be written.
        """
        self.wait()
        # Orbax repeats a failed save's error here; it has been raised already.
        with (
            contextlib.suppress(Exception) if self._failed else contextlib.nullcontext()
        ):
            self._orbax.close()

    def metadata(self, step: int) -> dict[str, Any]:
        """The JSON values of a checkpoint."""
        return _metadata(self.directory / str(step))

    def restore(self, step: int, abstract: Mapping[str, Any]) -> dict[str, Any]:
        """Parts of a checkpoint, on the shardings that `abstract` gives for every leaf.

        Raises:
            ValueError: the checkpoint holds other arrays; the first of them are named.
        """
        kept = {name: tree for name, tree in abstract.items() if jax.tree.leaves(tree)}
        path = self.directory / str(step)
        saved = _structure(path)
        for name, tree in kept.items():
            _check_same(path, name, saved.get(name), tree)
        restored = self._orbax.load_checkpointables(step, kept)
        return {name: restored.get(name, tree) for name, tree in abstract.items()}

    @contextlib.contextmanager
    def _explained(self, step: int) -> Iterator[None]:
        """Turns what the file system says, through all layers, into one line."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            self._failed = True
            kept = "the last good one is of step " + str(max(self.steps, default=None))
            if not self.steps:
                kept = "there is none before it"
            for left_over in self.directory.glob(f"*{_UNFINISHED}*"):
                shutil.rmtree(left_over, ignore_errors=True)
            raise SaveError(
                f"The checkpoint of step {step} could not be written to "
                f"{self.directory} ({_reason(error)}); {kept}: make room, then give "
                "the same command again."
            ) from error


def find(path: pathlib.Path | str, which: Which = "best") -> pathlib.Path:
    """The directory of one checkpoint, given a run, its checkpoints or the one itself.

    Without a validated checkpoint the best is the latest.

    Raises:
        FileNotFoundError: no whole checkpoint is there.
    """
    path = pathlib.Path(path).absolute()
    if not path.is_dir():
        raise FileNotFoundError(
            f"A checkpoint is a directory, {path} is none: give a run's `out` "
            "directory."
        )
    if _is_checkpoint(path):
        return path
    root = path / _FOLDER if (path / _FOLDER).is_dir() else path
    steps = sorted(filter(_is_checkpoint, root.iterdir()), key=lambda p: int(p.name))
    if not steps:
        raise FileNotFoundError(
            f"{path} holds no checkpoint: give the `out` directory of a run that has "
            "saved at least once."
        )
    if which == "latest" or len(steps) == 1:
        return steps[-1]
    ranked = [entry for entry in steps if _metadata(entry).get("metrics")]
    if not ranked:
        return steps[-1]
    return max(ranked, key=lambda entry: _rank(_metadata(entry)["metrics"]))


def load(
    path: pathlib.Path | str, which: Which = "best", *, ema: bool = True
) -> tuple[Task, Variables, dict[str, Any]]:
    """The task, its variables and the metadata of a checkpoint.

    path: a run's `out` directory, its `checkpoints`, or one checkpoint.
    variables: `{"params": …, "batch_stats": …}` as numpy arrays, ready for
        `task.config.model.apply`; with `ema` the averaged parameters where the run has
        them.
    metadata: step, recipe, metrics, seconds, versions and more, as JSON values.

    Raises:
        FileNotFoundError: no whole checkpoint is there.
        ValueError: it names a class that is not registered.
    """
    found = find(path, which)
    return load_task(found), load_variables(found, ema=ema), _metadata(found)


def load_task(path: pathlib.Path | str, which: Which = "best") -> Task:
    """The task of a checkpoint, from the recipe inside; raises what `load` raises."""
    return registry.decode(_metadata(find(path, which))["recipe"]["task"])


def load_metadata(path: pathlib.Path | str, which: Which = "best") -> dict[str, Any]:
    """The metadata of a checkpoint alone, as of `load`; raises what `load` raises."""
    return _metadata(find(path, which))


def load_variables(
    path: pathlib.Path | str, which: Which = "best", *, ema: bool = True
) -> Variables:
    """The variables of a checkpoint as numpy arrays; raises what `load` raises."""
    found = find(path, which)
    saved = _structure(found)
    names = [VARIABLES, *([EMA] if ema and EMA in saved else [])]
    abstract = {name: jax.tree.map(_numpy_like, saved[name]) for name in names}
    loaded = ocp.load_checkpointables(str(found), abstract)
    variables = loaded[VARIABLES]
    return variables | {"params": loaded[EMA]} if EMA in loaded else variables


def _is_checkpoint(path: pathlib.Path) -> bool:
    # Orbax renames a directory to its step only when everything inside is written.
    return path.name.isdigit() and (path / _MARK).is_file()


def _numpy_like(leaf: Any) -> np.ndarray:
    return np.empty(leaf.shape, leaf.dtype)


def _metadata(path: pathlib.Path) -> dict[str, Any]:
    saved = copy.deepcopy(_read(path).custom_metadata)
    if not isinstance(saved, dict) or "recipe" not in saved:
        raise ValueError(
            f"A checkpoint of ttjax holds its recipe, {path} holds none: it was "
            "written by another program."
        )
    return saved


def _structure(path: pathlib.Path) -> dict[str, Any]:
    """Part -> tree of leaves with shape and dtype."""
    return _read(path).metadata


def _read(path: pathlib.Path) -> Any:
    """What orbax says of a checkpoint, which takes it a third of a second."""
    return _read_once(str(path), (path / _MARK).stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read_once(path: str, written: int) -> Any:
    return ocp.checkpointables_metadata(path)


def _named(tree: Any) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape)
        for path, leaf in leaves
    }


def _check_same(path: pathlib.Path, part: str, saved: Any, wanted: Any) -> None:
    there, here = _named(saved), _named(wanted)
    wrong = [
        f"{name} {there.get(name, 'missing')} instead of {here.get(name, 'none')}"
        for name in [*here, *(name for name in there if name not in here)]
        if there.get(name) != here.get(name)
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(
            f"The checkpoint {path} is of another configuration: its {part} hold "
            f"{'; '.join(wrong[:3])}{more}. Use the recipe it was written with, or "
            "give it as `--init` to a new run."
        )


def _reason(error: BaseException) -> str:
    """The operating system's own words, if they are in there."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    text = str(error)
    for known in ("No space left on device", "File too large", "Permission denied"):
        if known in text:
            return known
    return text.splitlines()[0] if text else type(error).__name__
