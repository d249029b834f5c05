import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import ABSENT, VISIBLE
from ttjax.sim import data, rally, sample

COUNT = 96
OFFSET = np.array([[3.0, -2.0]])


@pytest.fixture(scope="module")
def run(spec, small_hall):
    """Two samples at a time: the shape that `test_data` compiles, too."""
    return data.renderer(spec, small_hall)


@pytest.fixture(scope="module")
def keys():
    return jax.random.split(jax.random.key(0), COUNT // 2)


@pytest.fixture(scope="module")
def clips(run, keys):
    parts = [run(keys[k : k + 1]) for k in range(len(keys))]
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


def test_samples_depend_on_their_own_key_alone(run, clips, keys):
    again = run(keys[5:6])
    np.testing.assert_array_equal(again.canvas, clips.canvas[10:12])
    np.testing.assert_array_equal(again.frames, clips.frames[10:12])
    assert (clips.frames[10] != clips.frames[11]).any()


def test_stacks_of_a_hall_show_the_same_hall(clips):
    """Where nothing moves two stacks of a hall are alike, of two halls they are not."""
    frames = np.asarray(clips.frames[:, 0], float)

    def gap(first, second):
        return np.median(np.abs(first - second), axis=(1, 2, 3)).mean()

    assert gap(frames[0::2], frames[1::2]) < 2
    assert gap(frames[0:-2:2], frames[2::2]) > 4


def test_event_offsets_equal_a_search_in_numpy():
    random = np.random.default_rng(0)
    times_s = np.where(random.random((120, 2)) < 0.1, random.random((120, 2)), np.inf)
    at_s = np.linspace(0.1, 0.9, 40)
    for step_s in (1 / 120, 2 / 25):
        got = np.asarray(
            sample.event_offsets(
                jnp.asarray(times_s, jnp.float32), jnp.asarray(at_s), step_s
            )
        )
        for row, second in enumerate(at_s):
            for kind in range(2):
                events = times_s[:, kind]
                nearest = events[np.abs(events - second).argmin()]
                want = (nearest - second) / step_s
                if abs(want) > sample.REACH_STEPS:
                    assert got[row, kind] == np.inf
                else:
                    assert got[row, kind] == pytest.approx(want, abs=1e-3)


def test_classes_of_a_hall_differ_and_come_as_often_as_they_should():
    keys = jax.random.split(jax.random.key(2), 3000)
    drawn = np.asarray(jax.vmap(lambda key: sample.classes(key, 4))(keys))
    shares = np.bincount(drawn.reshape(-1), minlength=5) / drawn.size
    np.testing.assert_allclose(shares, sample.CLASSES, atol=0.01)
    assert np.mean([len(set(row)) for row in drawn]) > 3.4


def test_what_the_simulator_does_not_know_is_refused(spec, small_hall):
    for changes, message in (
        ({"events": ("bounce", "stroke")}, "stroke"),
        ({"masks": ("rackets",)}, "rackets"),
        ({"canvas_hw": (2000, 352)}, "must fit"),
    ):
        with pytest.raises(ValueError, match=message):
            sample.check(dataclasses.replace(spec, **changes), small_hall)
    assert sum(sample.CLASSES) == pytest.approx(1.0)
    assert sample.Hall().fps == (120.0, 120.0)
    assert sample.Hall(sizes=((2, 3), (4, 9))).source_width == 9
    assert sample.Hall(fps=(24.0, 51.0)).rates() == (24.0, 25.0, 30.0, 48.0, 50.0)
    assert sample.Hall(fps=(31.0, 32.0)).rates() == (31.0,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rigs": ("top",)},
        {"rigs": ()},
        {"sizes": ()},
        {"fps": (60.0, 30.0)},
        {"variety": 1.5},
        {"stacks_per_hall": 0},
    ],
)
def test_halls_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        sample.Hall(**wrong)


def test_a_hall_gives_as_many_windows_as_it_has_stacks(spec):
    hall = sample.Hall(stacks_per_hall=3)

    def windows(key):
        drawn = sample.draw(key, hall, jnp.float32(0.0))
        play = rally.simulate(key, 700)
        return drawn, sample.windows(key, drawn, play, spec, hall)

    drawn, (starts, offsets) = jax.eval_shape(windows, jax.random.key(0))
    assert drawn.source_hw.shape == (2,)
    assert (starts.shape, starts.dtype) == ((3,), jnp.int32)
    assert offsets.shape == (3, 2)
