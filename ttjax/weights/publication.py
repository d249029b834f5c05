"""From a run to weights that ship: checked, rounded, cut into files, described."""

import importlib.metadata
import json
import pathlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flax import traverse_util

from ttjax import registry
from ttjax.weights import card, shards, shipped, sources

LICENCE = "Apache-2.0"

_KEPT_BACK = ("out", "init", "cache", "tensorboard", "keep", "scoring")
"""Fields of a recipe that tell of the machine it ran on, not of the weights."""

_EVALUATION = "evaluation.json"


def publish(
    run: pathlib.Path | str,
    name: str,
    directory: pathlib.Path | None = None,
    *,
    which: Any = "best",
    ema: bool = True,
    scores: Sequence[pathlib.Path] = (),
    about: str = "",
    limits: Sequence[str] = (),
    replace: bool = False,
) -> pathlib.Path:
    """Writes the weights of a run that saw simulated data alone; gives their folder.

    run: a run's directory, or one of its checkpoints. name: lower case, as
        "ttnet-sim". directory: None: the package's own. which: checkpoint of the run.
    ema: takes the averaged parameters where the run has them.
    scores: `evaluation.json` files of these weights, each a table of the card with
        the name of its folder as the title.
    about, limits: sentences for the card.
    replace: weights of this name give way.

    Raises:
        FileNotFoundError: no whole checkpoint, or no such scores.
        FileExistsError: there are weights of this name.
        ValueError: the weights saw other data or are not finite, the name is none, or
            scores are of another model.
    """
    from ttjax import checkpoints

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ValueError(
            f"Weights are named in lower case, as ttnet-sim, got {name!r}: rename them."
        )
    found = checkpoints.find(run, which)
    metadata = checkpoints.load_metadata(found)
    saw = sources.check(metadata, str(run))
    home = directory or shipped.HOME
    folder = home / name
    if folder.exists() and not replace:
        raise FileExistsError(
            f"Weights of one name are published once, {folder} is there: give another "
            "name, or `--replace`."
        )
    variables = checkpoints.load_variables(found, ema=ema)
    tensors: Any = traverse_util.flatten_dict(variables, sep="/")
    config = {
        "format": shipped.FORMAT,
        "schema": shipped.SCHEMA,
        "name": name,
        "about": about,
        "licence": LICENCE,
        "licences": [],
        "source": sources.SIM,
        "sources": list(saw),
        **_history(metadata),
        "ema": ema and metadata["recipe"].get("ema_decay") is not None,
        "parameters": sum(int(np.size(tensor)) for tensor in tensors.values()),
        "scores": [_scores(path, name, metadata["step"]) for path in scores],
    }
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".") as place:
        part = pathlib.Path(place) / name
        part.mkdir()
        config |= shards.write(part, tensors)
        text = card.text(config, limits=limits)
        (part / shipped.CARD).write_text(text, encoding="utf-8")
        content = json.dumps(config, indent=1, allow_nan=False) + "\n"
        (part / shipped.CONFIG).write_text(content, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    return folder


def _history(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the checkpoint says of task, data and training."""
    recipe, book = metadata["recipe"], metadata.get("book", {})
    init = recipe.get("init")
    task, version = registry.decode(recipe["task"]), importlib.metadata.version("ttjax")
    return {
        "recipe": {k: v for k, v in recipe.items() if k not in _KEPT_BACK},
        "window": registry.encode(task.window),
        "step": metadata["step"],
        "seed": recipe.get("seed"),
        "seconds": book.get("seconds"),
        "begun_from": init and pathlib.PurePath(init[registry.PATH]).name,
        "validation": metadata.get("scores", {}),
        "versions": {**metadata.get("versions", {}), "ttjax": version},
    }


def _scores(path: pathlib.Path, name: str, step: int) -> dict[str, Any]:
    """An evaluation as `config.json` keeps it."""
    path = path / _EVALUATION if path.is_dir() else path
    said = json.loads(path.read_text(encoding="utf-8"))
    model = pathlib.PurePath(said["checkpoint"]).name
    if model not in (name, str(step)):
        raise ValueError(
            f"Scores are of the weights that are published, {path} is of "
            f"{said['checkpoint']}: evaluate {name} or the checkpoint of step {step}."
        )
    recordings = said["recordings"]
    sizes = dict.fromkeys("{1} x {0}".format(*one["size_hw"]) for one in recordings)
    return {
        "title": path.absolute().parent.name.replace("_", " "),
        "scored": "these weights" if model == name else "the weights before rounding",
        "sampling": said["sampling"],
        "recordings": len(recordings),
        "frames": sum(one["frames"] for one in recordings),
        "sizes": list(sizes),
        "rates": list(dict.fromkeys(f"{one['fps']:g}" for one in recordings)),
        "scores": said["scores"],
    }
