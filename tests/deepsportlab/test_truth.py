import cv2
import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax import scenes
from ttjax.deepsportlab.truth import BOX_SHARE, MARGIN_M, Truth, on_court_of
from ttjax.samples import VISIBLE


def labels():
    ids = np.zeros((2, 6, 8), np.uint8)
    ids[0, 1:3, 1:4] = 1
    ids[0, 4, 4] = scenes.BALL_ID
    ids[0, 5, :] = scenes.IGNORED
    ids[0, 0, 7] = 2  # a row that is no player
    return scenes.SceneLabels(
        ids=ids,
        masks_known=np.array([True, False]),
        players=np.array([[True, False, False], [True, True, False]]),
        crowd=np.array([[False, True, False], [False, False, False]]),
        box_px=np.tile(np.array([1.0, 1, 4, 3], np.float32), (2, 3, 1)),
        joints_px=np.full((2, 3, 17, 2), 2.0, np.float32),
        joint_state=np.full((2, 3, 17), 2, np.int8),
        joints_known=np.array([True, True]),
        ball_xy_px=np.array([[4.5, 4.5], [0, 0]], np.float32),
        ball_state=np.array([VISIBLE, 0], np.int8),
        ball_diameter_px=np.array([2.0, 0], np.float32),
    )


def test_labels_become_truth_in_source_px():
    got = Truth.of_labels(labels(), 0, scale=(2.0, 3.0))
    assert got.ids is not None
    assert got.ids[1, 1] == 1
    assert got.ids[4, 4] == 0, "the ball is no player"
    assert got.ids[5, 3] == 255
    assert got.ids[0, 7] == 255, "nor is a crowd"
    np.testing.assert_allclose(got.box_px[0], [2, 3, 8, 9])
    np.testing.assert_allclose(got.joints_px[0, 0], [4, 6])
    np.testing.assert_allclose(got.ball_xy_px, [9, 13.5])
    np.testing.assert_allclose(got.ball_diameter_px, 2 * np.sqrt(6))
    assert got.to_source == (2.0, 3.0)
    np.testing.assert_allclose(got.area_px[0], 6 * 6, err_msg="6 pixels of 2 x 3")
    assert Truth.of_labels(labels(), 1).ids is None


def test_a_joint_without_a_place_is_not_labelled():
    given = labels()
    given.joints_px[0, 0, 3] = np.nan
    got = Truth.of_labels(given, 0)
    assert got.joint_state[0].tolist() == [2, 2, 2, 0] + [2] * 13
    assert np.isfinite(got.joints_px).all()


def test_without_a_mask_the_area_is_a_share_of_the_box():
    got = Truth.of_labels(labels(), 1).area_px
    np.testing.assert_allclose(got, BOX_SHARE * 6)


def test_four_points_come_from_joints_where_they_are_not_annotated():
    joints = np.zeros((2, 17, 2))
    joints[:, 3], joints[:, 4], joints[:, 11], joints[:, 12] = 1, 3, 10, 12
    joints[:, 15], joints[:, 16] = 20, 30
    state = np.full((2, 17), 2, np.int8)
    state[1, [3, 16]] = 0
    points, known = pictures.truth(joints=joints, state=state).four_points()
    np.testing.assert_allclose(points[0, :, 0], [2, 11, 20, 30])
    np.testing.assert_allclose(points[1, 0], 3.0)
    np.testing.assert_array_equal(known, [[True] * 4, [True, True, True, False]])
    given = pictures.truth(joints=joints, points_px=np.ones((2, 4, 2)))
    np.testing.assert_array_equal(given.four_points()[0], 1.0)
    assert given.four_points()[1].all()


def test_ids_are_looked_up_where_the_pixels_of_another_map_stand():
    ids = np.arange(5 * 7, dtype=np.int32).reshape(5, 7)
    truth = pictures.truth(ids)
    np.testing.assert_array_equal(truth.sampled((5, 7), (1.0, 1.0)), ids)
    every = truth.sampled((3, 4), (2.0, 2.0), stride=2)
    np.testing.assert_array_equal(every, ids[::2, ::2])
    # A map of half the size: its pixel centres lie on corners of four source pixels.
    half: np.ndarray = truth.sampled((2, 3), (2.0, 2.0))  # pyright: ignore
    np.testing.assert_array_equal(half, ids[1::2, 1::2])
    beyond: np.ndarray = truth.sampled((6, 8), (1.0, 1.0))  # pyright: ignore
    np.testing.assert_array_equal(beyond[:5, :7], ids)
    assert (beyond[5] == 255).all()
    assert (beyond[:, 7] == 255).all()
    assert pictures.truth(None).sampled((2, 2), (1.0, 1.0)) is None


def test_labels_are_looked_up_exactly_at_any_scale():
    known = labels()
    for scale in (1.0, 1 / 3, 2.5336927):
        truth = Truth.of_labels(known, 0, scale=(scale, scale))
        got = truth.sampled((3, 4), (2 * scale, 2 * scale), stride=2)
        assert truth.ids is not None
        np.testing.assert_array_equal(got, truth.ids[::2, ::2])


def camera():
    """Beside the court, 12 m away and 6 m up, and turned down to its middle."""
    position = np.array([14.0, -27.0, 6.0])
    forward = np.array([14.0, -7.5, 0.0]) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return scenes.CourtCamera(
        size_hw=np.array([480, 640], np.int32),
        matrix=np.array([[500.0, 0, 320], [0, 500.0, 240], [0, 0, 1]]),
        rotation=rotation,
        translation=-rotation @ position,
        distortion=np.array([-0.1, 0.01, 0.001, -0.001, 0.0]),
        lines_m=np.array([0.0, -15.0, 28.0, 0.0]),
    )


def seen(made, points_m):
    """By OpenCV, whose pixels are named by their centres."""
    matrix = made.matrix.copy()
    matrix[:2, 2] -= 0.5
    turn, _ = cv2.Rodrigues(made.rotation)
    points = np.asarray(points_m, np.float64).reshape(-1, 3)
    xy, _ = cv2.projectPoints(points, turn, made.translation, matrix, made.distortion)
    return xy.reshape(-1, 2) + 0.5


@pytest.mark.parametrize("height_m", [0.1, 0.5])
def test_the_court_ends_a_hand_beyond_its_lines(height_m):
    made = camera()
    on_court = on_court_of(made)
    within, beyond = MARGIN_M - 0.02, MARGIN_M + 0.02
    x = np.linspace(8, 20, 5)
    for y, inside in ((-15 - within, True), (-15 - beyond, False)):
        points = np.stack([x, np.full(5, y), np.full(5, height_m)], axis=1)
        assert (on_court(seen(made, points), height_m) == inside).all()
    for y, inside in ((within, True), (beyond, False)):
        points = np.stack([x, np.full(5, y), np.full(5, height_m)], axis=1)
        assert (on_court(seen(made, points), height_m) == inside).all()
    # The same pixel of the far side line is beside the court for what is higher up.
    (line,) = seen(made, [14.0, -15.05, 0.1])
    assert on_court(line[None], 0.1).all()
    assert not on_court(line[None], 0.5).any()
    assert on_court_of(made, margin_m=1.0)(line[None], 0.5).all()


def test_above_the_horizon_there_is_no_court():
    on_court = on_court_of(camera())
    sky = np.array([[320.0, -400.0], [320.0, 1.0], [1e7, -1e7], [-1e9, 1e9]])
    assert not on_court(sky, 0.1).any()
    assert on_court(np.array([[[320.0, 240.0]]]), 0.1).shape == (1, 1)
    # A camera that looks level: rays along the floor meet it nowhere.
    made = camera()
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    made = made.replace(  # pyright: ignore[reportAttributeAccessIssue]
        rotation=level,
        translation=-level @ np.array([14.0, -27.0, 6.0]),
        distortion=np.zeros(5),
    )
    pixels = np.array([[320.0, 240.0], [320.0, 200.0], [320.0, 400.0]])
    assert on_court_of(made)(pixels, 0.1).tolist() == [False, False, True]


def test_labels_in_source_px_become_truth_as_they_are():
    plain = Truth.of_source(scenes.SourceLabels(labels()), 0)
    assert plain.points_px is None
    assert plain.on_court is None
    want = Truth.of_labels(labels(), 0)
    np.testing.assert_array_equal(plain.ids, want.ids)
    np.testing.assert_array_equal(plain.box_px, want.box_px)
    made = camera()
    fields = {name: np.stack([value] * 2) for name, value in vars(made).items()}
    points = np.arange(48, dtype=np.float32).reshape(2, 3, 4, 2)
    known = np.array([[True, False, False], [True, True, False]])
    given = scenes.SourceLabels(labels(), points, known, scenes.CourtCamera(**fields))
    got = Truth.of_source(given, 1)
    where, there = got.four_points()
    np.testing.assert_array_equal(where, points[1])
    np.testing.assert_array_equal(there, np.tile(known[1][:, None], 4))
    assert got.on_court is not None
    middle = seen(made, [14.0, -7.5, 0.1])
    assert got.on_court(middle, 0.1).tolist() == [True]
