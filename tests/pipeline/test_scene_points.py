import dataclasses

import cv2
import numpy as np
import pytest

from tests import made_scenes
from ttjax import scenes
from ttjax.formats import deepsport, scene_record
from ttjax.formats.deepsport_view import View
from ttjax.pipeline import scene_points, scene_views

SIZE = made_scenes.SIZE_HW


def player(x_cm, y_cm, **change):
    """Somebody who stands there."""
    head, hips, *feet = (
        np.array([x_cm + dx, y_cm, z])
        for dx, z in ((0.0, -180.0), (0.0, -100.0), (-40.0, 0.0), (40.0, 0.0))
    )
    made = deepsport.Player(head, hips, feet[0], feet[1], camera=1, team="A")
    return dataclasses.replace(made, **change)


def view(*players, step=1, **change):
    instant = dataclasses.replace(
        made_scenes.instants()[0], players=tuple(players), **change
    )
    return View(instant, 0, made_scenes.lens(), step)


def by_opencv(points_cm):
    """The same points by OpenCV, whose pixels are named by their centres."""
    lens = made_scenes.lens()
    matrix = lens.matrix.copy()
    matrix[:2, 2] -= 0.5
    turn, _ = cv2.Rodrigues(lens.rotation)
    xy, _ = cv2.projectPoints(
        points_cm.reshape(-1, 3), turn, lens.translation, matrix, lens.distortion
    )
    return xy.reshape(-1, 4, 2) + 0.5


def picture(seen, boxes, *, crowd=(), masks=True):
    """A picture with people whose masks are boxes."""
    n = len(boxes)
    ids = np.zeros(SIZE, np.uint8)
    for row, (x0, y0, x1, y1) in enumerate(boxes):
        ids[y0:y1, x0:x1] = scenes.IGNORED if row in crowd else row + 1
    crowds = np.isin(np.arange(n), crowd)
    joints = np.zeros((n, 17, 2), np.float32)
    joints[:, :, 0] = np.arange(n)[:, None]
    facts = scene_record.Facts(
        name="arena/1/x",
        group="arena",
        size_hw=np.array(SIZE, np.int32),
        masks_known=masks,
        players=~crowds,
        crowd=crowds,
        box_px=np.array(boxes, np.float32).reshape(n, 4),
        joints_px=joints,
        joint_state=np.full((n, 17), 2, np.int8),
        joints_known=False,
        ball_xy_px=np.zeros(2, np.float32),
        ball_state=scene_record.UNKNOWN,
        ball_diameter_px=0.0,
        about=seen if isinstance(seen, str) else seen.json(),
    )
    return scene_record.Picture(facts, np.zeros((*SIZE, 3), np.uint8), ids)


def around(xy):
    """A mask around four points, a little wider than they are."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    return (*np.floor(low - 1).astype(int), *np.ceil(high + 1).astype(int))


def test_points_are_projected_as_by_opencv():
    seen = view(player(1200, 500), player(1500, 700), player(9000, 0))
    got = scene_points.points_of(seen)
    want = by_opencv(seen.points_cm)[:2]
    np.testing.assert_allclose(got, want, atol=1e-6)
    assert ((got > 0) & (got < np.array(SIZE[::-1]))).all()
    halved = scene_points.points_of(dataclasses.replace(seen, step=2))
    np.testing.assert_allclose(halved, (want - 0.5) / 2 + 0.5, atol=1e-6)


def test_somebody_with_one_point_outside_of_the_picture_has_no_points():
    inside = player(1400, 750)
    foot = np.array([1400.0, 2600.0, 0.0])
    assert len(scene_points.points_of(view(inside))) == 1
    cut = player(1400, 750, foot2_cm=foot)
    assert not len(scene_points.points_of(view(cut)))


def test_annotated_players_come_first_with_their_masks():
    seen = view(player(1200, 500), player(1700, 500), player(1450, 900))
    first, second, third = by_opencv(seen.points_cm)
    boxes = [(0, 0, 6, 6), around(third), (50, 0, 60, 6), around(first)]
    given = picture(seen, boxes, crowd=(2,))
    got = scene_points.source_labels(given)
    scene = got.scene
    assert isinstance(got, scenes.SourceLabels)
    assert got.points_px is not None
    assert got.points_known is not None
    np.testing.assert_allclose(got.points_px[:3], [first, second, third], rtol=1e-5)
    assert got.points_known.tolist() == [True] * 3 + [False] * 2
    assert scene.players.tolist() == [True, True, True, True, False]
    assert scene.crowd.tolist() == [False] * 4 + [True]
    np.testing.assert_array_equal(scene.box_px[0], boxes[3])
    np.testing.assert_array_equal(scene.box_px[2:], [boxes[1], boxes[0], boxes[2]])
    # Without a mask of his own somebody is where his points are.
    np.testing.assert_allclose(
        scene.box_px[1], [*second.min(axis=0), *second.max(axis=0)], rtol=1e-5
    )
    assert not scene.joint_state[1].any()
    assert scene.joints_px[:, 0, 0].tolist() == [3, 0, 1, 0, 2]
    for row, old in ((0, 3), (2, 1), (3, 0)):
        np.testing.assert_array_equal(scene.ids == row + 1, given.ids == old + 1)
    assert not (scene.ids == 2).any()
    ignored = scenes.IGNORED
    np.testing.assert_array_equal(scene.ids == ignored, given.ids == ignored)


def test_the_man_behind_keeps_his_own_mask():
    """Of two who overlap each gets the mask that is most like him."""
    behind = np.array([[26.0, 12], [26, 20], [23, 28], [29, 28]])
    front = behind + np.array([2.0, 5.0])
    given = picture(view(), [around(behind), around(front)])
    labels = scene_views.labels_of(given)
    x, y = np.floor(behind).astype(int).T
    assert labels.ids[y, x].tolist() == [1, 2, 1, 2], "half of his are on the other's"
    order = [1, 0]
    points = np.stack([behind, front])
    assert scene_points.masks_of(points, labels).tolist() == [0, 1]
    assert scene_points.masks_of(points[order], labels).tolist() == order
    far = points + np.array([20.0, 0.0])
    assert scene_points.masks_of(far[:1], labels).tolist() == [-1]
    alike = scene_points.LEAST_ALIKE
    assert 0 < alike < 1


def test_views_without_masks_and_pictures_without_a_view():
    seen = view(player(1400, 750))
    got = scene_points.source_labels(picture(seen, [], masks=False))
    assert got.scene.players.tolist() == [True, False], "and the row that is empty"
    np.testing.assert_array_equal(got.points_known, [True, False])
    assert not got.scene.masks_known
    plain = picture("", [(3, 3, 9, 9)])
    got = scene_points.source_labels(plain)
    assert got.points_px is None
    assert got.court is None
    np.testing.assert_array_equal(got.scene.ids, plain.ids)
    nobody = scene_points.source_labels(picture(view(), [(3, 3, 9, 9)]))
    np.testing.assert_array_equal(nobody.points_known, [False])
    assert nobody.court is not None


def test_the_court_is_seen_as_the_calibration_says():
    seen = view()
    court = scene_points.court_of(seen)
    assert court is not None
    assert np.linalg.det(court.rotation) == pytest.approx(1)
    np.testing.assert_array_equal(court.lines_m, [0, -15, 28, 0])
    cm = np.array([300.0, 400.0, -50.0])
    metres = np.array([3.0, -4.0, 0.5])
    lens = made_scenes.lens()
    np.testing.assert_allclose(
        100 * (court.rotation @ metres + court.translation),
        lens.rotation @ cm + lens.translation,
    )
    assert scene_points.court_of(view(rules="streetball")) is None


def test_boxes_around_points_have_an_area():
    points = np.zeros((2, 4, 2))
    points[1, :, 0] = [1, 2, 3, 5]
    got = scene_points.boxes_around(points)
    np.testing.assert_array_equal(got, [[-0.5, -0.5, 0.5, 0.5], [1, -0.5, 5, 0.5]])


def test_what_cannot_be_read_or_is_too_much_is_named():
    with pytest.raises(ValueError, match="arena/1/x"):
        scene_points.source_labels(picture("{}", []))
    crowded = view(*[player(1400, 750)] * 254)
    with pytest.raises(ValueError, match=r"at most 253 people.*arena/1/x"):
        scene_points.source_labels(picture(crowded, [], masks=False))
