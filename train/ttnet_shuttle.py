"""The ball stages of a nano TTNet on real broadcast video of badminton.

Command: `python -m ttjax.train train/ttnet_shuttle.py --data DIR`, where DIR holds one
folder of clips per hall (`ttjax.formats.tracknet`): trained on odense and bangkok, the
checkpoint chosen on held-out clips of these two, scored on all of jakarta.

Measured with `--phases.0.minutes 14`, 2026-11-21. Hardware: 2 cores of an AMD EPYC,
which a test run shared for ten of these minutes. Time: 15 minutes in all, 1,219 steps.
Scores on 1,421 frames at 1280x720, 1,265 with a visible ball; 95 % intervals over 7
clips:

| | global | local | background subtraction | constant |
|---|---|---|---|---|
| PCK@5 | .248 (.211 to .277) | .659 (.578 to .719) | .345 | .001 |
| PCK@10 | .520 (.435 to .587) | .708 (.631 to .768) | .360 | .005 |
| RMSE, px | 63.2 (40.2 to 81.5) | 69.4 (38.5 to 103.0) | 294.3 | 199.8 |
| presence | .498 (.459 to .523) | .754 (.692 to .806) | .749 | .890 |

Loss and scores were still improving. The default length has not been run yet.
"""

import pathlib

from ttjax.losses.weighting import Sum
from ttjax.pipeline.clips import TrackNetClips
from ttjax.recipe import Adam, Cosine, Phase, Recipe, Scoring
from ttjax.ttnet import config
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Crops, Task


def recipe(data: pathlib.Path) -> Recipe:
    """Both ball stages, the ball predicted in every frame of the stack.

    Half of the examples are cropped and turned: two halls are few cameras. The global
    stage learns first, at less than half the cost of a whole step, and is then copied
    into the local one.
    """
    task = Task(
        config=config.nano(
            heads=("ball_global", "ball_local"),
            events=(),
            masks=(),
            canvas_margin=(64, 36),
        ),
        loss=Losses(sum_over_bins=True, subtract_entropy=True),
        ball_radius_px=9.0,
        crops=Crops(forced_until=0.0, own_from=0.5),
        augmentation=Augment(brightness=0.3, contrast=0.3, channel=0.1, affine=0.5),
    )
    first = Phase(
        name="global",
        steps=None,
        minutes=18.0,
        learning_rate=3e-3,
        schedule=Cosine(floor=0.3),
        loss_terms=("ball_global",),
        freeze=("model/local_*",),
    )
    second = Phase(
        name="both",
        steps=None,
        minutes=17.0,
        learning_rate=2.5e-3,
        schedule=Cosine(),
        copy={
            "model/global_encoder": "model/local_encoder",
            "model/global_ball": "model/local_ball",
        },
    )
    return Recipe(
        task=task,
        data=TrackNetClips(
            data, train_groups=("odense", "bangkok"), test_groups=("jakarta",)
        ),
        phases=(first, second),
        out=pathlib.Path("runs/ttnet_shuttle"),
        weighting=Sum(),
        optimizer=Adam(weight_decay=1e-2, clip_norm=5.0),
        steps_per_epoch=200,
        scoring=Scoring(overlays=1, baselines=True),
    )
