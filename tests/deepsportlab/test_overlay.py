import dataclasses

import numpy as np

from tests.deepsportlab import answers
from ttjax.deepsportlab import overlay
from ttjax.deepsportlab.guess import Guess
from ttjax.media import draw


def test_found_and_true_are_drawn_where_they_are():
    scene, found = answers.scene(), answers.right()
    (drawn,) = overlay.pictures(scene, found, stride=answers.STRIDE, ball_threshold=0.5)
    factor = -(-overlay.LEAST_WIDTH // answers.HW[1])
    assert drawn.shape == (answers.HW[0] * factor, answers.HW[1] * factor, 3)
    changed = (drawn != 90).any(axis=-1)
    assert changed[20 * factor, 28 * factor]
    assert not changed[60 * factor, 40 * factor]
    radius = round(12 * draw.scale(drawn))
    ring = drawn[32 * factor - radius, 46 * factor]
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


def test_true_masks_are_outlined_and_matches_have_their_oks():
    scene, found = answers.scene(), answers.right()
    (drawn,) = overlay.pictures(scene, found, stride=answers.STRIDE, ball_threshold=0.5)
    factor = -(-overlay.LEAST_WIDTH // answers.HW[1])
    assert tuple(drawn[45 * factor, 12 * factor]) == overlay.LABEL
    assert tuple(drawn[45 * factor, 30 * factor - 1]) == overlay.LABEL
    lost = dataclasses.replace(found, present=found.present & False)
    (alone,) = overlay.pictures(scene, lost, stride=answers.STRIDE, ball_threshold=0.5)
    top = (slice(0, 11 * factor), slice(60 * factor, 80 * factor))
    assert (drawn[top] != alone[top]).any()
