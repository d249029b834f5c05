"""The ball stages of a nano TTNet on real broadcast video of badminton.

Command: `python -m ttjax.train train/ttnet_shuttle.py --data DIR`, where DIR holds one
folder of clips per hall (`ttjax.formats.tracknet`): trained on odense and bangkok,
scored on jakarta. Hardware, time and scores: not yet run.
"""

import pathlib

from ttjax.losses.weighting import Sum
from ttjax.pipeline.clips import TrackNetClips
from ttjax.recipe import Adam, Cosine, Phase, Recipe, Scoring
from ttjax.ttnet import config
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Augment, Task


def recipe(data: pathlib.Path) -> Recipe:
    """Both ball stages, the ball predicted in every frame of the stack."""
    task = Task(
        config=config.nano(heads=("ball_global", "ball_local"), events=(), masks=()),
        loss=Losses(sum_over_bins=True, subtract_entropy=True),
        ball_radius_px=7.5,
        augmentation=Augment(brightness=0.3, contrast=0.3, channel=0.1),
    )
    return Recipe(
        task=task,
        data=TrackNetClips(
            data, train_groups=("odense", "bangkok"), test_groups=("jakarta",)
        ),
        phases=(
            Phase(steps=None, minutes=14.0, learning_rate=3e-3, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/ttnet_shuttle"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-2, clip_norm=5.0),
        steps_per_epoch=200,
        scoring=Scoring(overlays=1, baselines=True),
    )
