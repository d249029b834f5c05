"""`ttnet_shuttle` with simulated rallies among the real clips: what they are worth.

Command: `python -m ttjax.train train/ttnet_shuttle_mixed.py --data DIR`, DIR as there.
The sport, the cameras and the ball differ, so what is learnt from the simulator is to
follow a small fast thing. Everything but the data is the same, the time too. The
weights saw real clips and never ship. Not yet run.
"""

import dataclasses
import pathlib

from ttjax.pipeline.cache import Cached
from ttjax.pipeline.mixed import Mixed, Part
from ttjax.recipe import Recipe
from ttjax.sim import camera
from ttjax.sim.data import Simulation
from ttjax.train import arguments

BASE = pathlib.Path(__file__).with_name("ttnet_shuttle.py")
SHARE = 0.25
"""Of the samples that are simulated."""


def recipe(data: pathlib.Path) -> Recipe:
    """Real clips first: validation and scores are theirs."""
    made: Recipe = arguments.load(BASE).recipe(data)
    simulated = Simulation(
        sizes=((720, 1280),), rigs=camera.RIGS, fps=(25.0, 60.0), variety=1.0
    )
    parts = (
        Part(made.data, 1.0 - SHARE, "shuttle"),
        Part(Cached(simulated, samples=2000, validation_samples=0), SHARE, "simulated"),
    )
    return dataclasses.replace(
        made, data=Mixed(parts), out=pathlib.Path("runs/ttnet_shuttle_mixed")
    )
