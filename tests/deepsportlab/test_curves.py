import dataclasses

import jax.numpy as jnp
import numpy as np

from tests.deepsportlab import answers
from ttjax.deepsportlab import curves
from ttjax.deepsportlab.arrays import Outputs, Pif
from ttjax.deepsportlab.config import CLASSES


def outputs():
    """Heads that are on; only the semantic map is looked at: the labels themselves."""
    ids = answers.scene().labels.ids[:, :: answers.STRIDE, :: answers.STRIDE]
    classes = np.select([ids == 254, ids > 0], [2, 1], 0)
    field = Pif(
        confidence=jnp.zeros((1, 2, 2, 1)),
        vector=jnp.zeros((1, 2, 2, 1, 2)),
        log_spread=jnp.zeros((1, 2, 2, 1)),
        log_scale=jnp.zeros((1, 2, 2, 1)),
    )
    return Outputs(
        parts=field,
        centre=field,
        ball=field,
        semantic=jnp.asarray(np.eye(3, dtype=np.float32)[classes]),
        offset=jnp.zeros((1, *classes.shape[1:], 2)),
    )


def told(found, labels=None, **changes):
    made = curves.accumulators(
        dataclasses.replace(outputs(), **changes),
        found,
        labels or answers.scene().labels,
        classes=CLASSES,
        stride=answers.STRIDE,
    )
    return {name: float(one.compute()) for name, one in made.items()}


def test_right_answers_have_full_marks():
    assert told(answers.right()) == {
        "ball/within_8_px": 1.0,
        "masks/player_iou": 1.0,
        "players/miscounted": 0.0,
        "parts/within_8_px": 1.0,
    }


def test_each_mistake_shows_in_its_curve():
    found = answers.right()
    found = dataclasses.replace(
        found,
        ball_px=found.ball_px + 6.0,
        present=np.array([[True, False, False, False]]),
        joint_score=found.joint_score * np.array([1, 0, 0, 0])[None, :, None],
        joints_px=found.joints_px + np.float32(7.9) * np.array([1, 0], np.float32),
    )
    marks = told(found)
    assert marks["ball/within_8_px"] == 0.0
    assert marks["players/miscounted"] == 1.0
    assert marks["parts/within_8_px"] == 0.5


def test_what_is_not_known_counts_nothing():
    labels = answers.scene().labels
    labels = dataclasses.replace(
        labels,
        joints_known=np.array([False]),
        masks_known=np.array([False]),
        ball_state=np.array([-1], np.int8),
    )
    assert all(np.isnan(mark) for mark in told(answers.right(), labels).values())


def test_heads_that_are_off_have_no_curve():
    marks = told(answers.right(), parts=None, ball=None, offset=None)
    assert list(marks) == ["masks/player_iou"]
