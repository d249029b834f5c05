"""Runs of the toy family that look as if the trainer had written them."""

import json
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests import brightest
from tests.train import toy
from ttjax import checkpoints, registry, weights

SIMULATION = {"type": "Simulation", "seconds": 2.0, "test_recordings": 5}
CLIPS = {"type": "TrackNetClips", "root": {"path": "/data/shuttle"}}
STEP = 7


def inputs() -> jax.Array:
    rng = np.random.default_rng(1)
    return jnp.asarray(rng.uniform(-1, 1, (5, toy.FEATURES)), jnp.float32)


def variables(seed: int = 0) -> Any:
    task = toy.Task()
    abstract = jax.eval_shape(task.config.model.init, jax.random.key(0), inputs())
    drawn = brightest.drawn(abstract, seed)
    return jax.tree.map(lambda leaf: 10 * leaf + 0.1, drawn)


def metadata(data: Any = SIMULATION, **said: Any) -> dict[str, Any]:
    """What a checkpoint says; fields of the recipe are among `said`."""
    recipe = registry.encode(toy.recipe(pathlib.Path("/home/someone/runs/toy")))
    own = {name: said.pop(name) for name in list(said) if name in recipe}
    return {
        "recipe": {**recipe, "data": data, **own},
        "versions": {"jax": "0.10.2"},
        "licences": [],
        "sources": ["Simulation"],
        "book": {"seconds": 90.0},
        "scores": {"error": 0.5},
        **said,
    }


def save(
    out: pathlib.Path, said: dict[str, Any] | None = None, *, part: Any = None
) -> pathlib.Path:
    """A run with one checkpoint; part: other variables."""
    averaged = jax.tree.map(lambda leaf: leaf + 1, variables()["params"])
    said = said or metadata()
    parts = {"variables": part or variables()}
    if said["recipe"]["ema_decay"] is not None:
        parts["ema"] = averaged
    with checkpoints.Store(out / "checkpoints") as store:
        store.save(STEP, parts, said, checkpoints.Metrics(0, 1.0))
    return out


def evaluation(folder: pathlib.Path, checkpoint: str) -> pathlib.Path:
    """The scores of a checkpoint, as `ttjax.evaluate` writes them."""
    folder.mkdir(parents=True)
    score = {"value": 0.975, "n": 40.0, "baseline": 0.25, "low": 0.95, "high": 1.0}
    one = {"name": "a", "frames": 40, "windows": 40, "fps": 120.0, "size_hw": [72, 96]}
    said = {
        "checkpoint": checkpoint,
        "sampling": "all 40",
        "recordings": [one, {**one, "name": "b"}],
        "scores": {"pck@5": score, "rmse_px": {"value": None, "n": 0.0}},
    }
    (folder / "evaluation.json").write_text(json.dumps(said))
    return folder / "evaluation.json"


def ship(home: pathlib.Path, name: str = "toy-sim", **said: Any) -> pathlib.Path:
    """Publishes a made run below `home`."""
    run = save(home / ".run", metadata(**said))
    return weights.publish(run, name, home)
