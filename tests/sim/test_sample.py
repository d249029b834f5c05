import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import ABSENT, VISIBLE
from ttjax.sim import data, sample

COUNT = 96
OFFSET = np.array([[3.0, -2.0]])


@pytest.fixture(scope="module")
def run(spec, small_hall):
    """Two samples at a time: the shape that `test_data` compiles, too."""
    return data.renderer(spec, small_hall)


@pytest.fixture(scope="module")
def clips(run):
    keys = jax.random.split(jax.random.key(0), COUNT).reshape(-1, 2)
    parts = [run(pair) for pair in keys]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def test_a_batch_is_what_the_spec_says(clips, spec):
    told = spec.batch(COUNT)
    jax.tree.map(
        lambda leaf, want: np.testing.assert_equal(
            (leaf.shape, leaf.dtype), (want.shape, want.dtype)
        ),
        clips,
        told,
    )


def test_classes_are_balanced(clips):
    near = np.abs(clips.labels.event_offset) <= sample.NEAR_STEPS
    absent = clips.labels.ball_state[:, -1] == ABSENT
    assert near[:, 0].mean() > 0.13
    assert near[:, 1].mean() > 0.12
    assert 0.05 < absent.mean() < 0.35
    far = np.abs(clips.labels.event_offset)
    assert (np.isinf(far) | (far <= sample.REACH_STEPS)).all()


def test_the_canvas_holds_the_ball_unless_there_is_none(clips, spec):
    seen = clips.labels.ball_state[:, -1] == VISIBLE
    inside = clips.labels.ball_xy_px[:, -1] - clips.canvas_xy
    limit = np.array(spec.canvas_hw[::-1])
    assert ((inside[seen] >= 0) & (inside[seen] < limit)).all()
    assert inside[seen].std(axis=0).min() > 1.0
    assert (clips.canvas_xy >= 0).all()
    assert (clips.canvas_xy + limit <= clips.source_hw[:, ::-1]).all()


def test_canvases_without_a_ball_lie_around_what_looks_like_one():
    lures = jnp.array([[100.0, 900.0], [1500.0, 200.0]])
    keys = jax.random.split(jax.random.key(0), 2000)
    places = jax.vmap(
        lambda key: sample.elsewhere(key, lures, OFFSET[0], (1080, 1920))
    )(keys)
    at = [
        np.all(np.asarray(places) == lure, axis=-1)
        for lure in np.asarray(lures) + OFFSET
    ]
    shares = np.array([found.mean() for found in at])
    np.testing.assert_allclose(shares, sample.LURED / 2, atol=0.04)
    rest = np.asarray(places)[~(at[0] | at[1])]
    np.testing.assert_allclose(rest.mean(axis=0), [960.0, 540.0], atol=60.0)
    assert (rest >= 0).all()
    assert (rest < [1920, 1080]).all()


def test_a_sample_depends_on_its_own_key_alone(run, clips, spec, small_hall):
    keys = jax.random.split(jax.random.key(0), COUNT)
    swapped = run(keys[jnp.array([5, 0])])
    for row, number in enumerate((5, 0)):
        np.testing.assert_array_equal(swapped.canvas[row], clips.canvas[number])
        np.testing.assert_array_equal(swapped.frames[row], clips.frames[number])
    told = jax.eval_shape(lambda key: sample.stack(key, spec, small_hall), keys[0])
    assert told.frames.shape == clips.frames.shape[1:]
    told = jax.eval_shape(lambda keys: sample.stacks(keys, spec, small_hall), keys)
    assert told.frames.shape == clips.frames.shape


def test_event_offsets_equal_a_search_in_numpy():
    happened = np.random.default_rng(0).random((120, 2)) < 0.03
    at = np.arange(20, 100)
    for stride in (1, 2):
        got = np.asarray(
            sample.event_offsets(jnp.asarray(happened), jnp.asarray(at), stride)
        )
        for row, frame in enumerate(at):
            for kind in range(2):
                events = np.flatnonzero(happened[:, kind])
                gap = events[np.abs(events - frame).argmin()] - frame
                want = gap / stride
                if abs(want) > sample.REACH_STEPS:
                    want = np.inf
                assert abs(got[row, kind]) == abs(want)


def test_what_the_simulator_does_not_know_is_refused(spec, small_hall):
    for changes, message in (
        ({"events": ("bounce", "stroke")}, "stroke"),
        ({"masks": ("rackets",)}, "rackets"),
        ({"canvas_hw": (2000, 352)}, "must fit"),
    ):
        with pytest.raises(ValueError, match=message):
            sample.check(dataclasses.replace(spec, **changes), small_hall.source_hw)
    assert sum(sample.CLASSES) == pytest.approx(1.0)
    assert sample.Hall().fps == 120.0
