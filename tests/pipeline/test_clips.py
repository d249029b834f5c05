import dataclasses

import jax
import numpy as np
import pytest

from ttjax.formats import tracknet
from ttjax.media.reader import Reader
from ttjax.pipeline import clips, store
from ttjax.pipeline.clips import ClipWindows, TrackNetClips
from ttjax.pipeline.recording import frame_labels
from ttjax.samples import VISIBLE, ClipSpec, Data, Recording, Source, Window

SPEC = ClipSpec(Window(3), (16, 32), (20, 36), ("net",), ("table",))


@pytest.fixture(autouse=True)
def _cache(cache_home):
    return cache_home


@pytest.fixture
def data(halls):
    return TrackNetClips(halls, test_groups=("c",), validation_share=0.25)


def batches(source, count):
    return [source.next_batch() for _ in range(count)]


def assert_same(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_data_of_the_shapes_of_the_spec(data):
    assert isinstance(data, Data)
    source = data.train(SPEC, batch_size=4, seed=0)
    assert isinstance(source, Source)
    for found, due in zip(
        jax.tree.leaves(source.next_batch()),
        jax.tree.leaves(SPEC.batch(4)),
        strict=True,
    ):
        assert (found.shape, found.dtype) == (due.shape, due.dtype)


def test_splits_share_no_clip_and_leave_none_out(data):
    names = {
        split: [entry.name for entry in data.entries(split)]
        for split in ("train", "validation", "test")
    }
    assert names["test"] == ["c/0"]
    assert len(names["validation"]) == 2  # one of each training group
    everything = sorted(name for some in names.values() for name in some)
    assert everything == [e.name for e in tracknet.find(data.root)]


def test_held_out_clips_depend_on_names_alone(data):
    found = tracknet.find(data.root)[:4]
    kept = clips.held_out(found, 0.5)
    assert len(kept) == 2
    assert set(clips.held_out(found[::-1], 0.5)) == set(kept)
    assert clips.held_out(found, 0.0) == ()
    assert len(clips.held_out(found, 0.01)) == 1
    assert len(clips.held_out(found, 1.0)) == 3  # something is left to train on
    assert clips.held_out(found[:1], 0.5) == ()


def test_pixels_and_labels_of_a_sample_belong_together(data):
    """Cut from the reader's frames by hand; the ball is where the labels say."""
    entry = next(e for e in data.entries("train") if e.group == "b")
    whole = np.stack(list(Reader(entry.video)))
    track = tracknet.read(entry.labels, size_hw=(64, 96))
    only = dataclasses.replace(data, train_groups=("b",), away=0.0, ball_less_share=0.0)
    for batch in batches(only.train(SPEC, batch_size=3, seed=0), 6):
        for index in range(3):
            one = jax.tree.map(lambda leaf, i=index: leaf[i], batch)
            x, y = one.canvas_xy
            ends = [
                end
                for end in range(2, 14)
                if (
                    whole[end - 2 : end + 1, y : y + 20, x : x + 36] == one.canvas
                ).all()
            ]
            assert len(ends) == 1
            stack = slice(ends[0] - 2, ends[0] + 1)
            np.testing.assert_allclose(
                one.labels.ball_xy_px, track.xy_px[stack], atol=1e-3
            )
            average = whole[stack].reshape(3, 16, 4, 32, 3, 3).mean(axis=(2, 4))
            assert np.abs(one.frames - average).max() <= 0.51
            assert one.source_hw.tolist() == [64, 96]
            assert not one.labels.event_known.any()


def test_canvases_hold_their_balls_unless_drawn_away(data):
    def share_inside(**fields):
        found = dataclasses.replace(data, ball_less_share=0.0, **fields)
        drawn = batches(found.train(SPEC, batch_size=8, seed=0), 12)
        inside = [
            (xy >= 0).all(-1) & (xy < [36, 20]).all(-1)
            for batch in drawn
            for xy in [batch.labels.ball_xy_px[:, -1] - batch.canvas_xy]
        ]
        return np.mean(inside)

    assert share_inside(away=0.0, jitter=1.0) == 1
    assert share_inside(away=1.0) < 0.6


def test_the_share_of_samples_without_a_ball_is_as_asked(data):
    def share(**fields):
        found = dataclasses.replace(data, **fields)
        drawn = batches(found.train(SPEC, batch_size=10, seed=0), 20)
        return np.mean([batch.labels.ball_state[:, -1] != VISIBLE for batch in drawn])

    assert share(ball_less_share=0.3) == pytest.approx(0.3, abs=0.01)
    assert share(ball_less_share=0.0) == 0
    assert share(hidden="unknown") == 0  # none is known to be absent


def test_streams_are_the_same_for_any_threads_and_after_a_restart(data):
    first = data.train(SPEC, batch_size=4, seed=5)
    whole = batches(first, 6)
    other = dataclasses.replace(data, threads=4).train(SPEC, batch_size=4, seed=5)
    assert_same(batches(other, 3), whole[:3])
    again = data.train(SPEC, batch_size=4, seed=5)
    again.restore(other.state())
    assert_same(batches(again, 3), whole[3:])


def test_validation_is_always_the_same_and_its_middle_tells_nothing(data):
    held = dataclasses.replace(data, validation_samples=16)
    found = list(held.validation(SPEC, batch_size=8))
    assert len(found) == 2
    assert_same(found, list(held.validation(SPEC, batch_size=8)))
    wide = dataclasses.replace(data, validation_share=0.5, validation_samples=36)
    xy = np.concatenate(
        [
            (b.labels.ball_xy_px[:, -1] - b.canvas_xy)[b.labels.ball_state[:, -1] == 1]
            for b in wide.validation(SPEC, batch_size=4)
        ]
    )
    assert (xy.std(axis=0) > 0.2 * np.array([36, 20])).all()
    assert not list(
        dataclasses.replace(data, validation_share=0.0).validation(SPEC, batch_size=4)
    )


def test_recordings_are_whole_videos_with_labels(data):
    for split, count in (("train", 4), ("validation", 2), ("test", 1)):
        found = list(data.recordings(split))
        assert len(found) == count
        assert all(isinstance(one, Recording) for one in found)
    assert sum(1 for _ in found[0].frames()) == 14


def test_specs_without_a_canvas_keep_no_full_resolution(data, cache_home):
    bare = dataclasses.replace(SPEC, canvas_hw=None)
    batch = data.train(bare, batch_size=2, seed=0).next_batch()
    assert batch.canvas is None
    assert not batch.canvas_xy.any()
    assert not list(cache_home.rglob("planes.npy"))


def test_without_the_cache_the_users_directory_stays_empty(data, cache_home):
    dataclasses.replace(data, cache=False).train(SPEC, batch_size=2, seed=0)
    assert not cache_home.exists()
    assert list(store.temporary().rglob("planes.npy"))


def test_windows_end_where_their_ball_is_labelled(hall):
    window = Window(3, stride=2, ball_at=1)
    spec = dataclasses.replace(SPEC, window=window)
    table = frame_labels(hall.track(), "unknown")
    assert clips.known_ends(table, spec).tolist() == [
        end for end in range(4, 14) if end - 2 not in (2, 9)
    ]


def test_windows_are_records(data):
    source = dataclasses.replace(data, train_groups=("b",))
    records = source._records("train", SPEC, jitter=0.0, away=0.0)
    assert isinstance(records, ClipWindows)
    assert len(records) == 12
    assert records.visible.sum() == 10  # frames 2 and 9 have no ball
    one = records.sample(3, np.random.default_rng(0))
    middle = one.labels.ball_xy_px[-1] - one.canvas_xy
    np.testing.assert_allclose(middle, [18, 10], atol=1.01)


@pytest.mark.parametrize("canvas_hw", [(20, 36), (64, 96), (63, 95), (1, 1)])
def test_corners_are_even_and_canvases_inside(canvas_hw):
    draw = np.random.default_rng(0)
    for ball in [None, np.array([0.2, 63.8]), np.array([95.9, 0.1])] * 50:
        x, y = clips.canvas_corner(
            draw,
            ball,
            size_hw=(64, 96),
            canvas_hw=canvas_hw,
            jitter=float(draw.random()),
            away=0.2,
        )
        assert x % 2 == y % 2 == 0
        assert 0 <= x <= 96 - canvas_hw[1]
        assert 0 <= y <= 64 - canvas_hw[0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"test_groups": ("d",)}, r"\['a', 'b', 'c'\], got \['d'\]"),
        ({"test_groups": ("a", "b", "c")}, "leaves none"),
    ],
)
def test_groups_that_make_no_sense_say_so(data, fields, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(data, **fields).train(SPEC, batch_size=2, seed=0)


def test_fields_that_make_no_sense_say_so(halls):
    with pytest.raises(ValueError, match="`away` is a share"):
        TrackNetClips(halls, away=2.0)
    with pytest.raises(ValueError, match=r"\['a'\] are in both"):
        TrackNetClips(halls, train_groups=("a",), test_groups=("a", "c"))


def test_canvases_larger_than_the_frame_say_so(data):
    spec = dataclasses.replace(SPEC, canvas_hw=(20, 128))
    with pytest.raises(ValueError, match=r"20 x 128 px .* 64 x 96 px"):
        data.train(spec, batch_size=2, seed=0)


def test_a_clip_shorter_than_a_stack_is_named(data):
    spec = dataclasses.replace(SPEC, window=Window(15))
    with pytest.raises(ValueError, match=r"a/0: .* 15 frames, got 14"):
        data.train(spec, batch_size=2, seed=0)


def test_real_clips_split_by_hall(real_data):
    halls = TrackNetClips(
        real_data / "shuttle", ("odense", "bangkok"), ("jakarta",), 0.15
    )
    counts = [len(halls.entries(split)) for split in ("train", "validation", "test")]
    assert counts == [20, 3, 7]
    tables = [one.labels for one in halls.recordings("test")]
    assert sum(table.length for table in tables if table is not None) == 1477
