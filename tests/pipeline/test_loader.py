import collections
import itertools
import json

import jax
import numpy as np
import pytest

from ttjax.pipeline.loader import Batches, Loader, Records, Stratum, stack
from ttjax.samples import Clip, ClipSpec, Labels, Source, Window

SPEC = ClipSpec(Window(2), (4, 6), (2, 4), ("net",), ("table",))


class Numbered:
    """Each record says its number in `canvas_xy` and a draw of its own beside it."""

    def __init__(self, count=23):
        self.count = count

    def __len__(self):
        return self.count

    def sample(self, index, rng):
        return Clip(
            frames=rng.integers(0, 256, (2, 4, 6, 3), np.uint8),
            canvas=np.full((2, 2, 4, 3), index, np.uint8),
            canvas_xy=np.array([index, rng.integers(1 << 30)], np.int32),
            source_hw=np.array([4, 6], np.int32),
            labels=Labels(
                ball_xy_px=np.zeros((2, 2), np.float32),
                ball_state=np.zeros(2, np.int8),
                event_offset=np.zeros(1, np.float32),
                event_known=np.zeros(1, np.bool_),
                masks=np.zeros((4, 6, 1), np.uint8),
                masks_known=np.zeros(1, np.bool_),
            ),
        )


def loader(records=None, **options):
    options = {"batch_size": 4, "seed": 7, "threads": 2, "shard": (0, 1)} | options
    return Loader(Numbered() if records is None else records, **options)


def draw(source, batches):
    return [source.next_batch() for _ in range(batches)]


def numbers(batches):
    return np.concatenate([batch.canvas_xy[:, 0] for batch in batches])


def assert_same(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_a_source_of_the_shapes_of_the_spec():
    source = loader()
    assert isinstance(source, Source)
    assert isinstance(Numbered(), Records)
    batch = source.next_batch()
    wanted = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), SPEC.batch(4))
    found = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), batch)
    assert jax.tree.leaves(found) == jax.tree.leaves(wanted)


def test_threads_change_no_bit():
    streams = [draw(loader(threads=threads), 9) for threads in (0, 1, 4)]
    for other in streams[1:]:
        assert_same(streams[0], other)


def test_a_pass_holds_every_record_once_and_each_pass_has_its_own_order():
    seen = numbers(draw(loader(Numbered(24)), 12)).reshape(2, 24)
    assert all(sorted(one) == list(range(24)) for one in seen.tolist())
    assert seen[0].tolist() != seen[1].tolist()


def test_seeds_differ_in_order_and_draws():
    a, b = (draw(loader(seed=seed), 6) for seed in (1, 2))
    assert numbers(a).tolist() != numbers(b).tolist()
    draws = [clip.canvas_xy[:, 1] for clip in (*a, *b)]
    assert len(set(np.concatenate(draws).tolist())) == 48


def test_a_record_draws_anew_at_every_pass():
    batches = draw(loader(Numbered(4)), 6)
    draws = collections.defaultdict(set)
    for batch in batches:
        for number, value in batch.canvas_xy.tolist():
            draws[number].add(value)
    assert all(len(values) == 6 for values in draws.values())


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_restored_stream_goes_on_as_if_nothing_had_happened(after):
    whole = draw(loader(), 10)
    first = loader()
    draw(first, after)
    state = json.loads(json.dumps(first.state()))
    draw(first, 2)  # what is given after the state was taken is given again
    second = loader(threads=1)
    second.restore(state)
    assert_same(draw(second, 10 - after), whole[after:])
    first.restore(state)
    assert_same(draw(first, 2), whole[after : after + 2])


def test_a_position_of_another_stream_is_refused():
    state = loader(seed=1).state()
    for other in (loader(seed=2), loader(Numbered(9), seed=1)):
        with pytest.raises(ValueError, match="belongs to the stream"):
            other.restore(state)


def test_shards_part_the_records():
    parts = [
        set(numbers(draw(loader(Numbered(12), shard=(k, 3)), 3)).tolist())
        for k in range(3)
    ]
    assert set.union(*parts) == set(range(12))
    assert all(not a & b for a, b in itertools.combinations(parts, 2))


def test_strata_have_their_shares():
    rare, often = np.arange(3), np.arange(3, 23)
    strata = [Stratum(rare, 0.25), Stratum(often, 0.75)]
    seen = numbers(draw(loader(strata=strata, batch_size=8), 30))
    assert (seen < 3).mean() == pytest.approx(0.25, abs=0.01)
    counts = collections.Counter(seen.tolist())
    assert max(counts[n] for n in often) - min(counts[n] for n in often) <= 1


def test_named_strata_are_counted_and_the_counts_come_back():
    strata = [Stratum(np.arange(3), 0.25, "rare"), Stratum(np.arange(3, 23), 0.75, "x")]
    first = loader(strata=strata)
    seen = numbers(draw(first, 9))
    rare = int((seen < 3).sum())
    assert first.state()["drawn"] == {"rare": rare, "x": 36 - rare}
    second = loader(strata=strata)
    draw(second, 2)  # its own counts give way to the restored ones
    second.restore(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    assert_same(draw(second, 3), draw(first, 3))
    assert second.state() == first.state()
    assert "drawn" not in loader().state()


def test_strata_are_parted_among_processes():
    strata = [Stratum(np.arange(6), 0.5, "a"), Stratum(np.arange(6, 23), 0.5, "b")]
    parts = [loader(strata=strata, shard=(k, 2)) for k in range(2)]
    seen = [set(numbers(draw(part, 10)).tolist()) for part in parts]
    assert not seen[0] & seen[1]
    assert set.union(*seen) == set(range(23))
    for part in parts:
        assert part.state()["drawn"] == {"a": 20, "b": 20}
        with pytest.raises(ValueError, match="belongs to the stream"):
            loader(strata=strata, shard=(0, 1)).restore(part.state())


def test_a_stratum_of_share_zero_may_be_empty():
    strata = [Stratum(np.arange(5), 1.0), Stratum(np.arange(0), 0.0)]
    assert numbers(draw(loader(strata=strata), 3)).max() < 5


def test_too_few_records_say_so():
    with pytest.raises(ValueError, match="for each of 4 processes"):
        loader(Numbered(3), shard=(0, 4))
    with pytest.raises(ValueError, match="got \\[0\\]"):
        loader(Numbered(0))


def test_stack_keeps_single_examples_in_order():
    rng = np.random.default_rng(0)
    one, two = (Numbered().sample(i, rng) for i in (3, 5))
    assert stack([one, two]).canvas_xy[:, 0].tolist() == [3, 5]


def test_batches_are_walked_in_order_and_always_alike():
    batches = Batches(Numbered(10), 4)
    assert len(batches) == 2
    assert numbers(list(batches)).tolist() == list(range(8))
    assert_same(list(batches), list(batches))
    assert len(Batches(Numbered(0), 4)) == 0


def test_batches_that_cannot_be_filled_say_so():
    with pytest.raises(ValueError, match="only 3 for validation"):
        Batches(Numbered(3), 4)
