import dataclasses
import functools
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.deepsportlab.answers import STILL
from ttjax.deepsportlab.augmentation import Augment, mirrored, moved
from ttjax.geometry import affine
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import (
    BALL_ID,
    IGNORED,
    MIRRORED,
    SEEN,
    UNLABELLED,
    Scene,
    SceneLabels,
)

H, W, N, K = 97, 129, 3, 17
VALID = np.array([H - 17, W - 9], np.int32)
FILL = (124, 116, 104)
DOT = np.array([70.2, 40.6], np.float32)
BALL = np.array([30.3, 55.7], np.float32)
moved_jitted = jax.jit(moved)


def blob(xy, sigma=2.5):
    y, x = np.mgrid[:H, :W] + 0.5
    return np.exp(-((x - xy[0]) ** 2 + (y - xy[1]) ** 2) / (2 * sigma**2))


def scene() -> Scene:
    """A red dot at a joint, a green one at the ball, and masks around both."""
    image = np.zeros((H, W, 3), np.uint8)
    image[..., 0] = np.round(250 * blob(DOT))
    image[..., 1] = np.round(250 * blob(BALL))
    ids = np.zeros((H, W), np.uint8)
    ids[blob(DOT) > 0.2] = 1
    ids[blob(BALL) > 0.2] = BALL_ID
    ids[10:20, 90:110] = IGNORED
    joints_px = np.zeros((N, K, 2), np.float32)
    joints_px[0, 5] = DOT
    joints_px[0, 9] = DOT + np.array([0, 20])
    state = np.full((N, K), UNLABELLED, np.int8)
    state[0, [5, 9]] = SEEN
    box = [[*(DOT - 6), *(DOT + 6)], [90, 10, 110, 20], [0, 0, 0, 0]]
    labels = SceneLabels(
        ids=ids,
        masks_known=np.array(True),
        players=np.array([True, False, False]),
        crowd=np.array([False, True, False]),
        box_px=np.array(box, np.float32),
        joints_px=joints_px,
        joint_state=state,
        joints_known=np.array(True),
        ball_xy_px=BALL,
        ball_state=np.array(VISIBLE, np.int8),
        ball_diameter_px=np.array(5, np.float32),
    )
    made = Scene(
        image=image, valid_hw=VALID, labels=labels, to_source=np.full(2, 2, np.float32)
    )
    return jax.tree.map(jnp.asarray, made)


SCENE: Any = scene()


def to_view(scale, angle_deg, corner):
    """As large, turned as far and cut where a draw may: `corner` in the scaled px."""
    crop = affine.stretch(jnp.full(2, scale), -jnp.array(corner, jnp.float32))
    turn = affine.turn(jnp.deg2rad(angle_deg), jnp.array([W / 2, H / 2]))
    return affine.compose(turn, crop)


def middle(values, near, reach):
    """Centre of mass of what is near a point: edges of the picture are not."""
    y, x = np.mgrid[:H, :W] + 0.5
    close = (abs(x - near[0]) < reach) & (abs(y - near[1]) < reach)
    values = np.where(close, values, 0).astype(float)
    values = np.where(values > 0.05 * values.max(), values, 0)
    return np.array([(x * values).sum(), (y * values).sum()]) / values.sum()


def plain(result) -> types.SimpleNamespace:
    return types.SimpleNamespace(**jax.device_get(vars(result)))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("angle", [-8.0, 0.0, 8.0])
@pytest.mark.parametrize(
    ("scale", "corner"), [(0.4, (-40, -30)), (1.0, (0, 0)), (2.0, (35, 40))]
)
def test_dots_and_masks_are_where_their_labels_say(scale, corner, angle, flip):
    after, covered = moved_jitted(SCENE, to_view(scale, angle, corner), flip)
    labels, image = plain(after.labels), np.asarray(after.image)
    joint = MIRRORED[5] if flip else 5
    known = np.asarray(covered)[..., None] * image.astype(float)
    shown, reach = 0, 1 + 7 * scale
    for colour, label, name, state in (
        (0, labels.joints_px[0, joint], 1, labels.joint_state[0, joint]),
        (1, labels.ball_xy_px, BALL_ID, labels.ball_state),
    ):
        assert state == (SEEN if colour == 0 else VISIBLE)
        inside = ((label > 16) & (label < np.array([W, H]) - 16)).all()
        if inside:
            shown += 1
            np.testing.assert_allclose(
                middle(known[..., colour], label, reach), label, atol=0.5
            )
            mask = middle(labels.ids == name, label, reach)
            np.testing.assert_allclose(mask, label, atol=0.5 * max(scale, 1.0))
            area = (labels.ids == name).sum() / (SCENE.labels.ids == name).sum()
            np.testing.assert_allclose(area, scale**2, rtol=0.3)
    assert shown
    assert set(np.unique(labels.ids)) <= {0, 1, BALL_ID, IGNORED}
    np.testing.assert_allclose(labels.ball_diameter_px, 5 * scale, rtol=1e-5)
    np.testing.assert_allclose(after.to_source, 1)


def test_what_is_not_covered_is_background_and_plain():
    after, covered = moved_jitted(SCENE, to_view(0.4, 8.0, (-20, -20)), False)
    away = ~np.asarray(covered)
    np.testing.assert_allclose(covered.sum(), 0.4**2 * np.prod(VALID), rtol=0.02)
    assert (np.asarray(after.image)[away] == np.array(FILL)).all()
    assert (np.asarray(after.labels.ids)[away] == 0).all()
    np.testing.assert_array_equal(after.valid_hw, [H, W])
    # No pixel of the padding, whose colour is another, came along.
    np.testing.assert_array_less(np.asarray(after.image)[~away][:, 2], 105)


def test_without_a_map_only_the_padding_changes():
    after, covered = moved_jitted(SCENE, to_view(1.0, 0.0, (0, 0)), False)
    inside = np.zeros((H, W), bool)
    inside[: VALID[0], : VALID[1]] = True
    np.testing.assert_array_equal(covered, inside)
    np.testing.assert_array_equal(
        np.asarray(after.image)[inside], np.asarray(SCENE.image)[inside]
    )
    np.testing.assert_array_equal(after.labels.ids, SCENE.labels.ids)
    np.testing.assert_allclose(
        after.labels.joints_px, SCENE.labels.joints_px, atol=1e-5
    )
    np.testing.assert_allclose(
        after.labels.box_px[:2], SCENE.labels.box_px[:2], atol=1e-4
    )


@pytest.mark.parametrize("flip", [False, True])
def test_a_mirror_alone_is_the_map_that_changes_nothing_else(flip):
    still = affine.stretch(jnp.ones(2), jnp.zeros(2))
    want, want_covered = jax.jit(moved)(SCENE, still, jnp.array(flip))
    found, covered = jax.jit(mirrored)(SCENE, jnp.array(flip))
    np.testing.assert_array_equal(covered, want_covered)
    jax.tree.map(np.testing.assert_array_equal, found, want)


def test_mirrored_twice_is_nothing():
    same = affine.stretch(jnp.ones(2), jnp.zeros(2))
    full = dataclasses.replace(SCENE, valid_hw=jnp.array([H, W], jnp.int32))
    once, _ = moved_jitted(full, same, True)
    np.testing.assert_array_equal(once.image, full.image[:, ::-1])
    np.testing.assert_array_equal(once.labels.joint_state[0, [6, 10]], SEEN)
    assert once.labels.joint_state[0, 5] == UNLABELLED
    np.testing.assert_allclose(
        once.labels.box_px[0], [W - DOT[0] - 6, DOT[1] - 6, W - DOT[0] + 6, DOT[1] + 6]
    )
    twice, _ = moved_jitted(once, same, True)
    for got, expected in zip(
        jax.tree.leaves(twice.labels), jax.tree.leaves(full.labels), strict=True
    ):
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_what_leaves_the_view_is_no_longer_labelled():
    after, _ = moved_jitted(SCENE, to_view(2.0, 0.0, (125, 90)), False)
    labels = plain(after.labels)
    # The joint at (70, 41) is cut off, the one 20 px lower is still there.
    assert labels.joint_state[0, 5] == UNLABELLED
    assert labels.joint_state[0, 9] == SEEN
    assert labels.ball_state == ABSENT
    assert not labels.crowd[1]  # its box is above the view
    assert labels.players[0]
    unknown = dataclasses.replace(
        SCENE,
        labels=dataclasses.replace(SCENE.labels, ball_state=jnp.int8(UNKNOWN)),
    )
    after, _ = moved_jitted(unknown, to_view(2.0, 0.0, (125, 90)), False)
    assert after.labels.ball_state == UNKNOWN


def test_boxes_of_players_keep_their_size_and_those_of_crowds_hold_their_corners():
    view = to_view(0.9, 8.0, (-5, -5))
    after, _ = moved_jitted(SCENE, view, False)
    player, crowd = np.asarray(after.labels.box_px)[:2]
    np.testing.assert_allclose(player[2:] - player[:2], 12 * 0.9, rtol=1e-4)
    centre = affine.apply(view, jnp.array(DOT))
    np.testing.assert_allclose((player[:2] + player[2:]) / 2, centre, atol=1e-3)
    corners = jnp.array([[90.0, 10], [110, 10], [90, 20], [110, 20]])
    at = np.asarray(affine.apply(view, corners))
    np.testing.assert_allclose(crowd, [*at.min(0), *at.max(0)], atol=1e-3)


@functools.partial(jax.jit, static_argnames="augment")
def drawn(keys, augment):
    return jax.lax.map(lambda key: augment.one(key, SCENE), keys)


def test_nothing_is_changed_where_all_is_off():
    out = STILL.one(jax.random.key(0), SCENE)
    jax.tree.map(np.testing.assert_array_equal, out, SCENE)


def test_draws_stay_in_their_ranges_and_look_at_players_and_ball():
    out = drawn(jax.random.split(jax.random.key(0), 80), Augment(hue_deg=36.0))
    labels = plain(out.labels)
    scale = labels.ball_diameter_px / 5
    assert 0.4 <= scale.min() < 0.55
    assert 1.6 < scale.max() <= 2.0
    at = np.median(scale)
    assert 0.75 < at < 1.1  # log-uniform: the median is the geometric mean, 0.89
    seen = (labels.joint_state == SEEN).any(axis=-1)[:, 0]
    assert seen.mean() > 0.7
    assert (labels.ball_state == VISIBLE).mean() > 0.6
    side = labels.joint_state[seen][:, 0, [5, 9]] == SEEN
    assert 0.3 < side.any(-1).mean() < 0.7  # the others are mirrored
    grey = (np.ptp(np.asarray(out.image, int), axis=-1) == 0).all((1, 2))
    assert grey.mean() < 0.1
    two = np.linalg.norm(labels.joints_px[:, 0, 9] - labels.joints_px[:, 0, 5], axis=-1)
    both = (labels.joint_state[:, 0][:, [5, 9]] == SEEN).all(-1)
    np.testing.assert_allclose(two[both], 20 * scale[both], atol=1.5)


def test_a_share_of_the_examples_is_moved_and_the_rest_keeps_its_padding():
    half = dataclasses.replace(STILL, moved=0.5)
    out = drawn(jax.random.split(jax.random.key(1), 30), half)
    same = np.isclose(out.labels.ball_diameter_px, 5)
    assert 0.2 < same.mean() < 0.8
    np.testing.assert_array_equal(out.valid_hw[same][0], VALID)
    np.testing.assert_array_equal(out.valid_hw[~same][0], [H, W])
    jitter = dataclasses.replace(STILL, joint_jitter_px=0.5, grayscale=1.0)
    out = drawn(jax.random.split(jax.random.key(2), 8), jitter)
    away = np.abs(out.labels.joints_px - SCENE.labels.joints_px[None])
    assert 0.3 < away.max() <= 0.5
    assert (np.ptp(np.asarray(out.image), axis=-1) == 0).all()


def test_ranges_and_shares_are_checked():
    with pytest.raises(ValueError, match="`rescale` is a range"):
        Augment(rescale=(2.0, 0.4))
    with pytest.raises(ValueError, match="`focus` holds the shares"):
        Augment(focus=(0.5, 0.5, 0.5))
