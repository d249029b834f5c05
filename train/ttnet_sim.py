"""The full network of the paper on simulated rallies alone, rendered on the device.

Command: `python -m ttjax.train train/ttnet_sim.py`; the weights it ends with ship as
`ttnet-sim` (`python -m ttjax.weights publish runs/ttnet_sim ttnet-sim`). Hardware: one
GPU. Not yet run: no GPU was at hand.

No host data at all: a batch is rendered where it is trained on, one ahead of the step.
Every camera, size, rate and light of the simulator takes part; the halls begin plain
and reach their full variety after a third of the steps (`ramp_batches`). Trained as in
section 6.1, first the global stage with the masks, then from its weights the local one
with the events, then all of it, where the hardest half of every batch counts
(`Losses.hardest`). The averaged parameters (`ema_decay`) are what is kept.
"""

import pathlib

from ttjax.recipe import Cosine, Phase, Recipe, Scoring
from ttjax.sim import camera
from ttjax.sim.data import Simulation
from ttjax.ttnet import config
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Task

STEPS = (20_000, 20_000, 40_000)
"""Of the three phases."""
SIZES = ((1080, 1920), (720, 1280), (540, 960))
"""Of the source frames; the canvas of a training crop fits into the smallest."""
RATES = (25.0, 240.0)


def simulation() -> Simulation:
    """Every rig: half of the halls from the side, as OpenTTGames, a sixth broadcast."""
    others = (*(rig for rig in camera.RIGS if rig != "side"), "broadcast")
    sides = ("side",) * len(others)
    return Simulation(
        sizes=SIZES,
        rigs=sides + others,
        fps=RATES,
        variety=1.0,
        ramp_batches=sum(STEPS) // 3,
        seconds=1.5,
        test_recordings=6,
    )


def recipe(network: config.Config | None = None) -> Recipe:
    """Three phases, in each of which all heads exist.

    network: another network than the paper's, trained in the same way.
    """
    first, second, third = STEPS
    return Recipe(
        task=Task(
            config=network or config.ttnet(compute_dtype="bfloat16"),
            augmentation=Augment(hue_deg=15.0),
            loss=Losses(hardest=0.5),
        ),
        data=simulation(),
        phases=(
            Phase(
                "global",
                steps=first,
                loss_terms=("ball_global", "masks"),
                freeze=("model/local_*", "model/events"),
                schedule=Cosine(floor=0.3),
            ),
            Phase(
                "local",
                steps=second,
                loss_terms=("ball_local", "events"),
                freeze=("model/global_*", "model/masks"),
                copy={"model/global_*": "model/local_*"},
                schedule=Cosine(floor=0.3),
            ),
            Phase("all", steps=third, schedule=Cosine()),
        ),
        out=pathlib.Path("runs/ttnet_sim"),
        batch_size=64,
        steps_per_epoch=1000,
        ema_decay=0.999,
        scoring=Scoring(overlays=1),
    )
