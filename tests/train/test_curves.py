import pathlib

import cv2
import numpy as np
import pytest

from ttjax.train import curves


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int(np.all(picture == np.array(colour, np.uint8), axis=-1).sum())


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3.2, 11.0), (0.0, 28_000.0), (1e-4, 3e-4)]
)
def test_ticks_are_round_and_inside(low, high):
    found = curves.ticks(low, high)
    assert 3 <= len(found) <= 8
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    steps = np.diff(found)
    np.testing.assert_allclose(steps, steps[0])
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9)
    assert min(abs(mantissa - m) for m in (1, 2, 5)) < 1e-6


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.25, "0.25"), (20_000, "20000"), (1e-4, "1e-4"), (2e6, "2e6")],
)
def test_labels_are_short(value, text):
    assert curves.label(float(value)) == text


def test_every_curve_is_drawn_in_its_colour():
    series = {
        "one": [(float(x), 1.0 + x / 10) for x in range(10)],
        "two": [(float(x), 3.0 - x / 10) for x in range(10)],
        "nothing": [(1.0, float("nan"))],
    }
    picture = curves.draw(series, title="loss", size_hw=(300, 400))
    assert picture.shape == (300, 400, 3)
    one, two, third = (has(picture, colour) for colour in curves.COLOURS_RGB[:3])
    assert one > 100
    assert two > 100
    assert third == 0


def test_a_rising_curve_rises():
    line = [(float(x), float(x)) for x in range(11)]
    picture = curves.draw({"a": line}, title="", size_hw=(300, 400))
    # The legend keeps to the right; the curve's left half is clear of it.
    rows, columns = np.nonzero(
        np.all(picture[:, :250] == np.array(curves.COLOURS_RGB[0]), axis=-1)
    )
    left, right = rows[columns < 120].mean(), rows[columns > 200].mean()
    assert right < left - 30


def test_wide_ranges_are_drawn_logarithmically():
    decay = [(float(x), 10.0 ** (-x / 2)) for x in range(11)]
    picture = curves.draw({"a": decay}, title="", size_hw=(300, 400))
    rows, columns = np.nonzero(
        np.all(picture[:, :300] == np.array(curves.COLOURS_RGB[0]), axis=-1)
    )
    fit = np.polyfit(columns, rows, 1)
    assert np.abs(np.polyval(fit, columns) - rows).max() < 3


@pytest.mark.parametrize("series", [{}, {"a": []}, {"a": [(5.0, 2.0)]}])
def test_little_data_is_no_error(series):
    assert curves.draw(series, title="loss").shape == (480, 800, 3)


def test_pictures_are_written_as_rgb(tmp_path: pathlib.Path):
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200
    curves.write(tmp_path / "a.png", picture)
    read = cv2.imread(str(tmp_path / "a.png"))
    assert read is not None
    np.testing.assert_array_equal(read[..., ::-1], picture)
    with pytest.raises(OSError, match="nowhere"):
        curves.write(tmp_path / "nowhere" / "a.png", picture)
