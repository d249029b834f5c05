import json

import jax
import numpy as np
import pytest

from ttjax.samples import Data, Recording, Source
from ttjax.sim import data, recording


@pytest.fixture(scope="module")
def simulation():
    return data.Simulation(
        sizes=((270, 480),),
        stacks_per_hall=2,
        seconds=0.1,
        test_recordings=2,
        validation_batches=1,
        masks_every=6,
    )


def _equal(first, second):
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in leaves)


@pytest.fixture(scope="module")
def batches(simulation, spec):
    source = simulation.train(spec, batch_size=4, seed=0)
    assert isinstance(source, Source)
    return source, [source.next_batch() for _ in range(2)]


def test_it_is_data(simulation):
    assert simulation.hall.sizes == ((270, 480),)
    assert "middle of the exposure" in simulation.label_convention
    assert isinstance(simulation, Data)


def test_a_restored_source_goes_on_bit_for_bit(simulation, spec, batches):
    source, (first, second) = batches
    saved = json.loads(json.dumps(source.state()))
    third = source.next_batch()
    other = simulation.train(spec, batch_size=4, seed=0)
    other.restore(saved)
    assert _equal(other.next_batch(), third)
    other.restore({"seed": 0, "batches": 0})
    assert _equal(other.next_batch(), first)
    assert not _equal(first, second)
    with pytest.raises(ValueError, match="seed"):
        other.restore({"seed": 1, "batches": 0})


def test_seeds_and_splits_differ_and_validation_stays(simulation, spec, batches):
    first = batches[1][0]
    reseeded = simulation.train(spec, batch_size=4, seed=1).next_batch()
    assert not _equal(reseeded, first)
    (valid,) = simulation.validation(spec, batch_size=4)
    (again,) = simulation.validation(spec, batch_size=4)
    assert _equal(valid, again)
    assert not _equal(valid, first)


def test_one_thread_gives_the_samples_that_many_give(simulation, spec):
    run = data.renderer(spec, simulation.hall)

    def first(threads, batch_size):
        return data.Generator(
            run,
            prepare=run.compile,
            batch_size=batch_size,
            stream=data.SPLITS["train"],
            seed=3,
            threads=threads,
            per_key=2,
        ).next_batch()

    two, one = first(2, 4), first(1, 2)
    assert two.frames.shape[0] == 4
    key = recording.stream_key(data.SPLITS["train"], 3, 0)
    assert _equal(one, run(jax.random.split(key, 1)))
    assert _equal(
        jax.tree.map(lambda leaf: leaf[2:], two), run(jax.random.split(key, 2)[1:])
    )
    with pytest.raises(ValueError, match="multiple"):
        first(1, 3)


def test_variety_grows_batch_by_batch():
    asked = []

    def render(keys, variety):
        asked.append(float(variety))
        return np.zeros((len(keys), 1))

    prepared = []
    simulation = data.Simulation(variety=0.8, ramp_batches=4)
    source = data.Generator(
        render,
        prepare=lambda keys, variety: prepared.append(variety.dtype),
        batch_size=2,
        stream=0,
        seed=0,
        threads=1,
        variety=simulation.variety_of,
    )
    for _ in range(6):
        assert source.next_batch().shape == (2, 1)
    np.testing.assert_allclose(asked, [0.0, 0.2, 0.4, 0.6, 0.8, 0.8], atol=1e-6)
    assert prepared == [np.float32]
    source.restore({"seed": 0, "batches": 2})
    source.next_batch()
    assert asked[-1] == pytest.approx(0.4)
    assert data.Simulation(variety=0.8).variety_of(0) == 0.8


@pytest.mark.slow
def test_recordings_differ_between_splits(simulation):
    (valid,) = simulation.recordings("validation")
    tests = list(simulation.recordings("test"))
    assert [r.name for r in tests] == ["test_1", "test_2"]
    assert all(isinstance(r, Recording) for r in tests)
    labels = [r.frame_labels(()).ball_xy_px for r in (valid, *tests)]
    assert all(not np.array_equal(labels[0], other) for other in labels[1:])
