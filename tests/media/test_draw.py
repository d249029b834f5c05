import numpy as np
import pytest

from ttjax.media import draw

WHITE = (255, 255, 255)


def black(hw=(120, 160)):
    return np.zeros((*hw, 3), np.uint8)


def centroid(image):
    """Centre of light in continuous px, where pixel i spans [i, i + 1)."""
    light = image.sum(axis=-1).astype(float)
    rows, columns = np.indices(light.shape) + 0.5
    return np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()


@pytest.mark.parametrize("thickness", [2, -1])
@pytest.mark.parametrize("xy", [(60.0, 50.0), (60.5, 50.5), (61.3, 47.9), (80.9, 33.2)])
def test_the_centroid_of_a_circle_is_its_point(xy, thickness):
    image = draw.circle(black(), xy, 9, WHITE, thickness)
    np.testing.assert_allclose(centroid(image), xy, atol=0.1)


@pytest.mark.parametrize("xy", [(60.0, 50.0), (61.3, 47.9), (80.9, 33.2)])
def test_the_centroid_of_a_cross_is_its_point_which_it_leaves_open(xy):
    image = draw.cross(black(), xy, 12, WHITE)
    np.testing.assert_allclose(centroid(image), xy, atol=0.15)
    rows, columns = np.nonzero(image.any(axis=-1))
    far = np.abs(np.stack([columns, rows], axis=-1) + 0.5 - xy).max(axis=-1)
    assert far.min() > 4
    assert 11 < far.max() < 14


def test_an_outline_follows_the_border_of_a_class():
    classes = np.zeros((30, 40, 2), np.uint8)
    classes[10:20, 10:30, 1] = 1
    image = draw.outline(black(), classes, [(200, 0, 0), (0, 100, 0)])
    expected = black()
    expected[40:80, 40:120, 1] = 100
    expected[41:79, 41:119] = 0
    np.testing.assert_array_equal(image, expected)


def test_circles_at_borders_are_cut_not_moved():
    full = draw.circle(black((60, 60)), (2.25, 30.5), 8, WHITE)
    wide = draw.circle(black((60, 100)), (42.25, 30.5), 8, WHITE)
    assert np.abs(full.astype(int) - wide[:, 40:]).mean() < 0.5


def test_a_trail_joins_its_points_and_breaks_where_there_are_none():
    points = [np.array([20.0, 60.0]), np.array([60.0, 60.0]), None]
    points += [np.array([100.0, 60.0]), np.array([140.0, 60.0])]
    row = draw.trail(black(), points, WHITE)[57:63].max(axis=(0, 2))
    assert (row[22:58] > 40).all()
    assert not row[66:94].any()
    assert (row[104:138] > 40).all()
    assert row[120] > row[40]  # the newer the stronger


def test_trails_may_leave_the_frame():
    points = [np.array([-900.0, -50.0]), np.array([30.0, 40.0])]
    assert draw.trail(black(), points).any()
    assert not draw.trail(black(), [points[0], points[0]]).any()


def test_masks_are_blended_in_their_class_colours():
    classes = np.zeros((30, 40, 2), np.uint8)
    classes[:10, :, 0] = 1
    classes[20:, :, 1] = 1
    image = draw.mask(black(), classes, [(200, 0, 0), (0, 100, 0)], opacity=0.5)
    assert image[5, 80].tolist() == [100, 0, 0]
    assert image[60, 80].tolist() == [0, 0, 0]
    assert image[115, 80].tolist() == [0, 50, 0]


def test_bars_are_as_long_as_their_probabilities():
    colours = [(255, 0, 0), (0, 255, 0)]
    image = draw.bars(black((360, 640)), {"a": 1.0, "b": 0.5}, colours)
    full = (image == colours[0]).all(axis=-1).any(axis=0).sum()
    half = (image == colours[1]).all(axis=-1).any(axis=0).sum()
    assert half / full == pytest.approx(0.5, abs=0.03)
    assert not draw.bars(black(), {}).any()


def test_text_and_flashes_are_drawn():
    assert draw.text(black(), "7", (20, 60)).any()
    plate = draw.flash(black((360, 640)), "bounce", 1.0, (0, 0, 200), row=0)
    assert plate[:40, 540:].any()
    assert not plate[:, :400].any()
    faint = draw.flash(black((360, 640)), "bounce", 0.2, (0, 0, 200), row=0)
    assert faint.sum() < 0.5 * plate.sum()


def test_the_rim_of_a_long_line_lies_around_its_letters():
    ground = np.full((720, 640, 3), 128, np.uint8)
    image = draw.text(ground, "as long as a line can be", (20, 60), WHITE)
    ends = []
    for found in (image > 240, image < 60):
        columns = np.flatnonzero(found.all(axis=-1).any(axis=0))
        ends.append((columns.min(), columns.max()))
    (left, right), (first, last) = ends
    assert 0 <= left - first <= 3
    assert 0 <= last - right <= 3


def test_letters_follow_the_height_of_the_frame():
    assert draw.scale(black((1440, 16))) == 2
    assert draw.scale(black((720, 16))) == 1


def test_an_overlay_remembers_the_path_and_lets_events_fade():
    overlay = draw.Overlay(trail_frames=3, flash_frames=4)
    hw = (360, 640)
    first = overlay.draw(
        black(hw), 0, ball_xy_px=np.array([200.0, 200.0]), events=["net"]
    )
    assert first[194:207, 190:211].any()
    assert not first[199:202, 199:202].any()  # the ball itself stays to be seen
    plates = [int(first[:60, 500:].sum())]
    for number in range(1, 6):
        frame = overlay.draw(black(hw), number, ball_xy_px=np.array([300.0, 200.0]))
        plates.append(int(frame[:60, 500:].sum()))
        assert frame[200, 250].any() == (number < 3)
    assert all(np.diff(plates[:5]) < 0)
    assert plates[4] == plates[5] == 0


def test_an_overlay_copies_what_it_may_not_write():
    frame = black()
    frame.flags.writeable = False
    masks = np.ones((4, 4, 1), np.float32)
    drawn = draw.Overlay().draw(frame, 3, masks=masks, probabilities={"net": 0.4})
    assert drawn.any()
    assert not frame.any()


def test_positions_are_given_to_cv2_in_sixteenths_from_pixel_centres():
    assert draw.fixed((0.5, 10.5)) == (0, 160)
    assert draw.fixed((1.0, 3.25)) == (8, 44)
    assert 2**draw.FRACTION_BITS == 16
