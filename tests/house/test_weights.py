"""What lies in `ttjax/weights` may ship: small, described, whole, simulated alone."""

import pathlib

import jax
import jax.numpy as jnp
import pytest

from tests.weights import runs
from ttjax import registry, weights
from ttjax.weights import shards, shipped, sources

WHEEL = 60_000_000
"""Bytes that the package stays below; nothing of it is counted as compressed."""


def wrongs(folder: pathlib.Path) -> list[str]:
    """Why a folder of weights may not ship."""
    said = shipped.load_metadata(folder)
    card = (folder / shipped.CARD).read_text(encoding="utf-8")
    found = {path.name for path in folder.iterdir()}
    due = {*said["files"], shipped.CARD, shipped.CONFIG}
    wrong = [f"{folder}: {sorted(found ^ due)}"] if found != due else []
    for path in folder.iterdir():
        if path.stat().st_size >= shards.LIMIT:
            wrong.append(f"{path} has {path.stat().st_size} bytes")
    for words in (said["name"], said["licence"], "## Scores", "## Limits"):
        if words not in card:
            wrong.append(f"{folder}: the card says nothing of {words}")
    if (said["source"], said["name"]) != (sources.SIM, folder.name):
        wrong.append(f"{folder} is of {said['source']}, named {said['name']}")
    sources.check(said, str(folder))
    # Scored by `python -m ttjax.evaluate NAME` on the data of its recipe.
    registry.decode(said["recipe"])
    return wrong


def misfits(folder: pathlib.Path) -> list[str]:
    """Arrays that the task's model has otherwise."""
    task, variables = weights.load_task(folder), weights.load_variables(folder)
    example = jax.eval_shape(
        lambda batch: task.inputs(batch, None, jnp.ones(())), task.spec(1)
    )
    due = jax.eval_shape(task.config.model.init, jax.random.key(0), example)
    here, there = (
        {jax.tree_util.keystr(path): (leaf.shape, leaf.dtype) for path, leaf in leaves}
        for leaves in map(jax.tree_util.tree_leaves_with_path, (variables, due))
    )
    return [
        f"{folder}: {name} {here.get(name)} instead of {there.get(name)}"
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    ]


def test_weights_that_ship_are_small_described_and_simulated():
    folders = [shipped.HOME / name for name in shipped.names()]
    wrong = [line for folder in folders for line in wrongs(folder)]
    assert not wrong, "\n".join(wrong)


def test_weights_that_ship_fit_their_models():
    folders = [shipped.HOME / name for name in shipped.names()]
    wrong = [line for folder in folders for line in misfits(folder)]
    assert not wrong, "\n".join(wrong)


def test_no_weights_lie_where_no_name_finds_them():
    stray = [
        str(path)
        for path in shipped.HOME.rglob(f"*{shards.SUFFIX}")
        if path.parent.parent != shipped.HOME or path.parent.name not in shipped.names()
    ]
    assert not stray, "\n".join(stray)


def test_the_package_is_below_its_size(root):
    size = sum(
        path.stat().st_size
        for folder in ("ttjax", "data")
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    assert size < WHEEL


@pytest.fixture
def made(tmp_path):
    return runs.ship(tmp_path)


def test_these_rules_bite(made):
    assert wrongs(made) == misfits(made) == []
    (made / "left_over.bin").write_bytes(bytes(shards.LIMIT))
    card = made / shipped.CARD
    card.write_text(card.read_text().replace("Apache-2.0", "none"))
    told = wrongs(made)
    assert len(told) == 3
    assert "left_over.bin" in told[0]
    config = made / shipped.CONFIG
    config.write_text(config.read_text().replace('"width": 4', '"width": 5'))
    assert "instead of" in misfits(made)[0]
    config.write_text(config.read_text().replace('"Simulation"', '"TrackNetClips"'))
    with pytest.raises(ValueError, match="saw TrackNetClips"):
        wrongs(made)
