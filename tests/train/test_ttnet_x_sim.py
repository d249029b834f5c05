import dataclasses
import pathlib

from ttjax import registry
from ttjax.train import arguments
from ttjax.ttnet.ball_heads import Marginal

FOLDER = pathlib.Path(__file__).parents[2] / "train"


def test_it_is_the_full_recipe_with_our_heads():
    made = arguments.load(FOLDER / "ttnet_x_sim.py").recipe()
    base = arguments.load(FOLDER / "ttnet_sim.py").recipe(made.task.config)
    assert dataclasses.replace(made, out=base.out) == base
    assert made.out != base.out
    assert made.task.config.event_ball
    assert isinstance(made.task.config.ball_head, Marginal)
    assert registry.decode(registry.encode(made)) == made
