import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ttjax.formats import rle

MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9))


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_decode_inverts_encode(mask):
    np.testing.assert_array_equal(rle.decode(rle.encode(mask), mask.shape), mask)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**30), min_size=1))
def test_lengths_inverts_text(runs):
    runs = np.array(runs, np.int64)
    np.testing.assert_array_equal(rle.lengths(rle.text(runs)), runs)


def test_columns_come_first_and_zeros_before_ones():
    mask = np.array([[0, 1], [1, 1], [0, 0]], np.bool_)
    written = {"size": [3, 2], "counts": [1, 1, 1, 2, 1]}
    np.testing.assert_array_equal(rle.decode(written, (3, 2)), mask)
    # By hand: 48 + 1, 1, 1, then 2 - 1 = 1, and 1 - 1 = 0.
    assert rle.encode(mask) == {"size": [3, 2], "counts": "11110"}


def test_long_and_negative_differences_by_hand():
    # 1000 = 31 * 32 + 8: its low five bits with + 32, then 31 whose sign bit is set,
    # and so one more group of zeros.
    assert rle.text(np.array([1000])) == chr(48 + 32 + 8) + chr(48 + 32 + 31) + "0"
    # The fourth is less than the second by 3: -3 is 29 of five bits.
    assert rle.text(np.array([0, 5, 0, 2]))[-1] == chr(48 + 29)


def test_pycocotools_writes_and_reads_the_same():
    theirs = pytest.importorskip("pycocotools.mask")
    draw = np.random.default_rng(0)
    for size in ((7, 5), (64, 80), (300, 211)):
        mask = draw.random(size) < draw.random()
        mask[: size[0] // 2] = False
        written = theirs.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert written["counts"].decode() == rle.encode(mask)["counts"]
        np.testing.assert_array_equal(rle.decode(written, size), mask)


@pytest.mark.parametrize(
    "written",
    [
        {"size": [2, 3], "counts": "06"},
        {"size": [3, 2], "counts": "07"},
        {"size": [3, 2], "counts": "0v"},
        {"size": [3, 2], "counts": "0 "},
        {"size": [3, 2], "counts": "0" + "o" * 12 + "0"},
        {"size": [3, 2], "counts": [1, "two"]},
        {"size": [3, 2], "counts": [7, -1]},
        {"size": [3, 2], "counts": None},
        {"counts": "06"},
    ],
)
def test_damaged_masks_are_refused(written):
    with pytest.raises(rle.MaskError):
        rle.decode(written, (3, 2))
