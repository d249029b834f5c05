"""Beginning from weights of elsewhere: what fits by name and shape is taken."""

import dataclasses
import importlib
import importlib.util
import pathlib
from typing import Any

import numpy as np

from ttjax import weights
from ttjax.task import Task
from ttjax.train import paths
from ttjax.typing import Variables


@dataclasses.dataclass(frozen=True)
class Report:
    """Names of leaves, such as "params/encoder/conv/kernel".

    matched: taken from the file.
    missing: of the model, not in the file; they keep their random start.
    unused: in the file, not of the model.
    reshaped: in both, of different shapes (model's, file's); skipped.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    def lines(self) -> list[str]:
        """The report as text."""
        text = [f"{len(self.matched)} arrays taken"]
        text += [f"  matched  {name}" for name in self.matched]
        text += [f"  missing  {name} (random start)" for name in self.missing]
        text += [f"  unused   {name}" for name in self.unused]
        text += [
            f"  reshaped {name} is {here}, the file has {there} (skipped)"
            for name, here, there in self.reshaped
        ]
        return text


def read(path: pathlib.Path, task: Task) -> Variables:
    """Variables of a checkpoint directory, of weights that ship, an .npz or a .pth.

    In an .npz the names of arrays are "/"-joined paths of the variables, such as
    "params/encoder/conv/kernel"; a .pth is translated by `ttjax.importers`.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: another kind of file, or a family without an importer.
    """
    if weights.exists(path):
        return weights.load_variables(path)
    if not path.is_file():
        shipped = ", ".join(weights.names()) or "there are none"
        raise FileNotFoundError(
            f"`init` names a checkpoint directory, an .npz, a .pth, or weights that "
            f"ship ({shipped}); {path} does not exist: correct `--init`."
        )
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    if path.suffix in (".pth", ".pt"):
        return _from_torch(path, task)
    raise ValueError(
        f"`init` reads a checkpoint directory, .npz and .pth, got {path.name}: convert "
        "it to .npz with names such as params/encoder/conv/kernel."
    )


def _from_torch(path: pathlib.Path, task: Task) -> Variables:
    family = type(task).__module__.split(".")[1:2]
    name = f"ttjax.importers.{family[0]}" if family else ""
    if not name or importlib.util.find_spec(name) is None:
        raise ValueError(
            f"A .pth is read where `ttjax.importers` knows the family, that of "
            f"{type(task).__qualname__} it does not: give an .npz."
        )
    state = importlib.import_module("ttjax.importers.torch_state").read(path)
    return importlib.import_module(name).variables(state, task.config)


def merge(variables: Variables, found: Variables) -> tuple[Variables, Report]:
    """The variables with every leaf of `found` that has their name and shape.

    Raises:
        ValueError: nothing fits.
    """
    here, there = paths.flatten(variables), paths.flatten(found)
    shared = [name for name in here if name in there]
    fits = {name: np.shape(here[name]) == np.shape(there[name]) for name in shared}
    report = Report(
        matched=tuple(name for name in shared if fits[name]),
        missing=tuple(name for name in here if name not in there),
        unused=tuple(name for name in there if name not in here),
        reshaped=tuple(
            (name, np.shape(here[name]), np.shape(there[name]))
            for name in shared
            if not fits[name]
        ),
    )
    if not report.matched:
        raise ValueError(
            f"Weights to begin from share names and shapes with the model, none of "
            f"{len(there)} do (the file has {', '.join(list(there)[:3])}; the model "
            f"{', '.join(list(here)[:3])}): use weights of this family."
        )
    taken: dict[str, Any] = {
        name: np.asarray(there[name], leaf.dtype) if fits.get(name) else leaf
        for name, leaf in here.items()
    }
    return paths.unflatten(variables, taken), report
