import dataclasses

import jax
import numpy as np
import pytest

from ttjax import registry
from ttjax.pipeline import fixed_set
from ttjax.pipeline.cache import Cached
from ttjax.pipeline.fixed_set import Cut, FixedSet
from ttjax.samples import NO_EVENT, Clip, ClipSpec, Data, Source, Window, licences_of

WHOLE = ClipSpec(Window(5), (4, 6), (2, 4), ("bounce", "net"), ("table", "humans"))
LAST = dataclasses.replace(WHOLE, window=Window(5, event_at=4))
SHORT = ClipSpec(Window(3), (4, 6), None, ("net",), ())


class Stream:
    """A play in which frame number n has the pixels n; events every 40 frames."""

    drawn = 0

    def __init__(self, spec, batch_size):
        self.spec, self.batch_size, self.counter = spec, batch_size, 0

    def next_batch(self):
        rows = []
        for _ in range(self.batch_size):
            rows.append(sample_of(self.spec, self.counter))
            self.counter += 1
            Stream.drawn += 1
        return jax.tree.map(lambda *leaves: np.stack(leaves), *rows)

    def state(self):
        return {"counter": self.counter}

    def restore(self, state):
        self.counter = state["counter"]


def sample_of(spec, start):
    """The window that begins at frame `start`."""
    numbers = start + np.arange(spec.window.frames)
    shapes, tree = jax.tree.flatten(spec.batch(1))
    clip = jax.tree.unflatten(tree, [np.zeros(s.shape[1:], s.dtype) for s in shapes])
    labels = clip.labels
    at = start + spec.window.event_at
    offsets = {"bounce": np.float32(20 - at), "net": NO_EVENT}
    labels.event_offset[:] = [offsets[name] for name in spec.events]
    labels.ball_xy_px[:, 0] = numbers
    labels.ball_state[:] = numbers % 2
    for index, name in enumerate(spec.masks):
        labels.masks[..., index] = name == "humans"
    clip.frames[:] = numbers[:, None, None, None]
    if spec.canvas_hw:
        clip.canvas[:] = numbers[:, None, None, None] + 100
    clip.source_hw[:] = 7, 9
    return clip


@dataclasses.dataclass(frozen=True)
class Play:
    """Endless data."""

    licences: tuple[str, ...] = ("CC BY",)

    def train(self, spec, *, batch_size, seed):
        return Stream(spec, batch_size)

    def validation(self, spec, *, batch_size):
        return []

    def recordings(self, split):
        return iter((split,))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Stream.drawn = 0


def made(**fields):
    small = FixedSet(Play(), WHOLE, events_at=(2, 4), samples=16, draw_size=4)
    return dataclasses.replace(small, **fields)


def assert_same(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def starts(batch):
    return batch.frames[:, 0, 0, 0, 0].tolist()


@pytest.mark.parametrize("whole", [WHOLE, LAST])
@pytest.mark.parametrize("frames", [1, 3, 4, 5])
def test_a_cut_is_the_sample_that_ends_with_the_same_frame(whole, frames):
    """The oracle is the same play, looked at through the shorter window."""
    spec = dataclasses.replace(
        WHOLE, window=Window(frames), events=("bounce",), masks=("humans",)
    )
    got = fixed_set.cut(sample_of(whole, 11), whole, spec)
    assert_same(got, sample_of(spec, 11 + 5 - frames))
    bare = fixed_set.cut(sample_of(whole, 11), whole, SHORT)
    assert_same(bare, sample_of(SHORT, 11 + 2))
    assert isinstance(bare, Clip)


def test_all_specs_are_served_from_samples_that_are_drawn_once():
    source = made().train(WHOLE, batch_size=16, seed=1)
    assert isinstance(made(), Data)
    assert isinstance(source, Source)
    first = source.next_batch()
    assert Stream.drawn == 16
    assert sorted(starts(first)) == sorted([*range(8), *range(8)])
    short = made().train(SHORT, batch_size=16, seed=1).next_batch()
    other = made().train(SHORT, batch_size=16, seed=2).next_batch()
    assert Stream.drawn == 16
    assert starts(short) == [start + 2 for start in starts(first)]
    assert sorted(starts(other)) == sorted(starts(short))
    assert starts(other) != starts(short)
    assert short.canvas is None
    assert short.labels.masks.shape == (16, 4, 6, 0)


def test_each_half_has_the_event_frame_it_was_drawn_for():
    whole = made().train(WHOLE, batch_size=16, seed=0).next_batch()
    expected = [20 - (start + 2) for start in starts(whole)]
    np.testing.assert_array_equal(whole.labels.event_offset[:, 0], expected)
    assert (whole.labels.event_offset[:, 1] == NO_EVENT).all()


def test_every_window_sees_as_many_events_near_its_event_frame():
    """Offsets uniform around both ends: the share within is that of any frame."""
    near = np.random.default_rng(0).uniform(-2.5, 2.5, 20_000)
    shares = []
    for shift in range(5):
        middle, last = near - shift, near + 4 - shift
        shares.append(np.mean(np.abs(np.concatenate([middle, last])) <= 2.5))
    np.testing.assert_allclose(shares, 0.6, atol=0.01)


def test_cut_records_lie_one_part_after_the_other():
    cached = Cached(Play(), samples=3, batch_size=2)
    kept = cached.kept(WHOLE, seed=0)
    records = Cut([(WHOLE, kept), (WHOLE, kept)], SHORT)
    assert len(records) == 6
    found = [int(records.sample(index).frames[0, 0, 0, 0]) for index in range(6)]
    assert found == [2, 3, 4, 2, 3, 4]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": Window(7)}, "frames at most 5, got 7"),
        ({"window": Window(3, stride=2)}, "stride 1, got 2"),
        ({"window": Window(3, ball_at=1)}, "newest 0, got 1"),
        ({"frame_hw": (8, 6)}, "frame_hw"),
        ({"canvas_hw": (4, 4)}, "canvas_hw"),
        ({"events": ("stroke",)}, "events"),
        ({"masks": ("scoreboard",)}, "masks"),
    ],
)
def test_what_the_samples_do_not_hold_is_refused(wrong, message):
    spec = dataclasses.replace(WHOLE, **wrong)
    with pytest.raises(ValueError, match=message):
        fixed_set.check(WHOLE, spec)
    with pytest.raises(ValueError, match=message):
        made().train(spec, batch_size=2, seed=0)
    fixed_set.check(WHOLE, SHORT)


def test_the_rest_is_that_of_the_wrapped_data():
    assert list(made().recordings("test")) == ["test"]
    assert list(made().validation(WHOLE, batch_size=2)) == []
    assert licences_of(made()) == ("CC BY",)
    assert made(events_at=()).events_at == (2,)
    with pytest.raises(ValueError, match="2 equal parts"):
        made(samples=15)
    assert registry.name_of(FixedSet) == "FixedSet"
