import cv2
import numpy as np
import pytest

from ttjax.formats import picture_file

RGB = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)


def test_png_keeps_every_bit():
    np.testing.assert_array_equal(
        picture_file.decode_rgb(picture_file.encode_png(RGB), "a"), RGB
    )
    small = RGB[..., 0]
    np.testing.assert_array_equal(
        picture_file.decode_map(picture_file.encode_png(small), "a"), small
    )
    large = small.astype(np.uint16) * 257
    np.testing.assert_array_equal(
        picture_file.decode_map16(picture_file.encode_png(large), "a"), large
    )


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_damaged_files_are_refused_by_name(ending):
    _, data = cv2.imencode(ending, RGB)
    data = data.tobytes()
    picture_file.check_whole(data, "x")
    assert picture_file.decode_rgb(data, "x").shape == RGB.shape
    middle = len(data) // 2
    with pytest.raises(picture_file.PictureError, match="x"):
        picture_file.decode_rgb(data[:middle], "x")
    with pytest.raises(picture_file.PictureError, match="neither"):
        picture_file.decode_rgb(b"GIF89a", "x")


def test_a_png_with_one_wrong_bit_is_refused():
    data = bytearray(picture_file.encode_png(RGB))
    data[len(data) // 2] ^= 1
    with pytest.raises(picture_file.PictureError, match="checksums"):
        picture_file.decode_rgb(bytes(data), "x")


def test_maps_of_another_depth_are_refused():
    png = picture_file.encode_png(RGB[..., 0])
    with pytest.raises(picture_file.PictureError, match="16 bits"):
        picture_file.decode_map16(png, "x")
    with pytest.raises(picture_file.PictureError, match="8 bits"):
        picture_file.decode_map(picture_file.encode_png(RGB), "x")
