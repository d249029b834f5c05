import importlib.util
import pathlib

import pytest

from ttjax import registry
from ttjax.pipeline.clips import TrackNetClips
from ttjax.recipe import Recipe

PATH = pathlib.Path(__file__).parents[2] / "train" / "ttnet_shuttle.py"


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("ttnet_shuttle", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_trains_both_ball_stages_and_nothing_else(module, tmp_path):
    recipe = module.recipe(tmp_path)
    assert isinstance(recipe, Recipe)
    assert set(recipe.task.loss_terms) == {"ball_global", "ball_local"}
    assert recipe.task.config.ball_frames == 1
    assert recipe.task.sample.canvas_hw is not None


def test_the_test_hall_is_not_trained_on(module, tmp_path):
    data = module.recipe(tmp_path).data
    assert isinstance(data, TrackNetClips)
    assert data.root == tmp_path
    assert not set(data.train_groups) & set(data.test_groups)


def test_it_goes_into_checkpoints(module, tmp_path):
    recipe = module.recipe(tmp_path)
    assert registry.decode(registry.encode(recipe)) == recipe


def test_real_clips_fit_it(module, real_data):
    recipe = module.recipe(real_data / "shuttle")
    assert [len(recipe.data.entries(s)) for s in ("train", "test")] == [20, 7]
