import dataclasses

import numpy as np

from tests.deepsportlab import answers
from ttjax.deepsportlab import overlay
from ttjax.deepsportlab.guess import Guess


def test_found_and_true_are_drawn_where_they_are():
    scene, found = answers.scene(), answers.right()
    (drawn,) = overlay.pictures(scene, found, stride=answers.STRIDE, ball_threshold=0.5)
    factor = -(-overlay.LEAST_WIDTH // answers.HW[1])
    assert drawn.shape == (answers.HW[0] * factor, answers.HW[1] * factor, 3)
    changed = (drawn != 90).any(axis=-1)
    assert changed[20 * factor, 28 * factor]
    assert not changed[60 * factor, 40 * factor]
    ring = drawn[26 * factor, 46 * factor]
    assert np.abs(ring.astype(int) - overlay.FOUND).max() < 60


def test_without_labels_only_findings_are_drawn():
    scene = dataclasses.replace(answers.scene(), labels=None)
    found = answers.right(ball_score=0.1)
    (drawn,) = overlay.pictures(scene, found, stride=answers.STRIDE, ball_threshold=0.5)
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3)}
    assert overlay.LABEL not in colours
    guess = Guess.of_predictions(found, 0, stride=answers.STRIDE)
    alone = overlay.picture(np.asarray(scene.image[0]), guess, None, ball_threshold=0.5)
    np.testing.assert_array_equal(alone, drawn)
    assert overlay.FOUND in colours
