"""The nano network on simulated rallies of every camera, on a CPU.

Command: `python -m ttjax.train train/ttnet_sim_nano.py`; the weights it ends with ship
as `ttnet-sim-nano`. Hardware: 2 cores of an AMD EPYC with AVX-512, nothing else
running; without AVX-512 a third of the steps were made in as long. Time, 2026-11-28: 44
minutes, 3 of them for 9,000 samples; 35,793 steps. Scores, camera by camera: its model
card, made from `python -m bench.rigs ttnet-sim-nano`.
"""

import dataclasses
import pathlib

from ttjax.pipeline.cache import Cached
from ttjax.recipe import Cosine, Phase, Recipe
from ttjax.train import arguments, default
from ttjax.ttnet.augmentation import Augment

RATES = (25.0, 120.0)
"""Those of broadcasts, phones and OpenTTGames."""
FULL = pathlib.Path(__file__).with_name("ttnet_sim.py")


def recipe() -> Recipe:
    """The default, but of every camera, size and rate, and for longer.

    Samples are drawn once; the colours of each are changed at every step and half of
    them are mirrored.
    """
    made = default.recipe()
    simulation = arguments.load(FULL).simulation()
    colours = Augment(brightness=0.3, contrast=0.3, channel=0.2, hue_deg=40.0)
    return dataclasses.replace(
        made,
        task=dataclasses.replace(made.task, augmentation=colours),
        data=Cached(
            dataclasses.replace(
                simulation,
                fps=RATES,
                seconds=1.25,
                ramp_batches=0,
                stacks_per_hall=2,
            ),
            samples=9000,
            validation_samples=192,
        ),
        phases=(
            Phase(steps=None, minutes=40.0, learning_rate=4.5e-3, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/ttnet_sim_nano"),
        steps_per_epoch=2000,
        ema_decay=0.998,
    )
