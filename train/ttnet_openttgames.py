"""The full network of the paper on OpenTTGames, from built records.

Commands, where VIDEOS holds the videos beside their unpacked labels:

    python -m ttjax.datasets build openttgames --manual-dir VIDEOS --data_dir DIR
    python -m ttjax.train train/ttnet_openttgames.py --data DIR --videos VIDEOS

Trained as in section 6.1: first the global stage with the masks, then, from its
weights, the local stage with the events, then all of it. Each phase ends where its
validation loss stands still. With VIDEOS the finished run is scored on every frame of
the test videos.

The recordings are under CC BY-NC-SA 4.0, and so say the checkpoints: weights that saw
them are not for commercial use.

Not yet run.
"""

import pathlib

from ttjax.pipeline.stack_records import StackRecords
from ttjax.recipe import Phase, Recipe, Scoring
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
        task=Task(),
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
