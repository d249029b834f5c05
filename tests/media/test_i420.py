import numpy as np
import pytest

from ttjax.media import i420


def planes_of(height, width, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (height * 3 // 2, width), np.uint8)


def test_sizes_round_up_to_even():
    assert i420.even((5, 6)) == (6, 6)
    assert i420.even((4, 7)) == (4, 8)


def test_unpack_inverts_pack():
    planes = planes_of(6, 8)
    luma, u, v = i420.unpack(planes)
    assert luma.shape == (6, 8)
    assert u.shape == v.shape == (3, 4)
    np.testing.assert_array_equal(i420.pack(luma, u, v), planes)


def test_odd_sizes_repeat_the_last_row_and_column():
    luma = np.arange(15, dtype=np.uint8).reshape(3, 5)
    chroma = np.full((2, 3), 128, np.uint8)
    back, _, _ = i420.unpack(i420.pack(luma, chroma, chroma))
    np.testing.assert_array_equal(back[:3, :5], luma)
    np.testing.assert_array_equal(back[3, :5], luma[2])
    np.testing.assert_array_equal(back[:3, 5], luma[:, 4])


def test_conversion_is_bt601_of_limited_range():
    """The oracle is the formula of ITU-R BT.601, with its luma range 16..235."""
    luma, u, v = i420.unpack(np.clip(planes_of(4, 4, seed=1), 16, 235))
    rgb = i420.to_rgb(i420.pack(luma, u, v)).astype(int)
    full = np.kron(np.stack([u, v]), np.ones((1, 2, 2)))
    y = (luma.astype(float) - 16) * 255 / 219
    cb, cr = (full - 128) * 255 / 224
    red = y + 2 * (1 - 0.299) * cr
    blue = y + 2 * (1 - 0.114) * cb
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    expected = np.clip(np.stack([red, green, blue], axis=-1), 0, 255)
    assert np.abs(rgb - expected).max() <= 2


def test_planes_of_rgb_come_back_where_colour_is_constant():
    rgb = np.full((5, 7, 3), (180, 90, 40), np.uint8)
    back = i420.to_rgb(i420.from_rgb(rgb))[:5, :7]
    assert np.abs(back.astype(int) - rgb).max() <= 3


@pytest.mark.parametrize("xy", [(0, 0), (3, 2), (4, 5), (7, 7)])
@pytest.mark.parametrize("hw", [(4, 6), (5, 3), (1, 1)])
def test_a_region_has_the_bytes_of_the_whole(xy, hw):
    planes = planes_of(12, 16)
    (x, y), (h, w) = xy, hw
    whole = i420.to_rgb(planes)[y : y + h, x : x + w]
    np.testing.assert_array_equal(i420.region_to_rgb(planes, xy, hw), whole)


def test_regions_stay_inside():
    for xy in [(-2, 0), (14, 0), (0, 10)]:
        with pytest.raises(ValueError, match="lies inside"):
            i420.region_to_rgb(planes_of(12, 16), xy, (4, 4))


def test_other_arrays_are_no_planes():
    with pytest.raises(ValueError, match="even h and w"):
        i420.unpack(np.zeros((7, 4), np.uint8))


@pytest.mark.parametrize(("source_hw", "levels"), [((64, 96), 6), ((255, 383), 12)])
def test_a_small_picture_is_the_area_average_of_the_large_one(source_hw, levels):
    cv2 = pytest.importorskip("cv2")
    draw = np.random.default_rng(2)
    coarse = draw.integers(60, 190, (8, 12, 3)).astype(np.uint8)
    rgb = cv2.resize(coarse, source_hw[::-1], interpolation=cv2.INTER_CUBIC)
    planes = i420.from_rgb(rgb)
    small = i420.area_to_rgb(planes, source_hw, (16, 20))
    height, width = source_hw
    whole = np.ascontiguousarray(i420.to_rgb(planes)[:height, :width])
    expected = cv2.resize(whole, (20, 16), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected.astype(int)).max() <= levels
    assert np.abs(small.astype(int) - expected.astype(int)).mean() <= 1
