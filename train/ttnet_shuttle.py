"""The ball stages of a nano TTNet on real broadcast video of badminton.

Command: `python -m ttjax.train train/ttnet_shuttle.py --data DIR`, where DIR holds one
folder of clips per hall (`ttjax.formats.tracknet`): trained on odense and bangkok, the
checkpoint chosen on held-out clips of these two, scored on all of jakarta.

Hardware: 2 cores of an AMD EPYC with AVX-512, nothing else running. Time, 2026-11-28:
19 minutes in all, 17 of them training, 2,965 steps. Scores on 1,421 frames at 1280x720,
1,265 with a visible ball; 95 % intervals over 7 clips:

| | global | local | background subtraction | constant |
|---|---|---|---|---|
| PCK@5 | .603 (.520 to .681) | .704 (.639 to .757) | .345 | .001 |
| PCK@10 | .709 (.625 to .779) | .768 (.700 to .826) | .360 | .005 |
| median error, px | 3.7 (3.1 to 4.6) | 2.9 (2.6 to 3.2) | 134.5 | 143.0 |
| RMSE, px | 87.0 (60.9 to 112.7) | 83.6 (46.2 to 127.1) | 294.3 | 199.8 |
| presence | .846 (.776 to .904) | .827 (.759 to .888) | .749 | .890 |

What is missing is halls: on held-out clips of the two training halls local PCK@10 and
presence are .898. The third hall's floor is brighter, and the shuttle stands out less.
Steps help less: 1,038 of them, all that two cores without AVX-512 make in the same
time, gave local PCK@10 .733 and presence .813. `ttnet_shuttle_mixed.py` adds simulated
rallies.
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
