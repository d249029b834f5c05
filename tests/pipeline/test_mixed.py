import dataclasses
import itertools
import json
from typing import Any

import jax
import numpy as np
import pytest

from ttjax import registry
from ttjax.pipeline.clips import TrackNetClips
from ttjax.pipeline.loader import Loader, Stratum
from ttjax.pipeline.mixed import Mixed, MixedSource, Part
from ttjax.pipeline.stack_records import StackRecords
from ttjax.samples import Clip, ClipSpec, Data, Labels, Source, Window, licences_of
from ttjax.train import arguments

SPEC = ClipSpec(Window(2), (4, 6), None, (), ())


class Numbered:
    """Records of one mark, each with its number and a draw."""

    def __init__(self, mark):
        self.mark = mark

    def __len__(self):
        return 11

    def sample(self, index, rng):
        return Clip(
            frames=np.full((2, 4, 6, 3), self.mark, np.uint8),
            canvas=None,
            canvas_xy=np.array([index, rng.integers(1 << 30)], np.int32),
            source_hw=np.array([4, 6], np.int32),
            labels=Labels(
                ball_xy_px=np.zeros((2, 2), np.float32),
                ball_state=np.zeros(2, np.int8),
                event_offset=np.zeros(0, np.float32),
                event_known=np.zeros(0, np.bool_),
                masks=np.zeros((4, 6, 0), np.uint8),
                masks_known=np.zeros(0, np.bool_),
            ),
        )


class OnDevice:
    """A source like the simulator's: arrays of JAX, a counter as position."""

    def __init__(self, mark, batch_size, seed):
        self.mark, self.size, self.seed, self.counter = mark, batch_size, seed, 0

    def next_batch(self):
        records = Numbered(self.mark)
        rng = np.random.default_rng([self.seed, self.counter])
        self.counter += 1
        clips = [records.sample(n, rng) for n in range(self.size)]
        return jax.tree.map(lambda *x: jax.numpy.stack(x), *clips)

    def state(self):
        return {"counter": self.counter}

    def restore(self, state):
        self.counter = state["counter"]


@registry.register("tests.Marked")
@dataclasses.dataclass(frozen=True)
class Marked:
    mark: int
    strata: bool = False
    device: bool = False
    licences: tuple[str, ...] = ()

    def train(self, spec, *, batch_size, seed):
        if self.device:
            return OnDevice(self.mark, batch_size, seed)
        strata = None
        if self.strata:
            halves = (np.arange(4), np.arange(4, 11))
            strata = [Stratum(halves[0], 0.5, "a"), Stratum(halves[1], 0.5, "b")]
        return Loader(
            Numbered(self.mark), batch_size=batch_size, seed=seed, strata=strata
        )

    def validation(self, spec, *, batch_size):
        return iter((self.mark,))

    def recordings(self, split) -> Any:
        return iter((f"{split} {self.mark}",))


MIXED = Mixed(
    (
        Part(Marked(1, strata=True, licences=("NC", "SA")), 5.0, "real"),
        Part(Marked(2, device=True, licences=("SA",)), 3.0, "simulated"),
        Part(Marked(3), 0.5, "own"),
    )
)


def source(mixed=MIXED, batch_size=6, seed=3):
    return mixed.train(SPEC, batch_size=batch_size, seed=seed)


def marks(batches):
    return np.concatenate([batch.frames[:, 0, 0, 0, 0] for batch in batches])


def draw(one, count):
    return [one.next_batch() for _ in range(count)]


def assert_same(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_data_and_its_stream_a_source():
    assert isinstance(MIXED, Data)
    assert isinstance(source(), Source)
    assert isinstance(source(), MixedSource)
    assert registry.decode(registry.encode(MIXED)) == MIXED


def test_samples_are_mixed_by_weight_at_every_moment():
    seen = marks(draw(source(), 40))
    counts = np.stack([np.cumsum(seen == mark) for mark in (1, 2, 3)], axis=1)
    wanted = np.outer(np.arange(1, len(seen) + 1), np.array([5, 3, 0.5]) / 8.5)
    assert np.abs(counts - wanted).max() <= 1
    assert len(set(marks(draw(source(), 1)).tolist())) > 1


def test_parts_give_what_they_would_give_alone():
    batches = draw(source(), 12)
    rows = np.concatenate([batch.canvas_xy for batch in batches])
    for place, part in enumerate(MIXED.parts):
        alone = part.data.train(SPEC, batch_size=6, seed=3 + place)
        given = rows[marks(batches) == place + 1]
        wanted = np.concatenate([np.asarray(b.canvas_xy) for b in draw(alone, 12)])
        np.testing.assert_array_equal(given, wanted[: len(given)])


@pytest.mark.parametrize("after", [0, 1, 2, 7])
def test_a_restored_stream_goes_on_as_if_nothing_had_happened(after):
    whole = source()
    wanted = draw(whole, 12)
    first = source()
    draw(first, after)
    state = json.loads(json.dumps(first.state()))
    second = source()
    second.restore(state)
    assert second.state() == state
    assert_same(draw(second, 12 - after), wanted[after:])
    assert second.state() == whole.state()


def test_what_was_drawn_is_counted_by_part_and_class():
    one = source()
    seen = marks(draw(one, 10))
    drawn = one.state()["drawn"]
    assert set(drawn) == {"real", "real/a", "real/b", "simulated", "own"}
    found = [drawn[name] for name in ("real", "simulated", "own")]
    assert found == [(seen == mark).sum() for mark in (1, 2, 3)]
    assert drawn["real/a"] == drawn["real/b"]


def test_positions_of_another_mixture_are_refused():
    state = source().state()
    two = source(Mixed(MIXED.parts[:2]))
    with pytest.raises(ValueError, match="has 2 parts, the saved one 3"):
        two.restore(state)
    with pytest.raises(ValueError, match="belongs to the stream"):
        source(seed=4).restore(state)


def test_the_first_part_is_judged_by():
    assert list(MIXED.validation(SPEC, batch_size=2)) == [1]
    assert list(MIXED.recordings("test")) == ["test 1"]


def test_licences_are_those_of_all_parts():
    assert licences_of(MIXED) == ("NC", "SA")


def test_built_records_and_clips_mix(made_stacks, halls, cache_home):
    spec = ClipSpec(Window(3), (128, 320), (40, 56), ("bounce",), ("table",))
    built, clips = StackRecords(made_stacks), TrackNetClips(halls)
    mixed = Mixed((Part(built), Part(clips)))
    assert mixed.names == ("StackRecords", "TrackNetClips")
    one = mixed.train(spec, batch_size=4, seed=0)
    batches = draw(one, 3)
    sizes = {tuple(hw) for batch in batches for hw in batch.source_hw.tolist()}
    assert sizes == {(256, 640), (64, 96)}
    again = mixed.train(spec, batch_size=4, seed=0)
    state = one.state()
    again.restore(state)
    assert_same(draw(again, 2), draw(one, 2))


def test_flags_reach_into_the_parts(tmp_path):
    path = tmp_path / "mixed.py"
    path.write_text(
        """
import pathlib
from ttjax.pipeline.mixed import Mixed, Part
from ttjax.pipeline.stack_records import StackRecords
from ttjax.recipe import Recipe
from ttjax.sim.data import Simulation
from ttjax.ttnet.task import Task

def recipe(data: pathlib.Path) -> Recipe:
    parts = Part(StackRecords(data), 0.8), Part(Simulation(), 0.2)
    return Recipe(task=Task(), data=Mixed(parts))
"""
    )
    recipe = arguments.parse(
        [str(path), "--data", "there", "--data.parts.1.weight", "0.5"]
    )
    weights = [part.weight for part in recipe.data.parts]
    assert weights == [0.8, 0.5]
    assert recipe.data.parts[0].data.root.name == "there"
    assert registry.decode(registry.encode(recipe)) == recipe


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "parts of positive weights"),
        ((Part(Marked(1), 0.0),), r"got \[0.0\]"),
        (tuple(itertools.repeat(Part(Marked(1)), 2)), "different names"),
    ],
)
def test_mixtures_that_make_no_sense_say_so(parts, message):
    with pytest.raises(ValueError, match=message):
        Mixed(parts)
