import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import ABSENT, VISIBLE
from ttjax.sim import sample


@pytest.fixture(scope="module")
def clips(spec, small_hall):
    run = jax.jit(lambda keys: sample.stacks(keys, spec, small_hall))
    return jax.tree.map(np.asarray, run(jax.random.split(jax.random.key(0), 96)))


def test_a_batch_is_what_the_spec_says(clips, spec):
    told = spec.batch(96)
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
    assert near[:, 0].mean() > 0.2
    assert near[:, 1].mean() > 0.2
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


def test_one_sample_is_a_row_of_the_batch(clips, spec, small_hall):
    key = jax.random.split(jax.random.key(0), 96)[5]
    one = jax.jit(lambda key: sample.stack(key, spec, small_hall))(key)
    np.testing.assert_array_equal(one.labels.event_offset, clips.labels.event_offset[5])
    np.testing.assert_array_equal(one.canvas_xy, clips.canvas_xy[5])
    difference = np.asarray(one.canvas).astype(int) - clips.canvas[5]
    assert np.abs(difference).max() <= 1


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
