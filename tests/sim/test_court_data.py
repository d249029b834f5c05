import json

import jax
import numpy as np
import pytest

from ttjax.samples import Data, Recording, Source
from ttjax.scenes import SceneSpec
from ttjax.sim import court_data
from ttjax.sim.court_data import CourtSimulation

SPEC = SceneSpec((33, 49), players=4)


@pytest.fixture(scope="module")
def simulation():
    return CourtSimulation(
        source_hw=(33, 49),
        people=(2, 3),
        players=4,
        scenes=3,
        test_recordings=2,
        validation_batches=1,
    )


def _equal(first, second):
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in leaves)


@pytest.fixture(scope="module")
def batches(simulation):
    source = simulation.train(SPEC, batch_size=4, seed=0)
    assert isinstance(source, Source)
    return source, [source.next_batch() for _ in range(2)]


def test_it_is_data_of_the_shapes_asked_for(simulation, batches):
    assert all(isinstance(one, Data) for one in (simulation,))
    assert simulation.court.people == (2, 3)
    jax.tree.map(
        lambda leaf, want: np.testing.assert_equal(
            (leaf.shape, leaf.dtype), (want.shape, want.dtype)
        ),
        batches[1][0],
        SPEC.batch(4),
    )


def test_a_restored_source_goes_on_bit_for_bit(simulation, batches):
    source, (first, second) = batches
    saved = json.loads(json.dumps(source.state()))
    third = source.next_batch()
    other = simulation.train(SPEC, batch_size=4, seed=0)
    other.restore(saved)
    assert _equal(other.next_batch(), third)
    other.restore({"seed": 0, "batches": 0})
    assert _equal(other.next_batch(), first)
    assert not _equal(first, second)


def test_seeds_and_splits_differ_and_validation_stays(simulation, batches):
    first = batches[1][0]
    reseeded = simulation.train(SPEC, batch_size=4, seed=1).next_batch()
    assert not _equal(reseeded, first)
    (valid,) = simulation.validation(SPEC, batch_size=4)
    (again,) = simulation.validation(SPEC, batch_size=4)
    assert _equal(valid, again)
    assert not _equal(valid, first)


def test_the_renderer_is_compiled_once(simulation):
    render = court_data.renderer(SPEC, simulation.court)
    assert render is court_data.renderer(SPEC, simulation.court)


def test_recordings_are_pictures_of_one_arena_with_their_labels(simulation):
    first, second = simulation.recordings("test")
    assert [first.name, second.name] == ["test_1", "test_2"]
    assert all(isinstance(one, Recording) for one in (first, second))
    assert isinstance(first, court_data.CourtRecording)
    assert isinstance(first.labels, court_data.CourtLabels)
    assert first.size_hw == (33, 49)
    assert first.fps == 1.0
    scenes, frames = list(first.scenes()), list(first.frames())
    assert len(scenes) == len(frames) == first.labels.length == 3
    for index, (scene, frame) in enumerate(zip(scenes, frames, strict=True)):
        assert frame.shape == (33, 49, 3)
        np.testing.assert_array_equal(scene.image, frame)
        labels = first.labels.example_labels(index).scene
        assert _equal(labels, scene.labels)
        assert labels.players.shape == (4,)
        assert labels.ids.shape == (33, 49)
    assert not np.array_equal(frames[0], frames[1])
    again, _ = simulation.recordings("test")
    np.testing.assert_array_equal(again.scene(2).image, frames[2])
    assert not np.array_equal(second.scene(0).image, frames[0])
    (valid, *_) = simulation.recordings("validation")
    assert not np.array_equal(valid.scene(0).image, frames[0])


def test_what_is_not_there_is_said(simulation):
    (recording, *_) = simulation.recordings("train")
    with pytest.raises(IndexError, match="counted from 0 to 2"):
        recording.labels.example_labels(3)
    with pytest.raises(ValueError, match="a row for each of 12 people"):
        CourtSimulation().train(SPEC, batch_size=1, seed=0)
