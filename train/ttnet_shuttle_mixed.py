"""`ttnet_shuttle` with simulated rallies among the real clips: what they are worth.

Command: `python -m ttjax.train train/ttnet_shuttle_mixed.py --data DIR`, DIR as there.
The sport, the cameras and the ball differ, so what is learnt from the simulator is to
follow a small fast thing. Everything but the data is the same, the time too. The
weights saw real clips and never ship.

Hardware: 2 cores of an AMD EPYC with AVX-512, nothing else running. Time, 2026-11-28:
20 minutes in all, 17 of them training, 3,082 steps; `ttnet_shuttle` made 2,965 on the
same machine. What is gained in the third hall is within the intervals over its 7 clips:

| local stage | mixed | real clips alone |
|---|---|---|
| PCK@5 | .691 (.626 to .747) | .704 (.639 to .757) |
| PCK@10 | .757 (.689 to .810) | .768 (.700 to .826) |
| presence | .854 (.799 to .906) | .827 (.759 to .888) |
| false presence | .558 (.466 to .656) | .660 (.570 to .711) |

Where the ball is, is found no better; whether there is one, perhaps a little.
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
