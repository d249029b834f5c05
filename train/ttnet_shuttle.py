"""The ball stages of a nano TTNet on real broadcast video of badminton.

Command: `python -m ttjax.train train/ttnet_shuttle.py --data DIR`, where DIR holds one
folder of clips per hall (`ttjax.formats.tracknet`): trained on odense and bangkok, the
checkpoint chosen on held-out clips of these two, scored on all of jakarta.

Hardware: 2 cores of an AMD EPYC, nothing else running. Time, 2026-11-28: 20 minutes in
all, 17 of them training, 1,038 steps. Scores on 1,421 frames at 1280x720, 1,265 with a
visible ball; 95 % intervals over 7 clips:

| | global | local | background subtraction | constant |
|---|---|---|---|---|
| PCK@5 | .501 (.441 to .566) | .669 (.603 to .723) | .345 | .001 |
| PCK@10 | .659 (.570 to .744) | .733 (.665 to .788) | .360 | .005 |
| median error, px | 5.0 (4.3 to 6.2) | 3.0 (2.8 to 3.4) | 134.5 | 143.0 |
| RMSE, px | 113.8 (73.0 to 151.4) | 97.7 (52.1 to 145.5) | 294.3 | 199.8 |
| presence | .809 (.724 to .879) | .813 (.729 to .883) | .749 | .890 |

What is missing is halls: on held-out clips of the two training halls local PCK@10 is
.867 and presence .883. The third hall's floor is brighter, and the shuttle stands out
less. With half of the training, less colour augmentation and a weight of 2 on a ball
that is there (7.5 minutes, 822 steps): local PCK@10 .711, presence .791.
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
    """Both ball stages, the ball predicted in the newest frame of the stack.

    Half of the examples are cropped and turned, the colours of all are changed widely:
    two halls are few cameras and floors. The global stage learns first, at less than
    half the cost of a whole step, and is then copied into the local one.
    """
    task = Task(
        config=config.nano(
            heads=("ball_global", "ball_local"),
            events=(),
            masks=(),
            event_ball=False,
            canvas_margin=(64, 36),
        ),
        loss=Losses(sum_over_bins=True, subtract_entropy=True, ball_positive=4.0),
        ball_radius_px=9.0,
        crops=Crops(forced_until=0.0, own_from=0.5),
        augmentation=Augment(
            brightness=0.35, contrast=0.35, channel=0.2, hue_deg=60.0, affine=0.5
        ),
    )
    first = Phase(
        name="global",
        steps=None,
        minutes=8.0,
        learning_rate=6e-3,
        schedule=Cosine(floor=0.3),
        loss_terms=("ball_global",),
        freeze=("model/local_*",),
    )
    second = Phase(
        name="both",
        steps=None,
        minutes=9.0,
        learning_rate=4e-3,
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
