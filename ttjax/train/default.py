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
from ttjax.ttnet.task import Crops, Task


def recipe() -> Recipe:
    """Renders a cache of samples once, then trains on it for six minutes.

    The global stage learns first, with the masks, at half the cost of a whole step;
    its encoder and ball head then become those of the local stage, as in the paper, and
    all heads go on together. The crop is 192 px wide: what the local stage of a
    short run needs on a CPU.
    """
    task = Task(
        config=config.nano(crop_hw=(128, 192)),
        ball_radius_px=12.0,
        crops=Crops(forced_until=0.0, own_from=0.3),
        augmentation=Augment(channel=0.1),
        loss=Losses(
            sum_over_bins=True,
            subtract_entropy=True,
            ball_global=2.0,
            events=10.0,
            masks=10.0,
        ),
    )
    first = Phase(
        name="global",
        steps=None,
        minutes=2.2,
        learning_rate=2.5e-3,
        schedule=Cosine(floor=0.4),
        loss_terms=("ball_global", "masks"),
        freeze=("model/local_*", "model/events"),
    )
    second = Phase(
        name="all",
        steps=None,
        minutes=3.9,
        learning_rate=2.5e-3,
        schedule=Cosine(),
        copy={
            "model/global_encoder": "model/local_encoder",
            "model/global_ball": "model/local_ball",
        },
    )
    return Recipe(
        task=task,
        data=Cached(
            Simulation(seconds=5.0, test_recordings=5),
            samples=3000,
            minutes=1.25,
            validation_samples=96,
        ),
        phases=(first, second),
        out=pathlib.Path("runs/ttnet_nano"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-4, clip_norm=5.0),
        batch_size=8,
        steps_per_epoch=200,
    )
