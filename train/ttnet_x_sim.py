"""Our own best network on simulated rallies alone: the paper's body, our heads.

Command: `python -m ttjax.train train/ttnet_x_sim.py`; the weights ship as
`ttnet-x-sim`, beside the paper's. Hardware: one GPU. Not yet run: no GPU was at hand.

The encoder is the paper's; ball positions come from marginal heads, which keep place
and learn many times faster than fully connected ones, in every frame of the stack, and
the event head sees them. Data, phases and steps are those of `ttnet_sim.py`.
"""

import dataclasses
import pathlib

from ttjax.recipe import Recipe
from ttjax.train import arguments
from ttjax.ttnet import config
from ttjax.ttnet.ball_heads import Marginal
from ttjax.ttnet.event_head import EventPool

BASE = pathlib.Path(__file__).with_name("ttnet_sim.py")


def recipe() -> Recipe:
    """`ttnet_sim` with another network in another folder."""
    network = config.ttnet(
        ball_head=Marginal(),
        event_head=EventPool(),
        event_ball=True,
        compute_dtype="bfloat16",
    )
    made: Recipe = arguments.load(BASE).recipe(network)
    return dataclasses.replace(made, out=pathlib.Path("runs/ttnet_x_sim"))
