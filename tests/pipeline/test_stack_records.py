import dataclasses
import shutil

import jax
import numpy as np
import pytest

from ttjax import registry
from ttjax.formats import openttgames
from ttjax.media.writer import VideoWriter
from ttjax.pipeline import store
from ttjax.pipeline.kinds import NAMES, Kinds
from ttjax.pipeline.stack_pixels import Decoded, Encoded
from ttjax.pipeline.stack_records import StackRecords
from ttjax.samples import ClipSpec, Data, Source, Window, licences_of

SPEC = ClipSpec(Window(3), (128, 320), (40, 56), ("bounce", "net"), ("table",))


@pytest.fixture
def data(made_stacks, cache_home):
    return StackRecords(made_stacks)


def batches(source, count):
    return [source.next_batch() for _ in range(count)]


def assert_same(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_data_that_goes_into_checkpoints(data):
    assert isinstance(data, Data)
    assert isinstance(data.train(SPEC, batch_size=2, seed=0), Source)
    assert registry.decode(registry.encode(data)) == data
    assert licences_of(data) == ("CC0 X",)


def test_batches_are_as_the_spec_says(data):
    found = data.train(SPEC, batch_size=4, seed=0).next_batch()
    shapes = [
        jax.tree.map(lambda x: (x.shape, x.dtype), t) for t in (found, SPEC.batch(4))
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("decoded", [False, True])
def test_a_stream_is_the_same_for_any_threads_and_after_a_restart(data, decoded):
    if decoded:
        data.decode("train")
    one = dataclasses.replace(data, threads=1).train(SPEC, batch_size=4, seed=5)
    whole = batches(one, 6)
    four = dataclasses.replace(data, threads=4).train(SPEC, batch_size=4, seed=5)
    assert_same(batches(four, 3), whole[:3])
    again = data.train(SPEC, batch_size=4, seed=5)
    again.restore(four.state())
    assert_same(batches(again, 3), whole[3:])
    assert again.state() == one.state()


def test_negatives_are_as_many_as_events_and_counted(data):
    source = data.train(SPEC, batch_size=8, seed=0)
    batches(source, 6)
    drawn = source.state()["drawn"]
    assert set(drawn) == set(NAMES)
    assert drawn["event"] == 24
    assert sum(drawn.values()) == 48
    for kinds, wanted in ((Kinds(event=1.0), 1.0), (Kinds(event=0.0), 0.0)):
        some = dataclasses.replace(data, kinds=kinds).train(SPEC, batch_size=8, seed=0)
        near = np.abs(some.next_batch().labels.event_offset).min(axis=1) <= 8
        assert near.mean() == wanted


def test_decoded_records_are_found_and_change_no_bit(data, capsys):
    assert isinstance(data.stacks("train"), Encoded)
    before = batches(data.train(SPEC, batch_size=4, seed=1), 2)
    folder = data.decode("train")
    assert folder == data.decoded_folder("train")
    assert str(folder) in capsys.readouterr().out
    assert isinstance(data.stacks("train"), Decoded)
    assert isinstance(data.stacks("validation"), Encoded)
    assert_same(batches(data.train(SPEC, batch_size=4, seed=1), 2), before)
    plain = dataclasses.replace(data, cache=False)
    assert isinstance(plain.stacks("train"), Encoded)


def test_records_that_were_built_anew_are_not_served_decoded(data, tmp_path):
    copy = shutil.copytree(data.root, tmp_path / "copy")
    other = dataclasses.replace(data, root=copy)
    other.decode("train")
    assert isinstance(other.stacks("train"), Decoded)
    next(copy.glob("*train*")).touch()
    assert isinstance(other.stacks("train"), Encoded)


def test_without_the_cache_the_users_directory_stays_empty(data, cache_home):
    plain = dataclasses.replace(data, cache=False)
    plain.train(SPEC, batch_size=2, seed=0)
    assert not cache_home.exists()
    assert plain.index("train").kinds.tolist() == data.index("train").kinds.tolist()
    assert list(store.temporary().rglob("kinds.npy"))


def test_validation_is_always_the_same(data):
    found = list(data.validation(SPEC, batch_size=4))
    assert len(found) == 2
    assert_same(found, list(data.validation(SPEC, batch_size=4)))
    few = dataclasses.replace(data, validation_samples=3)
    (batch,) = few.validation(SPEC, batch_size=3)
    wanted = data.windows("validation", SPEC, jitter=1.0, away=0.0)
    for row, number in enumerate((0, 4, 7)):
        clip = wanted.sample(number, np.random.default_rng(0))
        np.testing.assert_array_equal(batch.frames[row], clip.frames)


def test_a_data_set_without_validation_has_none(data, tmp_path):
    from bench import stack_files
    from tests.pipeline.conftest import MADE

    root = stack_files.write(tmp_path / "bare", MADE, {"train": 3})
    bare = StackRecords(root)
    assert list(bare.validation(SPEC, batch_size=2)) == []
    assert list(bare.recordings("test")) == []


def test_recordings_are_the_original_videos_of_the_split(data, tmp_path):
    def video(name):
        clip = openttgames.clip_files(tmp_path, name)
        with VideoWriter(clip.video, fps=30, size_hw=(32, 64)) as writer:
            for _ in range(4):
                writer.write(np.zeros((32, 64, 3), np.uint8))
        balls = openttgames.Balls(
            np.array([1]), np.array([[8.5, 9.5]], np.float32), np.array([1], np.int8)
        )
        openttgames.write_balls(clip.balls, balls)

    assert list(data.recordings("test")) == []
    for name in ("test_0", "train_0"):
        video(name)
    given = dataclasses.replace(data, videos=tmp_path)
    (one,) = given.recordings("test")
    assert one.name == "test_0"
    assert len(list(one.frames())) == 4
    with pytest.raises(ValueError, match=r"\['train_1', 'train_2', 'train_3'\]"):
        list(given.recordings("train"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": Window(5)}, "stacks of 3 frames"),
        ({"frame_hw": (64, 160)}, "frame 0 of 'train_0'"),
        ({"canvas_hw": (128, 320)}, "larger canvases"),
    ],
)
def test_a_spec_that_does_not_fit_fails_before_training(data, change, message):
    spec = dataclasses.replace(SPEC, **change)
    with pytest.raises(ValueError, match=message):
        data.train(spec, batch_size=2, seed=0)


def test_what_is_not_there_says_so(tmp_path, cache_home):
    with pytest.raises(FileNotFoundError, match="build it"):
        StackRecords(tmp_path).train(SPEC, batch_size=2, seed=0)
    with pytest.raises(ValueError, match="`away` is a share"):
        StackRecords(tmp_path, away=2.0)
