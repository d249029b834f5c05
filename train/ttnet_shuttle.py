"""The ball stages of a nano TTNet on real broadcast video of badminton.

Command: `python -m ttjax.train train/ttnet_shuttle.py --data DIR`, where DIR holds one
folder of clips per hall (`ttjax.formats.tracknet`): trained on odense and bangkok,
scored on jakarta. Hardware, time and scores: not yet run.
"""

import pathlib

from ttjax.losses.weighting import Sum
from ttjax.pipeline.clips import TrackNetClips
from ttjax.recipe import Adam, Cosine, Phase, Recipe
from ttjax.ttnet import config
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Task


def recipe(data: pathlib.Path) -> Recipe:
    """Both ball stages, the ball predicted in every frame of the stack."""
    task = Task(
        config=config.nano(heads=("ball_global", "ball_local"), events=(), masks=()),
        loss=Losses(sum_over_bins=True, subtract_entropy=True),
    )
    return Recipe(
        task=task,
        data=TrackNetClips(
            data, train_groups=("odense", "bangkok"), test_groups=("jakarta",)
        ),
        phases=(
            Phase(steps=None, minutes=20.0, learning_rate=3e-3, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/ttnet_shuttle"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-4, clip_norm=5.0),
        steps_per_epoch=200,
    )
