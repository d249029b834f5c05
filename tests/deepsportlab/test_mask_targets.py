import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import mask_targets
from ttjax.deepsportlab.mask_targets import (
    HEAT_SIGMA_PX,
    NO_CLASS,
    HeatTarget,
    MaskTarget,
)
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import BALL_ID, IGNORED, SceneLabels

H, W, N, STRIDE = 33, 49, 4, 2
RNG = np.random.default_rng(0)
CLASSES = ("background", "player", "ball")


def labels(**changes) -> SceneLabels:
    """Two players, one in front of the other, a crowd, a ball and somebody unseen."""
    ids = np.zeros((H, W), np.uint8)
    ids[4:20, 5:15] = 1
    ids[10:28, 11:21] = 3
    ids[2:8, 30:40] = 2  # a crowd that was drawn with its own row
    ids[20:24, 30:36] = IGNORED
    ids[25:28, 40:43] = BALL_ID
    fields = {
        "ids": ids,
        "masks_known": np.bool_(True),
        "players": np.array([True, False, True, True]),
        "crowd": np.array([False, True, False, False]),
        "box_px": np.zeros((N, 4), np.float32),
        "joints_px": np.zeros((N, 17, 2), np.float32),
        "joint_state": np.zeros((N, 17), np.int8),
        "joints_known": np.bool_(True),
        "ball_xy_px": np.array([41.5, 26.5], np.float32),
        "ball_state": np.int8(VISIBLE),
        "ball_diameter_px": np.float32(3),
    }
    return SceneLabels(**jax.tree.map(jnp.asarray, fields | changes))


VALID = jnp.array([H, W], jnp.int32)


@functools.partial(jax.jit, static_argnames="classes")
def masks(some: SceneLabels, classes=CLASSES, valid=VALID) -> MaskTarget:
    centre, _ = mask_targets.visible_centres(jnp.asarray(some.ids), N)
    return mask_targets.encode_masks(
        some, valid, centre, classes=classes, stride=STRIDE
    )


@pytest.mark.parametrize("players", [1, 4, 253])
def test_centres_are_the_means_of_what_is_seen(players):
    ids = RNG.choice([0, 1, 2, 4, 253, BALL_ID, IGNORED], (H, W)).astype(np.uint8)
    centre, count = jax.jit(mask_targets.visible_centres, static_argnums=1)(
        jnp.array(ids), players
    )
    for row in range(players):
        y, x = np.nonzero(ids == row + 1)
        assert count[row] == len(x)
        if len(x):
            np.testing.assert_allclose(
                centre[row], [x.mean() + 0.5, y.mean() + 0.5], rtol=1e-6
            )
        else:
            np.testing.assert_array_equal(centre[row], 0)


def test_both_ways_of_counting_agree():
    ids = jnp.array(RNG.integers(0, 256, (H, W)).astype(np.uint8))
    got = [
        jax.jit(tally, static_argnums=1)(ids, 253)
        for tally in (mask_targets.tally_in_turn, mask_targets.tally_at_once)
    ]
    np.testing.assert_array_equal(*got)


def test_every_pixel_has_the_class_and_the_centre_of_what_is_on_top():
    some = labels()
    got = types.SimpleNamespace(**jax.device_get(vars(masks(some))))
    ids, classes = np.asarray(some.ids), {0: 0, 1: 1, 3: 1, BALL_ID: 2}
    for i in range(0, H, STRIDE):
        for j in range(0, W, STRIDE):
            here = int(ids[i, j])
            at = i // STRIDE, j // STRIDE
            assert got.semantic[at] == classes.get(here, NO_CLASS)
            assert got.offset_known[at] == (here in (1, 3))
            if here in (1, 3):
                y, x = np.nonzero(ids == here)
                expected = (y.mean() - i) / STRIDE, (x.mean() - j) / STRIDE
                np.testing.assert_allclose(got.offset[at], expected, atol=1e-5)
            else:
                np.testing.assert_array_equal(got.offset[at], 0)
    assert got.labelled


def test_padding_is_background_whatever_is_written_there():
    got = masks(labels(), valid=jnp.array([21, 33], jnp.int32))
    inside = np.zeros(got.semantic.shape, bool)
    inside[:11, :17] = True
    assert (np.asarray(got.semantic)[~inside] == 0).all()
    assert not np.asarray(got.offset_known)[~inside].any()


def test_without_masks_nothing_is_taught():
    got = masks(labels(masks_known=np.bool_(False)))
    assert (got.semantic == NO_CLASS).all()
    assert not got.labelled
    assert not got.offset_known.any()


@pytest.mark.parametrize(
    ("state", "drawn", "known"),
    [
        (VISIBLE, True, True),
        (VISIBLE, False, False),
        (ABSENT, False, True),
        (UNKNOWN, False, False),
    ],
)
def test_a_map_of_the_ball_is_known_where_the_ball_is(state, drawn, known):
    some = labels(ball_state=np.int8(state))
    if not drawn:
        ids = jnp.where(some.ids == BALL_ID, 0, some.ids).astype(jnp.uint8)
        some = dataclasses.replace(some, ids=ids)
    got = masks(some, classes=("background", "ball"))
    assert got.labelled == known
    assert (np.asarray(got.semantic) == 1).any() == (drawn and known)
    assert (np.asarray(got.semantic) == 0).any() == known
    # Beside players an undrawn ball leaves a hole of its size.
    both = np.asarray(masks(some).semantic)[12:15, 19:23]
    expected = {(True, VISIBLE): 2, (False, VISIBLE): NO_CLASS}.get((drawn, state), 0)
    assert (both == expected).any()
    assert both[2, 0] == 0


def test_a_heat_map_is_one_at_a_centre_and_known_but_where_nobody_is_told_apart():
    some = labels()
    centre = jnp.array([[12.5, 10.5], [9.0, 9.0], [40.0, 20.0], [0.0, 0.0]])
    present = jnp.array([True, False, True, False])
    got: HeatTarget = mask_targets.encode_heat(
        some, VALID, centre, present, stride=STRIDE
    )
    y, x = np.mgrid[0:H:STRIDE, 0:W:STRIDE] + 0.5
    each = [
        np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * HEAT_SIGMA_PX**2))
        for cx, cy in np.asarray(centre)[[0, 2]]
    ]
    np.testing.assert_allclose(got.heat, np.maximum(*each), atol=1e-5)
    assert got.heat[5, 6] == 1
    np.testing.assert_array_equal(~got.known, some.ids[::2, ::2] == IGNORED)
    none = mask_targets.encode_heat(some, VALID, centre, present & False, stride=STRIDE)
    np.testing.assert_array_equal(none.heat, 0)
