"""The nano network on simulated rallies of every camera, on a CPU.

Command: `python -m ttjax.train train/ttnet_sim_nano.py`; the weights it ends with ship
as `ttnet-sim-nano`. Not yet run.
"""

import pathlib

from ttjax.losses.weighting import Sum
from ttjax.pipeline.cache import Cached
from ttjax.recipe import Adam, Cosine, Phase, Recipe, Scoring
from ttjax.sim import camera
from ttjax.sim.data import Simulation
from ttjax.ttnet import config
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Task


def recipe() -> Recipe:
    """As the default, but of every camera, size and rate, and for longer.

    Samples are drawn once; the colours of each are changed at every step and half of
    them are mirrored.
    """
    sides = ("side",) * (len(camera.RIGS) - 1)
    others = tuple(rig for rig in camera.RIGS if rig != "side")
    task = Task(
        config=config.nano(crop_hw=(128, 192)),
        ball_radius_px=8.0,
        augmentation=Augment(brightness=0.3, contrast=0.3, channel=0.2, hue_deg=40.0),
        loss=Losses(
            sum_over_bins=True,
            subtract_entropy=True,
            ball_at_share=0.7,
            ball_positive=4.0,
            ball_global=2.0,
            events=12.0,
            masks=18.0,
        ),
    )
    return Recipe(
        task=task,
        data=Cached(
            Simulation(
                sizes=((1080, 1920), (720, 1280), (540, 960)),
                rigs=sides + others,
                fps=(25.0, 240.0),
                variety=1.0,
                seconds=1.25,
                test_recordings=6,
            ),
            samples=6000,
            validation_samples=192,
        ),
        phases=(
            Phase(steps=None, minutes=30.0, learning_rate=6e-3, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/ttnet_sim_nano"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-4, clip_norm=5.0),
        batch_size=8,
        steps_per_epoch=500,
        ema_decay=0.998,
        scoring=Scoring(overlays=1),
    )
