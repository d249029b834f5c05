"""A nano DeepSportLab from a simulated basketball court: ball, masks and poses.

Command: `python -m ttjax.train train/deepsportlab_sim.py`. Not yet run.
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
