import pathlib

import jax
import pytest

from ttjax import registry
from ttjax.augment import affine
from ttjax.formats import stack_record
from ttjax.pipeline.stack_records import StackRecords
from ttjax.recipe import Recipe
from ttjax.train import arguments, paths
from ttjax.ttnet import config

PATH = pathlib.Path(__file__).parents[2] / "train" / "ttnet_openttgames.py"


@pytest.fixture(scope="module")
def module():
    return arguments.load(PATH)


@pytest.fixture
def recipe(module, tmp_path):
    return module.recipe(tmp_path)


def test_it_trains_the_network_of_the_paper(recipe):
    assert isinstance(recipe, Recipe)
    canvas_hw = stack_record.LEAST_CANVAS_HW
    assert recipe.task.config.canvas_hw == canvas_hw
    margin = recipe.task.config.canvas_margin
    assert recipe.task.config == config.ttnet(canvas_margin=margin)
    # Section 6.1: every example is cropped and turned, which the canvas has room for.
    change = recipe.task.augmentation
    assert (change.affine, change.keep, change.rotation_deg) == (1, (0.85, 1), 15)
    crop_hw = recipe.task.config.crop_hw
    assert affine.inner_hw(canvas_hw, crop_hw, change.rotation_deg) >= crop_hw
    assert set(recipe.task.loss_terms) == set(config.HEADS)
    assert recipe.phases[-1].freeze == ()


def test_its_rules_name_parts_of_the_network(recipe):
    params = {"model": recipe.task.config.abstract_variables()["params"]}
    trained = []
    for phase in recipe.phases:
        frozen = jax.tree.leaves(paths.matching(params, phase.freeze))
        trained.append(len(frozen) - sum(frozen))
        copied = paths.copied(params, phase.copy)
        assert jax.tree.structure(copied) == jax.tree.structure(params)
    assert trained[0] + trained[1] == trained[2] == len(jax.tree.leaves(params))


def test_it_goes_into_checkpoints_and_is_made_on_the_command_line(recipe, tmp_path):
    assert isinstance(recipe.data, StackRecords)
    assert recipe.data.videos is None
    assert registry.decode(registry.encode(recipe)) == recipe
    made = arguments.parse(
        [
            *(str(PATH), "--data", str(tmp_path), "--videos", "v"),
            *("--data.kinds.event", "0.4", "--data.jitter", "0.5"),
        ]
    )
    assert made.data.videos == pathlib.Path("v")
    assert made.data.kinds.event == 0.4
    assert made.data.jitter == 0.5
