"""A nano DeepSportLab from a simulated basketball court: ball, masks and poses.

Command: `python -m ttjax.train train/deepsportlab_sim.py`. Hardware: 2 cores of an AMD
EPYC. Time, 2026-11-28, with `--phases.0.minutes 5`: 8 minutes in all, 394 steps on
2,000 scenes, far from the end of what it learns. Scores on 200 pictures of eight unseen
arenas, 95 % intervals over pictures; the best constant has a bDQ of .021 and 0 else:

| | score |
|---|---|
| pSQ, pDQ | .611 (.604 to .618), .340 (.308 to .374) |
| bDQ | .012 (.001 to .027) |
| pEQ, AP as published and as defined | .365, .005 |
| joints, COCO's AP | .000 |

Masks come first. The ball's share of the loss is a hundredth of the parts', and it has
not been learnt yet. The time that is set here, ten minutes, was not yet run.
"""

import pathlib
from typing import Any

from ttjax.deepsportlab import config
from ttjax.deepsportlab.augmentation import Augment
from ttjax.deepsportlab.decoder import Decoder
from ttjax.deepsportlab.losses import Released
from ttjax.deepsportlab.task import Task
from ttjax.losses.weighting import Sum
from ttjax.pipeline.cache import Cached
from ttjax.recipe import Adam, Cosine, Phase, Recipe
from ttjax.sim.court_data import CourtSimulation

PLAYERS = 16


def recipe() -> Recipe:
    """Renders a cache of scenes once, then trains on it, mirrored and recoloured.

    Scored on 200 pictures of eight arenas that no training picture shows.
    """
    court: Any = CourtSimulation(players=PLAYERS)
    task = Task(
        config=config.nano(players=PLAYERS),
        loss=Released(),
        teach_covered=False,
        augmentation=Augment(moved=0.0, joint_jitter_px=0.0),
        decoder=Decoder(players=PLAYERS, sources=256, queries=64),
    )
    return Recipe(
        task=task,
        data=Cached(
            court,
            samples=2000,
            minutes=2.0,
            validation_samples=64,
        ),
        phases=(
            Phase(steps=None, minutes=10.0, learning_rate=4e-3, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/deepsportlab_sim"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-4, clip_norm=5.0),
        batch_size=8,
        steps_per_epoch=200,
    )
