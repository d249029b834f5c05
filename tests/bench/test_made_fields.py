from typing import Any

import numpy as np
import pytest

from bench import made_fields
from ttjax.scenes import BALL_ID

HW = (161, 161)


@pytest.fixture(scope="module")
def made():
    return made_fields.spread(np.random.default_rng(0), 4, HW, height_px=(50.0, 65.0))


def test_players_stand_apart_with_their_joints_on_their_masks(made):
    assert made.ids.shape == HW
    assert set(np.unique(made.ids)) == {0, 1, 2, 3, 4, BALL_ID}
    assert made.visible.mean() > 0.9
    y, x = np.mgrid[: HW[0], : HW[1]] + 0.5
    for row in range(4):
        mask = made.ids == row + 1
        assert made.area_px[row] == mask.sum() > 500
        np.testing.assert_allclose(
            made.centre_px[row], [x[mask].mean(), y[mask].mean()]
        )
        for k in np.flatnonzero(made.visible[row]):
            j, i = np.floor(made.joints_px[row, k]).astype(int)
            assert mask[i, j]
    np.testing.assert_array_equal(made.box_px[:, :2], made.joints_px.min(1))
    np.testing.assert_array_equal(made.box_px[:, 2:], made.joints_px.max(1))
    j, i = np.floor(made.ball_px).astype(int)
    assert made.ids[i, j] == BALL_ID


def test_who_stands_lower_is_in_front():
    foot, height = np.array([[60.0, 130.0], [64.0, 120.0]]), np.array([90.0, 90.0])
    rng = np.random.default_rng(0)
    made = made_fields.standing(rng, foot, height, HW, ball_px=np.array([9.0, 9.0]))
    assert made.area_px[0] > made.area_px[1]
    assert made.visible[0].all()
    assert not made.visible[1].all()


def test_a_point_is_known_to_the_cells_of_its_patch():
    """The hand case (100, 52) px: cells x 11 to 14, y 5 to 8, of stride 8."""
    known, vector, scale = made_fields.pif(
        np.array([[100.5, 52.5]]), np.array([2.0]), (20, 20), 8
    )
    assert set(zip(*np.nonzero(known), strict=True)) == {
        (i, j) for i in range(5, 9) for j in range(11, 15)
    }
    for i in range(5, 9):
        for j in range(11, 15):
            np.testing.assert_allclose(vector[i, j], (12.5 - j, 6.5 - i))
    assert (scale[known > 0] == 2.0).all()


def test_of_two_patches_a_cell_keeps_the_nearer_point():
    points = np.array([[80.5, 80.5], [104.5, 80.5]])
    known, vector, scale = made_fields.pif(points, np.array([9.0, 9.0]), (20, 20), 8)
    for i, j in np.argwhere(known > 0):
        cell = np.array([j, i]) * 8 + 0.5
        aimed = cell + vector[i, j] * 8
        nearest = points[np.hypot(*(points - cell).T).argmin()]
        np.testing.assert_allclose(aimed, nearest)
    np.testing.assert_allclose(scale[known > 0], 24 / 8 / 4)


def test_fields_point_to_the_truth(made):
    outputs: Any = made_fields.fields(made)
    assert outputs.parts.confidence.shape == (1, 21, 21, 17)
    assert outputs.semantic.shape == (1, 81, 81, 3)
    coarse = made.ids[::2, ::2].astype(int)
    classes = np.where(coarse == BALL_ID, 2, np.minimum(coarse, 1))
    np.testing.assert_array_equal(outputs.semantic[0].argmax(-1), classes)
    for i, j in np.argwhere(classes == 1):
        dy, dx = outputs.offset[0, i, j]
        aimed = (2 * j + 0.5 + 2 * dx, 2 * i + 0.5 + 2 * dy)
        np.testing.assert_allclose(aimed, made.centre_px[coarse[i, j] - 1], atol=1e-3)
    i, j = np.argwhere(outputs.ball.confidence[0, ..., 0] > 0).T
    aimed = np.stack([j, i], 1) * 8 + 0.5 + 8 * outputs.ball.vector[0, i, j, 0]
    np.testing.assert_allclose(aimed, np.tile(made.ball_px, (len(i), 1)), atol=1e-3)
    np.testing.assert_allclose(
        np.exp(outputs.ball.log_scale[0, i, j, 0]), 0.2, rtol=1e-5
    )


def test_noise_is_that_of_its_generator(made):
    one: Any = made_fields.fields(made, noise=np.random.default_rng(1))
    two: Any = made_fields.fields(made, noise=np.random.default_rng(1))
    np.testing.assert_array_equal(one.parts.vector, two.parts.vector)
    clean: Any = made_fields.fields(made)
    missed = one.parts.vector - clean.parts.vector
    assert missed.std() == pytest.approx(0.05, rel=0.05)


def test_inputs_are_of_the_picture(made):
    got = made_fields.inputs(made, to_source=(2.0, 3.0))
    assert got.image.shape == (1, *HW, 3)
    np.testing.assert_array_equal(got.valid_hw, [HW])
    np.testing.assert_array_equal(got.to_source, [[2.0, 3.0]])


def test_the_body_is_coco_s():
    assert made_fields.UPRIGHT.shape == (17, 2)
    assert made_fields.SIGMAS.shape == (17,)
    joints = {j for limb in made_fields.LIMBS for j in limb[:2]}
    assert joints <= set(range(17))


def test_nobody_has_empty_fields():
    none = made_fields.standing(
        np.random.default_rng(0), np.zeros((0, 2)), np.zeros(0), HW
    )
    outputs: Any = made_fields.fields(none)
    assert (outputs.parts.confidence < 0).all()
    assert (outputs.centre.confidence < 0).all()
    assert isinstance(none, made_fields.Players)
