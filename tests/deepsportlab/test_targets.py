import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import joints, targets
from ttjax.deepsportlab.targets import InstanceScale, PaperScale, Targets
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import BALL_ID, HIDDEN, IGNORED, SEEN, UNLABELLED, SceneLabels

H, W, N, K = 97, 129, 5, 17
PIF, MAP = 8, 2
VALID = np.array([H, W], np.int32)


def labels(**changes) -> SceneLabels:
    """A player with joints, one without, a crowd, a hidden player and an empty row."""
    ids = np.zeros((H, W), np.uint8)
    ids[7:73, 8:42] = 1
    ids[10:60, 70:90] = 2
    ids[70:90, 100:120] = IGNORED
    ids[76:80, 60:64] = BALL_ID
    joints_px = np.zeros((N, K, 2), np.float32)
    joints_px[0] = joints.UPRIGHT * [6, -6] + [25, 68]
    joints_px[3] = joints_px[0] + 3
    state = np.full((N, K), UNLABELLED, np.int8)
    state[0], state[0, 3], state[3] = SEEN, HIDDEN, HIDDEN
    box = [[10, 10, 40, 70], [70, 10, 90, 60], [100, 70, 120, 90], [12, 12, 42, 72]]
    fields = {
        "ids": ids,
        "masks_known": np.bool_(True),
        "players": np.array([True, True, False, True, False]),
        "crowd": np.array([False, False, True, False, False]),
        "box_px": np.array([*box, [0, 0, 0, 0]], np.float32),
        "joints_px": joints_px,
        "joint_state": state,
        "joints_known": np.bool_(True),
        "ball_xy_px": np.array([62.0, 78.0], np.float32),
        "ball_state": np.int8(VISIBLE),
        "ball_diameter_px": np.float32(4),
    }
    return SceneLabels(**jax.tree.map(jnp.asarray, fields | changes))


build = functools.partial(targets.build, pif_stride=PIF, map_stride=MAP)


build_parts = jax.jit(functools.partial(build, heads=("parts",)))


def stacked(*some: SceneLabels) -> SceneLabels:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *some)


@pytest.fixture(scope="module")
def batch() -> Targets:
    """Everything known; nothing known; joints only, with another state of the ball."""
    nothing = labels(
        masks_known=np.bool_(False),
        joints_known=np.bool_(False),
        ball_state=np.int8(UNKNOWN),
    )
    joints_only = labels(masks_known=np.bool_(False), ball_state=np.int8(ABSENT))
    made = jax.jit(functools.partial(build, scale=InstanceScale()))
    return made(
        stacked(labels(), nothing, joints_only), jnp.tile(jnp.array(VALID), (3, 1))
    )


def one(field, index=0):
    """The target of one picture, as arrays that Python can ask quickly."""
    return types.SimpleNamespace(
        **{
            part.name: np.asarray(getattr(field, part.name))[index]
            for part in dataclasses.fields(field)
        }
    )


def test_shapes_follow_the_strides(batch):
    assert batch.parts.confidence.shape == (3, 13, 17, K)
    assert batch.centre.vector.shape == (3, 13, 17, 1, 2)
    assert batch.masks.offset.shape == (3, 49, 65, 2)
    assert batch.centre_heat is None
    assert batch.map_stride == 2
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(batch))


def test_hidden_and_seen_joints_count_alike(batch):
    parts = one(batch.parts)
    for row in (0, 3):
        x, y = (labels().joints_px[row, 3] - 0.5) / PIF
        left, top = int(np.round(x - 1.5)), int(np.round(y - 1.5))
        assert parts.confidence[top : top + 4, left : left + 4, 3].all()
    assert (parts.confidence.sum((0, 1)) >= 16).all()


def test_joints_behind_somebody_else_count_unless_they_are_not_to_be_taught(batch):
    """The hidden player stands behind the first one, 3 px to the lower right."""
    untold = functools.partial(build, heads=("parts",), teach_covered=False)
    parts = one(jax.jit(untold)(stacked(labels()), jnp.array(VALID[None])).parts)
    first = labels(players=np.array([True, True, False, False, False]))
    alone = one(build_parts(stacked(first), jnp.array(VALID[None])).parts)
    np.testing.assert_array_equal(parts.confidence, alone.confidence)
    np.testing.assert_array_equal(parts.vector, alone.vector)
    assert one(batch.parts).confidence.sum() > parts.confidence.sum()
    left_out = one(batch.parts).confidence & ~parts.confidence
    assert not parts.known[left_out].any()


def test_parts_ignore_crowds_and_players_without_joints(batch):
    known = one(batch.parts).known
    y, x = np.mgrid[:13, :17] * PIF + 0.5
    for box, ignored in [((70, 10, 90, 60), True), ((100, 70, 120, 90), True)]:
        left, top, right, bottom = box
        inside = (x > left) & (x < right) & (y > top) & (y < bottom)
        assert inside.sum() >= 4
        assert known[inside].any() != ignored
    assert known[:, :7].all()


def test_joints_that_were_not_annotated_teach_nothing(batch):
    parts = one(batch.parts, 1)
    assert not parts.labelled
    assert not (parts.known | parts.vector_known | parts.scale_known).any()
    assert one(batch.parts, 2).labelled


def test_centres_are_those_of_masks_and_players_without_pixels_have_none(batch):
    centre = one(batch.centre)
    assert centre.confidence.sum() == 32
    at = np.argwhere(centre.confidence[..., 0])
    for i, j in at:
        found = np.array([j, i]) * PIF + 0.5 + PIF * centre.vector[i, j, 0]
        expected = [25.0, 40.0] if j < 7 else [80.0, 35.0]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    # The crowd is ignored, the player without joints is not: the mask says where it is.
    assert not centre.known[9:11, 13:15].any()
    assert centre.known[:8].all()
    np.testing.assert_allclose(
        centre.scale[centre.confidence & (np.arange(17) < 7)[None, :, None]],
        0.1 * np.sqrt(30 * 60) / PIF,
        rtol=1e-6,
    )
    assert not one(batch.centre, 2).known.any()
    assert not one(batch.masks, 2).labelled


def test_a_player_without_any_label_is_ignored_by_the_centre_too():
    ids = np.where(np.asarray(labels().ids) == 2, 0, labels().ids).astype(np.uint8)
    made = jax.jit(functools.partial(build, heads=("centre",)))
    centre = one(made(stacked(labels(ids=ids)), jnp.array(VALID[None])).centre)
    assert not centre.known[2:7, 9:11].any()
    assert centre.known[:, :8].all()


def test_an_absent_ball_is_taught_and_an_unknown_one_is_not(batch):
    seen, unknown, absent = (one(batch.ball, index) for index in range(3))
    assert seen.confidence.sum() == 16
    np.testing.assert_allclose(seen.scale[seen.confidence], 0.1)  # 0.2 * 4 / 8
    assert absent.known.all()
    assert not absent.confidence.any()
    assert not (unknown.known | unknown.confidence | unknown.vector_known).any()
    assert [seen.labelled, unknown.labelled, absent.labelled] == [True, False, True]


def test_heads_scales_and_classes_are_as_asked_for():
    asked = functools.partial(
        build,
        heads=("centre", "masks", "ball"),
        classes=("background", "ball"),
        heat=True,
        scale=PaperScale(),
    )
    made = jax.jit(asked)(stacked(labels()), jnp.array(VALID[None]))
    assert made.parts is None
    assert made.centre is None
    assert made.centre_heat is not None
    assert made.ball is not None
    assert made.masks is not None
    np.testing.assert_allclose(made.ball.scale[made.ball.scale_known], 0.2)
    assert made.masks.semantic.max() == 1
    assert made.centre_heat.heat.max() > 0.99


def test_a_picture_is_a_multiple_of_the_strides_plus_one():
    with pytest.raises(ValueError, match="plus one, got 97x129"):
        targets.build(
            stacked(labels()), jnp.array(VALID[None]), pif_stride=10, map_stride=2
        )
