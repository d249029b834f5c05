"""The full network of the paper on OpenTTGames, from built records.

Commands, where VIDEOS holds the videos and their unpacked labels:

    python -m ttjax.datasets build openttgames --manual_dir VIDEOS --data_dir DIR
    python -m ttjax.train train/ttnet_openttgames.py --data DIR --videos VIDEOS
    python -m ttjax.evaluate runs/ttnet_openttgames

Without `--manual_dir` the first downloads them to DIR/downloads/openttgames. A trial of
a few minutes on a CPU, the same network with an eighth of the channels and one step a
phase: `--task.config.width 0.125 --phases.0.steps 1 --phases.1.steps 1
--phases.2.steps 1 --steps-per-epoch 1 --batch-size 2 --data.validation-samples 2`.

Trained as in section 6.1: first the global stage with the masks, then, from its
weights, the local stage with the events, then all of it. Each phase ends where its
validation loss stands still. With VIDEOS the finished run is scored on every frame of
the test videos. Every example is cropped and turned as there, and can be looked at:

    python -m ttjax.pipeline show out.png train/ttnet_openttgames.py --data DIR

The recordings are under CC BY-NC-SA 4.0, and so say the checkpoints: weights that saw
them are not for commercial use.

The full training was not yet run. The trial on six exported rallies (2,880 frames, 2
cores of an AMD EPYC, 2026-11-28): export 1 min 44 s, build 38 s, training with the
table of the test video 4 min 56 s, the table again 30 s.
"""

import pathlib

from ttjax.pipeline.stack_records import StackRecords
from ttjax.recipe import Phase, Recipe, Scoring
from ttjax.ttnet import config
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.task import Task

SAMPLES = 38_752
"""Training samples of the paper: an epoch, however many there are."""
BATCH_SIZE = 8
EPOCHS = 30
"""Of a phase at most."""


def recipe(data: pathlib.Path, videos: pathlib.Path | None = None) -> Recipe:
    """Three phases, in each of which all heads exist."""
    epoch = SAMPLES // BATCH_SIZE
    return Recipe(
        task=Task(
            # The recorded canvas, whole: a turned crop needs the room.
            config=config.ttnet(canvas_margin=(64, 36)),
            augmentation=Augment(affine=1.0, hue_deg=15.0),
        ),
        data=StackRecords(data, videos=videos),
        phases=(
            Phase(
                "global",
                steps=EPOCHS * epoch,
                loss_terms=("ball_global", "masks"),
                freeze=("model/local_*", "model/events"),
            ),
            Phase(
                "local",
                steps=EPOCHS * epoch,
                loss_terms=("ball_local", "events"),
                freeze=("model/global_*", "model/masks"),
                copy={"model/global_*": "model/local_*"},
            ),
            Phase("all", steps=EPOCHS * epoch),
        ),
        out=pathlib.Path("runs/ttnet_openttgames"),
        batch_size=BATCH_SIZE,
        steps_per_epoch=epoch,
        scoring=Scoring(overlays=1),
    )
