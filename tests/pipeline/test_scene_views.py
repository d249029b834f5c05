import dataclasses

import numpy as np
import pytest

from tests import made_scenes
from ttjax import scenes
from ttjax.formats import scene_record
from ttjax.pipeline import scene_views
from ttjax.pipeline.scene_views import View
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import SceneSpec

BOXES = ((4, 8, 16, 40), (40, 6, 52, 30), (54, 30, 64, 48))
"""Two players and a crowd."""


@pytest.fixture
def picture():
    boxes = np.array(BOXES, np.float32)
    masks = [made_scenes.box_mask(*box) for box in BOXES]
    ball = made_scenes.box_mask(24, 20, 28, 24)
    joints = np.repeat(boxes[:, None, :2], 17, axis=1) + np.arange(17)[:, None] * 0.5
    state = np.full((3, 17), scenes.SEEN, np.int8)
    state[2] = scenes.UNLABELLED
    facts = scene_record.Facts(
        name="a",
        group="",
        size_hw=np.array([48, 64], np.int32),
        masks_known=True,
        players=np.array([True, True, False]),
        crowd=np.array([False, False, True]),
        box_px=boxes,
        joints_px=joints.astype(np.float32),
        joint_state=state,
        joints_known=True,
        ball_xy_px=np.array([26, 22], np.float32),
        ball_state=VISIBLE,
        ball_diameter_px=4.0,
    )
    ids = scene_record.paint((48, 64), [1, 2, 255, 254], [*masks, ball])
    scene_record.check(facts)
    return scene_record.Picture(facts, made_scenes.picture(0), ids)


def shown(picture, view, spec):
    """The scene of a view, and its labels."""
    scene = scene_views.show(picture, view, spec)
    assert scene.labels is not None
    return scene, scene.labels


def centre(ids, value):
    rows, columns = np.nonzero(ids == value)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def test_a_picture_that_fits_is_padded_and_nothing_else(picture):
    spec = SceneSpec((64, 80), players=5)
    view = scene_views.whole((48, 64), spec)
    assert view == View((0, 0), (48, 64), (48, 64))
    scene, labels = shown(picture, view, spec)
    np.testing.assert_array_equal(scene.image[:48, :64], picture.image)
    assert not scene.image[48:].any()
    assert not scene.image[:, 64:].any()
    assert scene.valid_hw.tolist() == [48, 64]
    np.testing.assert_array_equal(labels.ids[:48, :64], picture.ids)
    assert labels.players.tolist() == [True, True, False, False, False]
    assert labels.crowd.tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(labels.box_px[:3], picture.facts.box_px)
    np.testing.assert_array_equal(labels.joints_px[:2], picture.facts.joints_px[:2])
    assert labels.ball_xy_px.tolist() == [26, 22]


def test_scenes_have_the_shapes_that_their_spec_says(picture):
    import jax

    spec = SceneSpec((33, 33), players=4)
    scene = scene_views.show(picture, scene_views.whole((48, 64), spec), spec)
    batch = jax.tree.map(lambda leaf: np.asarray(leaf)[None], scene)
    got = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), batch)
    wanted = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), spec.batch(1))
    assert got == wanted


@pytest.mark.parametrize(
    "view",
    [
        View((0, 0), (48, 64), (24, 32)),
        View((0, 4), (40, 60), (30, 45)),
        View((2, 0), (48, 60), (32, 64)),
    ],
)
def test_labels_move_with_pixels(picture, view):
    spec = SceneSpec((64, 80), players=3)
    _, labels = shown(picture, view, spec)
    for row, value in ((0, 1), (1, 2)):
        moved = view.move(centre(picture.ids, value))
        np.testing.assert_allclose(centre(labels.ids, value), moved, atol=0.6)
        box = labels.box_px[row]
        np.testing.assert_allclose(0.5 * (box[:2] + box[2:]), moved, atol=1e-4)
    moved = view.move(picture.facts.ball_xy_px)
    np.testing.assert_allclose(labels.ball_xy_px, moved)
    np.testing.assert_allclose(centre(labels.ids, scenes.BALL_ID), moved, atol=0.6)
    np.testing.assert_allclose(labels.ball_diameter_px, 4 * view.scale.prod() ** 0.5)


def test_the_image_is_averaged():
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, ::2] = 200
    facts = scene_record.Facts(
        name="a",
        group="",
        size_hw=np.array([48, 64], np.int32),
        masks_known=False,
        players=np.zeros(0, np.bool_),
        crowd=np.zeros(0, np.bool_),
        box_px=np.zeros((0, 4), np.float32),
        joints_px=np.zeros((0, 17, 2), np.float32),
        joint_state=np.zeros((0, 17), np.int8),
        joints_known=False,
        ball_xy_px=np.zeros(2, np.float32),
        ball_state=UNKNOWN,
        ball_diameter_px=0.0,
    )
    picture = scene_record.Picture(facts, image, np.zeros((48, 64), np.uint8))
    spec = SceneSpec((24, 32), players=2)
    scene, labels = shown(picture, scene_views.whole((48, 64), spec), spec)
    assert (scene.image == 100).all()
    assert labels.ball_state == UNKNOWN
    assert not labels.masks_known
    assert not labels.players.any()


def test_who_is_outside_is_left_out_and_rows_move_up(picture):
    spec = SceneSpec((32, 32), players=2)
    view = View((32, 0), (32, 32), (32, 32))
    _, labels = shown(picture, view, spec)
    assert labels.players.tolist() == [True, False]
    assert labels.crowd.tolist() == [False, True]
    # Boxes are not cut off: the crowd's goes on below.
    assert labels.box_px.tolist() == [[8, 6, 20, 30], [22, 30, 32, 48]]
    assert set(np.unique(labels.ids)) == {0, 1, scenes.IGNORED}
    assert labels.ball_state == ABSENT
    assert labels.ball_diameter_px == 0


def test_joints_outside_are_not_labelled(picture):
    spec = SceneSpec((32, 32), players=3)
    view = View((4, 10), (32, 32), (32, 32))
    _, labels = shown(picture, view, spec)
    inside = picture.facts.joints_px[0, :, 1] >= 10
    assert 0 < inside.sum() < 17
    np.testing.assert_array_equal(labels.joint_state[0] > 0, inside)
    assert not labels.joints_px[0][~inside].any()


def test_more_people_than_rows_are_refused_by_name(picture):
    spec = SceneSpec((48, 64), players=2)
    with pytest.raises(ValueError, match=r"'a' shows 3.*`players=3`"):
        scene_views.show(picture, scene_views.whole((48, 64), spec), spec)


def test_labels_of_a_picture_are_its_own(picture):
    labels = scene_views.labels_of(picture)
    np.testing.assert_array_equal(labels.ids, picture.ids)
    assert labels.players.shape == (3,)
    np.testing.assert_array_equal(labels.joint_state, picture.facts.joint_state)


@pytest.mark.parametrize("image_hw", [(33, 33), (17, 49), (97, 97)])
def test_drawn_views_lie_inside_and_are_never_enlarged(picture, image_hw):
    spec = SceneSpec(image_hw, players=3)
    rng, views = np.random.default_rng(0), []
    for _ in range(200):
        view = scene_views.drawn(rng, picture.facts, spec, zoom=2.0, near=0.5)
        (x, y), (h, w) = view.corner_xy, view.region_hw
        assert x >= 0
        assert y >= 0
        assert x + w <= 64
        assert y + h <= 48
        assert all(s <= i for s, i in zip(view.shown_hw, image_hw, strict=True))
        assert view.scale.max() <= 1 + 1e-6
        assert abs(view.scale[0] / view.scale[1] - 1) < 0.1
        views.append(view)
    fit = min(1, image_hw[0] / 48, image_hw[1] / 64)
    scales = np.array([view.scale.mean() for view in views])
    assert scales.min() >= 0.93 * fit
    assert scales.max() <= min(1.0, 2 * fit) * 1.07
    if fit < 1:
        assert len(set(views)) > 50


def test_views_near_people_show_somebody(picture):
    alone = dataclasses.replace(
        picture.facts, players=np.array([True, False, False]), ball_state=UNKNOWN
    )
    spec, rng = SceneSpec((16, 16), players=3), np.random.default_rng(0)
    middle = np.array([10, 24])
    shares = []
    for near in (0.0, 1.0):
        seen = 0
        for _ in range(200):
            view = scene_views.drawn(rng, alone, spec, zoom=4.0, near=near)
            moved = view.move(middle.astype(np.float32))
            seen += bool(((moved >= 0) & (moved <= view.shown_hw[::-1])).all())
        shares.append(seen / 200)
    assert shares[1] == 1
    assert shares[0] < 0.8
