import dataclasses

import numpy as np
import pytest

from ttjax.formats import stack_record
from ttjax.pipeline import stack_clips
from ttjax.pipeline.loader import Records
from ttjax.pipeline.stack_clips import StackClips
from ttjax.pipeline.stack_pixels import Decoded, Encoded, decode
from ttjax.pipeline.stack_set import StackSet
from ttjax.samples import NO_EVENT, VISIBLE, ClipSpec, Window

SPEC = ClipSpec(
    Window(3), (128, 320), (40, 56), ("net", "serve", "bounce"), ("scoreboard", "table")
)


@pytest.fixture(scope="module")
def encoded(made_stacks):
    return Encoded(StackSet(made_stacks).records("train"))


def windows(stacks, spec=SPEC, **fields):
    settings = {"jitter": 0.7, "away": 0.1, "chosen": None} | fields
    return StackClips(spec, stacks, stack_record.EVENTS, stack_record.MASKS, **settings)


def generator(seed=0):
    return np.random.default_rng(seed)


def test_clips_have_the_shapes_of_the_spec(encoded):
    records = windows(encoded)
    assert isinstance(records, Records)
    assert len(records) == 32
    clip, wanted = records.sample(1, generator()), SPEC.batch(1)
    for name in ("frames", "canvas", "canvas_xy", "source_hw"):
        found, due = getattr(clip, name), getattr(wanted, name)
        assert (found.dtype, found.shape) == (due.dtype, due.shape[1:])
    for name, found in vars(clip.labels).items():
        due = getattr(wanted.labels, name)
        assert (found.dtype, found.shape) == (due.dtype, due.shape[1:])


def test_a_ball_is_in_the_canvas_where_its_label_says(encoded):
    records = windows(encoded, jitter=1.0, away=0.0)
    shown = 0
    for number in range(len(records)):
        clip = records.sample(number, generator(number))
        state = clip.labels.ball_state
        at = np.floor(clip.labels.ball_xy_px - clip.canvas_xy).astype(int)
        inside = (at >= 0).all(axis=1) & (at < [56, 40]).all(axis=1)
        for frame in np.flatnonzero(inside & (state == VISIBLE)):
            x, y = at[frame]
            assert np.asarray(clip.canvas)[frame, y, x].min() > 200
            shown += 1
    assert shown > 50


def test_canvases_lie_inside_the_recorded_one_and_are_its_pixels(encoded):
    for number in range(8):
        stack = encoded[number]
        clip = windows(encoded, away=0.5).sample(number, generator(number))
        x, y = clip.canvas_xy - stack.facts.canvas_xy
        assert x % 2 == y % 2 == 0
        whole = np.stack(list(stack.canvas()))
        np.testing.assert_array_equal(clip.canvas, whole[:, y : y + 40, x : x + 56])
        np.testing.assert_array_equal(clip.frames, np.stack(list(stack.frames())))


def test_the_draw_places_the_canvas_and_nothing_else(encoded):
    records = windows(encoded)
    clips = [records.sample(0, generator(seed)) for seed in (1, 1, 2, 3, 4)]
    corners = [clip.canvas_xy.tolist() for clip in clips]
    assert corners[0] == corners[1]
    assert len(set(map(tuple, corners))) > 2
    for clip in clips:
        np.testing.assert_array_equal(clip.frames, clips[0].frames)
        np.testing.assert_array_equal(
            clip.labels.ball_xy_px, clips[0].labels.ball_xy_px
        )


def test_labels_follow_the_names_of_the_spec(encoded):
    for number in range(8):
        facts, masks = encoded[number].facts, encoded[number].masks()
        labels = windows(encoded).sample(number, generator()).labels
        bounce, net = facts.event_offset
        assert labels.event_offset.tolist() == [net, NO_EVENT, bounce]
        assert labels.event_known.tolist() == [True, False, True]
        assert labels.masks_known.tolist() == [masks is not None] * 2
        if masks is not None:
            np.testing.assert_array_equal(labels.masks, masks[..., [2, 0]])
        np.testing.assert_array_equal(labels.ball_state, facts.ball_state)
        np.testing.assert_array_equal(labels.ball_xy_px, facts.ball_xy_px)


def test_specs_may_leave_out_canvas_events_and_masks(encoded):
    bare = ClipSpec(Window(3), (128, 320), None, (), ())
    clip = windows(encoded, bare).sample(1, generator())
    assert clip.canvas is None
    assert not clip.canvas_xy.any()
    assert clip.labels.event_offset.shape == (0,)
    assert clip.labels.masks.shape == (128, 320, 0)


def test_chosen_stacks_alone_are_served(encoded):
    records = windows(encoded, chosen=np.array([5, 2]))
    assert len(records) == 2
    np.testing.assert_array_equal(
        records.sample(1, generator()).frames,
        windows(encoded).sample(2, generator()).frames,
    )


def test_decoded_stacks_give_the_same_clips(encoded, tmp_path):
    decode(encoded, tmp_path / "kept", "x")
    kept = windows(Decoded(tmp_path / "kept"))
    for number in range(8):
        one = kept.sample(number, generator(number))
        other = windows(encoded).sample(number, generator(number))
        np.testing.assert_array_equal(one.canvas, other.canvas)
        np.testing.assert_array_equal(one.canvas_xy, other.canvas_xy)
        np.testing.assert_array_equal(one.labels.masks, other.labels.masks)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (Window(5), r"3 frames at stride 1, the task takes 5 .*Window\(frames=3"),
        (Window(3, stride=2), "at stride 2"),
        (Window(3, ball_at=1), "Masks .* frame, 2, .* takes those of frame 1"),
    ],
)
def test_windows_that_do_not_fit_say_so(window, message):
    spec = dataclasses.replace(SPEC, window=window)
    with pytest.raises(ValueError, match=message):
        stack_clips.check_window(spec, 3, 1, "this set")


@pytest.mark.parametrize("strides", [(), (0,), (1, 2)])
def test_strides_that_do_not_fit_say_so(strides):
    with pytest.raises(ValueError, match=r"strides|at stride 1 times 2: "):
        stack_clips.check_window(SPEC, 3, 1, "this set", strides)
    stack_clips.check_window(SPEC, 5, 1, "this set", (1, 2))


def test_frames_are_picked_back_from_the_newest():
    def picked(*arguments):
        found = stack_clips.pick(*arguments)
        assert found is not None
        return list(range(17))[found]

    assert picked(Window(9), 17, 1) == [*range(8, 17)]
    assert picked(Window(9), 17, 1, 2) == [*range(0, 17, 2)]
    assert picked(Window(5, stride=2), 17, 1, 2) == [0, 4, 8, 12, 16]
    assert picked(Window(3, stride=4), 17, 2) == [12, 14, 16]
    assert stack_clips.pick(Window(9), 17, 1, 3) is None
    assert stack_clips.pick(Window(3, stride=3), 17, 2) is None


@pytest.mark.parametrize("source", ["encoded", "decoded"])
def test_a_drawn_stride_skips_frames_with_their_labels(encoded, tmp_path, source):
    stacks = encoded
    if source == "decoded":
        decode(encoded, tmp_path / "kept", "x")
        stacks = Decoded(tmp_path / "kept")
    spec = dataclasses.replace(SPEC, window=Window(2))
    whole = windows(stacks, dataclasses.replace(SPEC, window=Window(3)))
    seen = set()
    for number in range(24):
        facts = stacks[number].facts
        full = whole.sample(number, generator())
        records = windows(stacks, spec, strides=(1, 2))
        clip = records.sample(number, generator(number))
        fits = {
            step
            for step in (1, 2)
            if (clip.frames == np.asarray(full.frames)[[2 - step, 2]]).all()
        }
        assert fits
        if len(fits) > 1:
            continue
        step = fits.pop()
        seen.add(step)
        picked = [2 - step, 2]
        np.testing.assert_array_equal(clip.labels.ball_xy_px, facts.ball_xy_px[picked])
        np.testing.assert_array_equal(clip.labels.ball_state, facts.ball_state[picked])
        np.testing.assert_array_equal(clip.labels.masks, full.labels.masks)
        # The event frame is the second and newest: one recorded frame after the middle.
        bounce, net = (facts.event_offset - 1) / step
        assert clip.labels.event_offset.tolist() == [net, NO_EVENT, bounce]
    assert seen == {1, 2}


def test_what_is_not_asked_for_need_not_fit():
    window = Window(3, ball_at=1, event_at=0)
    bare = ClipSpec(window, (128, 320), None, (), ())
    stack_clips.check_window(bare, 3, 1, "this set")


def test_sizes_that_do_not_fit_name_the_stack(encoded):
    stack = encoded[3]
    spec = dataclasses.replace(SPEC, frame_hw=(64, 160))
    place = stack.facts.place
    assert place == "frame 3 of 'train_0'"
    with pytest.raises(ValueError, match=f"64 x 160 px, {place} has them of 128 x 320"):
        stack_clips.check_frames(stack, stack.frames(), spec)
    with pytest.raises(ValueError, match=f"{place} has 64 x 96 px, .* takes 66 x 96"):
        stack_clips.check_canvas(stack, stack.canvas(), (66, 96))
    stack_clips.check_canvas(stack, stack.canvas(), (64, 96))
    large = dataclasses.replace(SPEC, canvas_hw=(40, 98))
    with pytest.raises(ValueError, match="takes 40 x 98 px"):
        windows(encoded, large).sample(3, generator())
