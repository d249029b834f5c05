import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax.deepsportlab import coco_scores, scores
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.mask_precision import MaskPrecision


def table(pairs):
    measure = MaskPrecision()
    records = [measure.record(one) for one in pairs]
    return scores.entries(measure.statistics(records), len(records))


def test_true_masks_are_perfect_and_shifted_ones_are_not():
    ids = np.zeros((10, 10), np.uint8)
    ids[2:8, 2:5], ids[2:8, 6:9] = 1, 2
    truth = pictures.truth(ids, players=2)
    same = Comparison(truth, pictures.guess(ids, players=2))
    np.testing.assert_allclose(table([same])["masks/AP"]["value"], 1.0)
    # IoU 12 / 24 = 1/2: right at the lowest threshold alone.
    moved = pictures.guess(np.roll(ids, 2, axis=0), players=2)
    got = table([Comparison(truth, moved)])
    np.testing.assert_allclose(got["masks/AP"]["value"], 0.1)
    np.testing.assert_allclose(got["masks/AR"]["value"], 0.1)
    blind = Comparison(pictures.truth(None), moved)
    assert MaskPrecision().record(blind) is None


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_pycocotools_computes(seed):
    pytest.importorskip("pycocotools")
    rng = np.random.default_rng(seed)
    pairs = [pictures.pair(rng) for _ in range(12)]
    got, want = table(pairs), coco_scores.masks(pairs)
    np.testing.assert_allclose(got["masks/AP"]["value"], want["AP"], atol=1e-9)
    np.testing.assert_allclose(got["masks/AR"]["value"], want["AR"], atol=1e-9)
    assert 0.05 < want["AP"] < 0.9
