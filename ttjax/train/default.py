"""The embedded default: a nano TTNet from simulated rallies, on a CPU, in ten minutes.

Command: `make train`. Hardware: 2 cores of an AMD EPYC, 2026-11-21. Time: 9 min 24 s,
install included, 1,392 steps. Scores on 3,000 untrimmed frames of five unseen rallies,
1920x1080, one seed:

| | reached | floor | best constant |
|---|---|---|---|
| PCK@10, global and local | .806, .941 | .95, .95: missed | .006 |
| presence, global and local | .821, .931 | .96, .96: missed | .859 |
| false presence, global and local | .024, .053 | at most .30 | 1 |
| IoU humans, table, scoreboard | .668, .933, .752 | .65, .88, .65 | .343, .744, .298 |
| F1@2 bounce, net | .932, .577 | .566, .549 | .131, .098 |

Local median error .93 px, RMSE over true positives 13.3 px; PCE .898 (constant .869).
The global stage still misses slow balls at a racket, and white on white.
"""

import pathlib

from ttjax.losses.weighting import Sum
from ttjax.pipeline.cache import Cached
from ttjax.recipe import Adam, Cosine, Phase, Recipe
from ttjax.sim.data import Simulation
from ttjax.ttnet import config
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Task


def recipe() -> Recipe:
    """Renders a cache of samples once, then trains on it for six minutes.

    The crop is 192 px wide: enough for what the global stage is off by, and a third
    less to compute than the paper's.
    """
    task = Task(
        config=config.nano(crop_hw=(128, 192)),
        ball_radius_px=12.0,
        augmentation=Augment(channel=0.1),
        loss=Losses(
            sum_over_bins=True,
            subtract_entropy=True,
            ball_global=2.0,
            events=8.0,
            masks=10.0,
        ),
    )
    return Recipe(
        task=task,
        data=Cached(
            Simulation(seconds=3.0, test_recordings=5),
            samples=3000,
            minutes=1.5,
            validation_samples=96,
        ),
        phases=(
            Phase(steps=None, minutes=6.0, learning_rate=2.5e-3, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/ttnet_nano"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-4, clip_norm=5.0),
        batch_size=8,
        steps_per_epoch=200,
    )
