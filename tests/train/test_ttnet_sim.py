import pathlib

import jax
import pytest

from ttjax import registry
from ttjax.recipe import Recipe
from ttjax.sim import camera
from ttjax.sim.data import Simulation
from ttjax.train import arguments
from ttjax.ttnet import config

PATH = pathlib.Path(__file__).parents[2] / "train" / "ttnet_sim.py"


@pytest.fixture(scope="module")
def module():
    return arguments.load(PATH)


def test_it_is_the_paper_s_network_on_the_simulator_alone(module):
    recipe = module.recipe()
    assert isinstance(recipe, Recipe)
    assert recipe.task.config == config.ttnet(compute_dtype="bfloat16")
    assert isinstance(recipe.data, Simulation)
    assert recipe.data == module.simulation()
    assert set(recipe.data.rigs) == set(camera.RIGS)
    assert recipe.data.rigs.count("side") == len(recipe.data.rigs) // 2
    assert 0 < recipe.data.ramp_batches < sum(module.STEPS)
    assert recipe.data.sizes == module.SIZES
    assert recipe.data.fps == module.RATES
    assert 0 < recipe.task.loss.hardest < 1


def test_a_canvas_fits_into_every_size(module):
    canvas = module.recipe().task.sample.canvas_hw
    for height, width in module.SIZES:
        assert canvas[0] <= height
        assert canvas[1] <= width


def test_three_phases_and_averaged_parameters(module):
    recipe = module.recipe()
    assert [phase.steps for phase in recipe.phases] == list(module.STEPS)
    assert recipe.ema_decay is not None
    shapes = jax.eval_shape(
        recipe.task.config.model.init,
        jax.random.key(0),
        recipe.task.config.abstract_inputs(),
    )
    heads = {name.split("_")[0] for name in shapes["params"]}
    assert {"global", "local", "events", "masks"} <= heads


def test_it_goes_into_checkpoints(module):
    recipe = module.recipe()
    assert registry.decode(registry.encode(recipe)) == recipe
