import pathlib

from ttjax import registry
from ttjax.pipeline.cache import Cached
from ttjax.sim import camera
from ttjax.sim.data import Simulation
from ttjax.train import arguments

PATH = pathlib.Path(__file__).parents[2] / "train" / "ttnet_sim_nano.py"


def test_a_nano_of_every_camera_from_the_simulator_alone():
    recipe = arguments.load(PATH).recipe()
    assert isinstance(recipe.data, Cached)
    assert isinstance(recipe.data.data, Simulation)
    assert set(recipe.data.data.rigs) == set(camera.RIGS)
    assert recipe.data.data.variety == 1.0
    assert set(recipe.task.loss_terms) == set(recipe.task.config.heads)
    canvas = recipe.task.sample.canvas_hw
    assert all(canvas[0] <= h and canvas[1] <= w for h, w in recipe.data.data.sizes)
    assert registry.decode(registry.encode(recipe)) == recipe
