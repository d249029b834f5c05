import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax import samples

SPEC = samples.ClipSpec(
    window=samples.Window(frames=4),
    frame_hw=(8, 16),
    canvas_hw=(10, 20),
    events=("bounce", "net"),
    masks=("table",),
)


@pytest.mark.parametrize(
    ("frames", "stride", "span", "middle"), [(9, 1, 9, 4), (4, 3, 10, 2), (1, 5, 1, 0)]
)
def test_ball_belongs_to_the_last_frame_events_to_the_middle_the_later_of_two(
    frames, stride, span, middle
):
    window = samples.Window(frames=frames, stride=stride)
    assert window.ball_at == frames - 1
    assert window.event_at == middle
    assert window.span == span


def test_offsets_count_source_frames_back_from_the_newest():
    window = samples.Window(frames=5, stride=3)
    assert [window.offset(index) for index in range(5)] == [-12, -9, -6, -3, 0]


@pytest.mark.parametrize(
    ("fields", "remedy"),
    [
        ({"frames": 0}, "set `frames`"),
        ({"frames": 65}, "set `frames`"),
        ({"stride": 0}, "at least 1"),
        ({"frames": 5, "ball_at": 5}, "0..4"),
        ({"frames": 5, "event_at": -1}, "0..4"),
    ],
)
def test_a_window_that_cannot_be_is_refused(fields, remedy):
    with pytest.raises(ValueError, match=remedy):
        samples.Window(**fields)


def test_a_batch_has_the_shapes_that_the_spec_asks_for():
    clip = SPEC.batch(2)
    assert isinstance(clip, samples.Clip)
    assert isinstance(clip.labels, samples.Labels)
    shapes = {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(clip)
    }
    assert shapes == {
        "frames": (2, 4, 8, 16, 3),
        "canvas": (2, 4, 10, 20, 3),
        "canvas_xy": (2, 2),
        "source_hw": (2, 2),
        "labels/ball_xy_px": (2, 4, 2),
        "labels/ball_state": (2, 4),
        "labels/event_offset": (2, 2),
        "labels/event_known": (2, 2),
        "labels/masks": (2, 8, 16, 1),
        "labels/masks_known": (2, 1),
    }
    assert dataclasses.replace(SPEC, canvas_hw=None).batch(2).canvas is None


def test_states_of_the_ball_differ_and_fit_a_byte():
    states = {samples.ABSENT, samples.VISIBLE, samples.UNKNOWN}
    assert len(states) == 3
    assert set(np.array(sorted(states), np.int8).tolist()) == states
    assert not np.isfinite(samples.NO_EVENT)


def test_the_length_of_a_label_table_is_that_of_its_states():
    labels = samples.FrameLabels(
        ball_xy_px=np.zeros((7, 2), np.float32), ball_state=np.zeros(7, np.int8)
    )
    assert labels.length == 7


class Memory:
    """A recording, a source and data at once, by having their methods."""

    name, fps, size_hw, labels = "memory", 120.0, (8, 16), None

    def frames(self):
        yield np.zeros((8, 16, 3), np.uint8)

    def next_batch(self):
        return next(self.frames())

    def state(self):
        return {}

    def restore(self, state):
        del state

    def train(self, spec, *, batch_size, seed):
        del spec, batch_size, seed
        return self

    def validation(self, spec, *, batch_size):
        del spec, batch_size
        return []

    def recordings(self, split):
        del split
        return [self]


@pytest.mark.parametrize(
    "protocol",
    [samples.Recording, samples.Source, samples.Data],
    ids=lambda p: p.__name__,
)
def test_a_protocol_is_met_by_its_methods(protocol):
    assert isinstance(Memory(), protocol)
    assert not isinstance(object(), protocol)


def test_licences_are_those_that_data_state():
    class Licensed(Memory):
        licences = ("CC BY",)

    assert samples.licences_of(Licensed()) == ("CC BY",)
    assert samples.licences_of(Memory()) == ()


def test_labels_of_single_frames_are_asked_for_by_their_number():
    class Doubled:
        length = 3

        def example_labels(self, number):
            return 2 * number

    assert isinstance(Doubled(), samples.ExampleLabels)
    assert not isinstance(Memory(), samples.ExampleLabels)


def test_an_example_of_whole_frames_has_no_labels():
    """Windows share frames; of each of them the label says that nothing is known."""
    spec = samples.ClipSpec(samples.Window(2), (4, 6), (4, 6), ("bounce",), ("table",))
    views = jnp.zeros((3, 2, 4, 6, 3), jnp.uint8)
    at = jnp.array([[0, 1], [1, 2], [2, 3]], jnp.int32)
    pool = samples.FramePool(jnp.zeros((4, 8, 12, 3), jnp.uint8), at)
    clip = spec.example(views, pool, (8, 12))
    assert clip.canvas is pool
    assert clip.source_hw.tolist() == [[8, 12]] * 3
    assert np.all(np.asarray(clip.labels.ball_state) == samples.UNKNOWN)
    want = dataclasses.replace(spec.batch(3), canvas=None)
    shapes = jax.tree.map(
        lambda leaf: leaf.shape, dataclasses.replace(clip, canvas=None)
    )
    assert shapes == jax.tree.map(lambda leaf: leaf.shape, want)
