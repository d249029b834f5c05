from typing import Any

import jax
import numpy as np
import pytest

from ttjax import scenes
from ttjax.samples import Window
from ttjax.scenes import CourtCamera, Scene, SceneLabels, SceneSpec, SourceLabels
from ttjax.task import SampleSpec


def test_a_batch_has_the_shapes_of_the_spec():
    batch: Scene = SceneSpec((33, 49), players=5).batch(2)
    labels = batch.labels
    assert isinstance(labels, SceneLabels)
    assert batch.image.shape == (2, 33, 49, 3)
    assert labels.ids.shape == (2, 33, 49)
    assert labels.joints_px.shape == (2, 5, len(scenes.JOINTS), 2)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(batch)} == {2}
    assert isinstance(SceneSpec((33, 49)), SampleSpec)


def test_mirrored_joints_change_sides():
    for joint, other in enumerate(scenes.MIRRORED):
        assert scenes.MIRRORED[other] == joint
        name = scenes.JOINTS[joint]
        swapped = name.replace("left", "LEFT").replace("right", "left")
        assert swapped.replace("LEFT", "right") == scenes.JOINTS[other]


def test_states_and_ids_are_told_apart():
    assert (scenes.UNLABELLED, scenes.HIDDEN, scenes.SEEN) == (0, 1, 2)
    ids = {scenes.BACKGROUND, scenes.BALL_ID, scenes.IGNORED}
    assert len(ids | set(range(1, scenes.MOST_PLAYERS + 1))) == 256


@pytest.mark.parametrize(
    ("size_hw", "fitted"),
    [((66, 49), (33, 24)), ((33, 98), (16, 49)), ((20, 30), (20, 30))],
)
def test_a_frame_is_shrunk_until_it_fits_and_padded(size_hw, fitted):
    spec = SceneSpec((33, 49))
    frame = np.full((1, *size_hw, 3), 200, np.uint8)
    view = np.asarray(spec.view(jax.numpy.asarray(frame)))
    h, w = fitted
    assert view.shape == (1, 33, 49, 3)
    assert (view[0, :h, :w] == 200).all()
    assert not view[0, h:].any()
    assert not view[0, :, w:].any()
    scene: Any = spec.example(jax.numpy.asarray(view)[:, None], None, size_hw)
    np.testing.assert_array_equal(scene.valid_hw, [[h, w]])
    assert scene.labels is None
    np.testing.assert_allclose(
        scene.to_source, [[size_hw[1] / w, size_hw[0] / h]], rtol=1e-6
    )


def test_a_view_is_the_mean_over_each_pixel_s_area():
    spec = SceneSpec((17, 17))
    frame = np.random.default_rng(0).integers(0, 256, (1, 34, 34, 3), np.uint8)
    want = frame.reshape(1, 17, 2, 17, 2, 3).mean(axis=(2, 4))
    view = np.asarray(spec.view(jax.numpy.asarray(frame)))
    assert np.abs(view - want).max() <= 0.5 + 1e-3


def test_what_does_not_fit_is_refused():
    for players in (0, 254):
        with pytest.raises(ValueError, match="1 to 253 players"):
            SceneSpec((33, 33), players=players)
    with pytest.raises(ValueError, match="one picture"):
        SceneSpec((33, 33), window=Window(3))
    with pytest.raises(ValueError, match="at least 16 px"):
        SceneSpec((33, 33)).check_frame((15, 300))
    SceneSpec((33, 33)).check_frame((scenes.LEAST_PX, 300))
    assert not SceneSpec((33, 33)).keeps_frames
    assert not SceneSpec((33, 33)).has_masks


def test_labels_of_a_source_keep_the_digits_of_its_camera_in_a_batch():
    spec = SceneSpec((33, 49), players=2)
    one = jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:], leaf.dtype), spec.batch(1))
    third = np.full((3, 3), 1 / 3)
    camera = CourtCamera(
        size_hw=np.array([33, 49], np.int32),
        matrix=third,
        rotation=third,
        translation=third[0],
        distortion=np.full(5, 1 / 3),
        lines_m=np.full(4, 1 / 3),
    )
    known = SourceLabels(one.labels, court=camera)
    batch = jax.tree.map(lambda leaf: np.asarray(leaf)[None], known)
    assert isinstance(batch, SourceLabels)
    assert batch.scene.players.shape == (1, 2)
    assert batch.points_px is None
    assert batch.points_known is None
    assert batch.court is not None
    np.testing.assert_array_equal(batch.court.matrix[0], third)
