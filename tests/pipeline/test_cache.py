import dataclasses
import json
import pathlib

import jax
import numpy as np
import pytest

from ttjax.pipeline import store
from ttjax.pipeline.cache import Cached, CacheError, Kept, code_of
from ttjax.pipeline.loader import Batches, stack
from ttjax.samples import (
    Clip,
    ClipSpec,
    Data,
    Labels,
    Source,
    Window,
    licences_of,
)
from ttjax.scenes import Scene, SceneSpec

SPEC = ClipSpec(Window(2), (4, 6), (2, 4), ("net",), ("table",))
BARE = dataclasses.replace(SPEC, canvas_hw=None)


class Stream:
    """Each batch is a function of seed and counter; may fail at a given batch."""

    drawn = 0

    def __init__(self, spec, batch_size, seed, fail_at):
        self.spec, self.batch_size, self.seed = spec, batch_size, seed
        self.counter, self.fail_at = 0, fail_at

    def next_batch(self):
        if self.counter == self.fail_at:
            raise RuntimeError("the renderer broke")
        rng = np.random.default_rng([self.seed, self.counter])
        self.counter += 1
        Stream.drawn += self.batch_size
        leaves, tree = jax.tree.flatten(self.spec.batch(self.batch_size))
        draws = [rng.integers(0, 2, one.shape).astype(one.dtype) for one in leaves]
        clip = jax.tree.unflatten(tree, draws)
        number = self.batch_size * (self.counter - 1) + np.arange(self.batch_size)
        if isinstance(clip, Clip):
            clip.canvas_xy[:, 0] = number
        return clip

    def state(self):
        return {"counter": self.counter}

    def restore(self, state):
        self.counter = state["counter"]


@dataclasses.dataclass(frozen=True)
class Endless:
    """Data whose streams are counted."""

    name: str = "a"
    fail_at: int = dataclasses.field(default=-1, repr=False)
    give: ClipSpec | None = dataclasses.field(default=None, repr=False)

    def train(self, spec, *, batch_size, seed):
        return Stream(self.give or spec, batch_size, seed, self.fail_at)

    def validation(self, spec, *, batch_size):
        return []

    def recordings(self, split):
        return iter(())


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Stream.drawn = 0
    return tmp_path / "cache" / "ttjax"


def cached(data=None, **fields):
    small = Cached(data or Endless(), samples=10, validation_samples=5, batch_size=4)
    return dataclasses.replace(small, **fields)


def numbers(source, batches):
    drawn = [source.next_batch().canvas_xy[:, 0] for _ in range(batches)]
    return np.concatenate(drawn).tolist()


def rows(kept, begin):
    return stack([kept.sample(index) for index in range(begin, begin + 4)])


def assert_same(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_data_and_its_streams_are_sources():
    assert isinstance(cached(), Data)
    assert isinstance(cached().train(SPEC, batch_size=2, seed=0), Source)


def test_licences_are_those_of_the_wrapped_data():
    @dataclasses.dataclass(frozen=True)
    class Licensed(Endless):
        licences: tuple[str, ...] = ("CC BY",)

    assert licences_of(cached(Licensed())) == ("CC BY",)
    assert licences_of(cached()) == ()


def test_samples_are_drawn_once_and_served_for_ever():
    source = cached().train(SPEC, batch_size=5, seed=3)
    assert Stream.drawn == 12  # three batches of four, of which two samples are dropped
    seen = numbers(source, 4)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    cached().train(SPEC, batch_size=2, seed=3)
    assert Stream.drawn == 12


def test_what_is_kept_is_what_was_drawn():
    data = cached()
    source = data.train(SPEC, batch_size=1, seed=3)
    stream = Stream(SPEC, 4, 3, -1)
    drawn = [stream.next_batch() for _ in range(3)]
    for _ in range(10):
        found = source.next_batch()
        batch, row = divmod(int(found.canvas_xy[0, 0]), 4)
        assert_same(
            found, jax.tree.map(lambda leaf, r=row: leaf[r : r + 1], drawn[batch])
        )


def test_everything_that_determines_the_samples_is_in_the_name():
    def folder(data, spec=SPEC, seed=0, samples=8, minutes=None):
        return data.folder(spec, seed=seed, samples=samples, minutes=minutes)

    base = cached()
    folders = {
        folder(base),
        folder(base, BARE),
        folder(base, seed=1),
        folder(base, samples=9),
        folder(base, minutes=1.0),
        folder(cached(Endless("b"))),
        folder(cached(batch_size=2)),
    }
    assert len(folders) == 7
    assert folder(cached()) == folder(base)


def test_the_source_code_is_part_of_the_name(tmp_path, monkeypatch):
    assert code_of(Endless) == code_of(Stream) != code_of(Cached)
    monkeypatch.setattr("ttjax.pipeline.cache.code_of", lambda cls: "another simulator")
    after = cached().folder(SPEC, seed=0, samples=8, minutes=None)
    monkeypatch.undo()
    before = cached().folder(SPEC, seed=0, samples=8, minutes=None)
    assert after.name != before.name


def test_specs_without_a_canvas_are_kept_too():
    batch = cached().train(BARE, batch_size=2, seed=0).next_batch()
    assert batch.canvas is None
    assert batch.frames.shape == (2, 2, 4, 6, 3)


def test_samples_of_another_kind_are_kept_too():
    spec = SceneSpec((4, 6), players=2)
    batch = cached().train(spec, batch_size=3, seed=1).next_batch()
    assert isinstance(batch, Scene)
    assert batch.image.shape == (3, 4, 6, 3)
    stream = Stream(spec, 4, 1, -1)
    drawn = [stream.next_batch() for _ in range(3)]
    for row in range(3):
        found = [leaf[row] for leaf in jax.tree.leaves(batch)]
        matches = [
            all(map(np.array_equal, found, (leaf[r] for leaf in jax.tree.leaves(one))))
            for one in drawn
            for r in range(4)
        ]
        assert sum(matches) == 1
    (valid,) = cached().validation(spec, batch_size=4)
    assert isinstance(valid, Scene)


def test_a_stopped_drawing_goes_on_and_ends_the_same(home):
    whole = cached(samples=16).folder(SPEC, seed=0, samples=16, minutes=None)
    with pytest.raises(RuntimeError, match="renderer broke"):
        cached(Endless(fail_at=2), samples=16).train(SPEC, batch_size=2, seed=0)
    assert not whole.exists()
    assert Stream.drawn == 8
    cached(samples=16).train(SPEC, batch_size=2, seed=0)
    assert Stream.drawn == 16
    stopped = Kept(whole, SPEC, 16)
    stream = Stream(SPEC, 4, 0, -1)
    for batch in range(4):
        assert_same(rows(stopped, 4 * batch), stream.next_batch())


def test_a_time_limit_keeps_fewer_and_says_how_many(home, capsys):
    data = cached(samples=1000, minutes=1e-9)
    source = data.train(SPEC, batch_size=4, seed=0)
    assert sorted(numbers(source, 1)) == [0, 1, 2, 3]
    about = store.facts(data.folder(SPEC, seed=0, samples=1000, minutes=1e-9))
    assert about is not None
    assert (about["samples"], about["asked"]) == (4, 1000)
    assert "4 training samples" in capsys.readouterr().out
    with pytest.raises(CacheError, match="4 are kept"):
        data.train(SPEC, batch_size=5, seed=0)


def test_validation_is_another_set_in_a_fixed_order():
    data = cached(validation_samples=9)
    batches = data.validation(SPEC, batch_size=4)
    assert isinstance(batches, Batches)
    assert len(batches) == 2
    assert_same(list(batches), list(data.validation(SPEC, batch_size=4)))
    data.train(SPEC, batch_size=4, seed=0)
    first = Kept(data.folder(SPEC, seed=0, samples=10, minutes=None), SPEC, 10)
    assert (next(iter(batches)).frames != rows(first, 0).frames).any()


def test_without_the_cache_nothing_is_written(home):
    data = cached(enabled=False)
    assert isinstance(data.train(SPEC, batch_size=4, seed=0), Stream)
    assert list(data.validation(SPEC, batch_size=4)) == []
    assert list(data.recordings("test")) == []
    assert not home.exists()


def test_no_validation_samples_asks_the_data():
    data = cached(validation_samples=0)
    assert list(data.validation(SPEC, batch_size=4)) == []


def test_data_that_gives_something_else_says_what():
    data = cached(Endless(give=dataclasses.replace(SPEC, frame_hw=(4, 8))))
    message = r"frames is uint8\[4, 2, 4, 8, 3\] instead of uint8\[4, 2, 4, 6, 3\]"
    with pytest.raises(CacheError, match=message):
        data.train(SPEC, batch_size=2, seed=0)


def test_path_and_size_are_printed(home, capsys):
    cached().train(SPEC, batch_size=2, seed=0)
    assert f"MB in {home}" in capsys.readouterr().out


def test_progress_is_recorded_beside_the_samples(home):
    data = cached()
    data.train(SPEC, batch_size=2, seed=0)
    folder = data.folder(SPEC, seed=0, samples=10, minutes=None)
    record = json.loads((folder / "progress.json").read_text())
    assert record["samples"] == 10
    assert isinstance(Kept(folder, SPEC, 10).sample(0), Clip)
    assert isinstance(Kept(folder, SPEC, 10).sample(0).labels, Labels)
    assert not pathlib.Path(f"{folder}.part").exists()
