"""Folders of published weights: those of the package by name, and any by its path.

A folder holds `config.json`, which says what `ttjax.checkpoints` says of a checkpoint
and more, the tensors in files of `ttjax.weights.shards`, and a model card, `README.md`.
"""

import json
import pathlib
from typing import Any

from flax import traverse_util

from ttjax import registry
from ttjax.task import Task
from ttjax.typing import Variables
from ttjax.weights import shards

HOME = pathlib.Path(__file__).resolve().parent
"""Where the package's own weights lie."""

CONFIG, CARD = "config.json", "README.md"
FORMAT = "ttjax.weights"
SCHEMA = 1
"""Of `config.json`; raised with every change that breaks its readers."""


def names(home: pathlib.Path | None = None) -> tuple[str, ...]:
    """Of the weights that ship; home: None: with the package."""
    folders = (path for path in (home or HOME).iterdir() if path.name[0] != ".")
    return tuple(sorted(path.name for path in folders if is_published(path)))


def is_published(folder: pathlib.Path) -> bool:
    """Whether these are published weights, whole or not."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def load_metadata(folder: pathlib.Path) -> dict[str, Any]:
    """What `config.json` says: recipe, step, sources, scores and more, as JSON values.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is of another program or version.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"Published weights have a {CONFIG} of JSON, that of {folder} is none: "
            "install the package again."
        ) from error
    kind = (config.get("format"), config.get("schema"))
    if kind != (FORMAT, SCHEMA):
        raise ValueError(
            f"Published weights are of {FORMAT}, schema {SCHEMA}, {folder} is of "
            f"{kind[0]}, schema {kind[1]}: use the version of ttjax that wrote it."
        )
    return config


def load_task(folder: pathlib.Path) -> Task:
    """The task; raises what `load_metadata` raises, and where a class is unknown."""
    return registry.decode(load_metadata(folder)["recipe"]["task"])


def load_variables(folder: pathlib.Path) -> Variables:
    """The variables, float32 as numpy arrays; raises what `shards.read` raises."""
    tensors = shards.read(folder, load_metadata(folder))
    return traverse_util.unflatten_dict(tensors, sep="/")
