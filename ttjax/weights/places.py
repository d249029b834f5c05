"""Where a trained model is: a run, a checkpoint, or weights that ship by their name.

A name counts where no file or folder of that path exists.
"""

import pathlib
from typing import Any, Literal

from ttjax.task import Task
from ttjax.typing import Variables
from ttjax.weights import shipped

Place = pathlib.Path | str
Which = Literal["best", "latest"]


def find(place: Place, which: Which = "best") -> pathlib.Path:
    """The folder of published weights, or that of one checkpoint of a run.

    which: the checkpoint of a run.

    Raises:
        FileNotFoundError: there is neither.
    """
    return published(place) or _checkpoints().find(place, which)


def published(place: Place) -> pathlib.Path | None:
    """The folder of published weights; None where a path of another kind is there.

    Raises:
        FileNotFoundError: no such path, and no such name.
    """
    path = pathlib.Path(place)
    if path.exists():
        return path.resolve() if shipped.is_published(path) else None
    if str(place) in shipped.names():
        return shipped.HOME / place
    raise FileNotFoundError(
        "A model is the directory of a run, one of its checkpoints, or the name of "
        f"weights that ship ({', '.join(shipped.names()) or 'there are none'}), "
        f"{place} is none: correct the name or the path."
    )


def exists(place: Place) -> bool:
    """Whether it is a folder, or no file and the name of weights that ship."""
    path = pathlib.Path(place)
    return path.is_dir() or (not path.exists() and str(place) in shipped.names())


def load(place: Place, which: Which = "best") -> tuple[Task, Variables, dict[str, Any]]:
    """Task, variables and metadata, as `ttjax.checkpoints.load` gives them.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: a file is damaged, or names a class that is not registered.
    """
    folder = published(place)
    if folder is None:
        return _checkpoints().load(place, which)
    task, variables = shipped.load_task(folder), shipped.load_variables(folder)
    return task, variables, shipped.load_metadata(folder)


def load_task(place: Place) -> Task:
    """The task alone; raises what `load` raises."""
    folder = published(place)
    if folder is None:
        return _checkpoints().load_task(place)
    return shipped.load_task(folder)


def load_variables(place: Place) -> Variables:
    """The variables alone, as numpy arrays; raises what `load` raises."""
    folder = published(place)
    if folder is None:
        return _checkpoints().load_variables(place)
    return shipped.load_variables(folder)


def load_metadata(place: Place) -> dict[str, Any]:
    """The metadata alone, as JSON values; raises what `load` raises."""
    folder = published(place)
    if folder is None:
        return _checkpoints().load_metadata(place)
    return shipped.load_metadata(folder)


def _checkpoints() -> Any:
    # Orbax takes its time to import, and published weights do without it.
    from ttjax import checkpoints

    return checkpoints
