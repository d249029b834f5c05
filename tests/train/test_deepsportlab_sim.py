import pathlib

import jax
import pytest

from ttjax import registry
from ttjax.recipe import Recipe
from ttjax.sim.court_data import CourtSimulation
from ttjax.train import arguments

PATH = pathlib.Path(__file__).parents[2] / "train" / "deepsportlab_sim.py"


@pytest.fixture(scope="module")
def recipe():
    return arguments.load(PATH).recipe()


def test_it_trains_every_head_on_a_court_with_room_for_all(recipe):
    terms = ("parts", "centre", "ball", "semantic", "offset")
    assert recipe.task.loss_terms == terms == tuple(recipe.weighting.weights)
    court = recipe.data.data
    assert isinstance(court, CourtSimulation)
    assert court.people[1] <= court.players == recipe.task.config.players
    assert recipe.task.decoder.players == court.players
    assert isinstance(recipe, Recipe)
    assert registry.decode(registry.encode(recipe)) == recipe


def test_the_table_is_of_200_pictures_of_the_network_s_size(recipe):
    court = recipe.data.data
    assert court.test_recordings * court.scenes == 200
    assert court.source_hw == recipe.task.config.image_hw
    shapes = jax.tree.leaves(recipe.task.spec(recipe.batch_size))
    assert all(leaf.shape[0] == recipe.batch_size for leaf in shapes)
