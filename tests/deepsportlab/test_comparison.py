import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax.deepsportlab.comparison import Comparison, Measure, overlaps
from ttjax.deepsportlab.panoptic import PanopticQuality

TRUE = np.array([[1, 1, 0, 255], [1, 2, 2, 255]], np.uint8)
GUESS = np.array([[1, 1, 1, 1], [0, 2, 0, 1]], np.uint8)


def pair():
    return Comparison(pictures.truth(TRUE, players=3), pictures.guess(GUESS, players=2))


def test_overlaps_count_pixels_where_the_truth_is_known():
    got = overlaps(TRUE, GUESS, truths=3, guesses=2)
    for row, column in np.ndindex(4, 3):
        assert got[row, column] == np.sum((row == TRUE) & (column == GUESS))
    np.testing.assert_array_equal(pair().overlaps, got)
    np.testing.assert_array_equal(pair().unknown, [2, 0])


def test_iou_leaves_out_what_is_unknown():
    np.testing.assert_allclose(pair().iou, [[2 / 4, 0], [0, 1 / 2], [0, 0]])
    assert pair().visible.tolist() == [True, True, False]


def test_the_truth_is_compared_at_the_pixels_of_the_guess():
    big = np.kron(TRUE, np.ones((3, 3), np.uint8))
    one = Comparison(
        pictures.truth(big, players=3),
        pictures.guess(GUESS, players=2, to_source=(3.0, 3.0)),
    )
    np.testing.assert_array_equal(one.truth_ids, TRUE)
    np.testing.assert_allclose(one.iou, pair().iou)


def test_without_masks_there_is_nothing_to_compare():
    for one in (
        Comparison(pictures.truth(None), pictures.guess(GUESS, players=2)),
        Comparison(pictures.truth(TRUE, players=3), pictures.guess(None)),
    ):
        assert not one.has_masks
        with pytest.raises(ValueError, match="has_masks"):
            one.maps()
    assert pair().has_masks
    measure: Measure = PanopticQuality()
    assert measure.record(pair()) is not None
