import jax
import numpy as np
import pytest

from tests import brightest
from ttjax.media import nv12
from ttjax.predictor.stream import Stream, one_behind, private
from ttjax.samples import Window

HW = (24, 36)


of, same = brightest.predictor, brightest.same


@pytest.fixture(scope="module")
def plain():
    return of()


def test_a_frame_that_is_written_over_after_the_push_changes_nothing():
    """At every alignment in memory: some invite the device to share it."""
    applied = of(brightest.Window(3, ball_at=0))
    hw = (240, 360)
    frames, xy = brightest.video(12, hw)
    for shift in range(0, 64, 16):
        raw = np.zeros(frames[0].size + 64, np.uint8)
        buffer = raw[shift : shift + frames[0].size].reshape(frames[0].shape)
        stream, found = applied.stream(hw), []
        for frame in frames:
            buffer[:] = frame
            found.append(stream.push(buffer))
            buffer[:] = 0
        np.testing.assert_allclose([p.xy_px[0] for p in found[2:]], xy[:-2])


def test_padding_gives_answers_from_the_first_frame_on(plain):
    frames, xy = brightest.video(4)
    stream = plain.stream(HW, pad_first=True)
    found = [stream.push(frame) for frame in frames]
    np.testing.assert_allclose([p.xy_px[0] for p in found], xy)
    stack = np.stack([frames[0], frames[0], frames[1]])
    same(found[1], plain.predict(stack).replace(masks=None))


def test_masks_come_when_they_are_asked_for(plain):
    frames, _ = brightest.video(7)
    stream = plain.stream(HW, masks_every=2)
    there = [getattr(stream.push(f), "masks", None) is not None for f in frames]
    assert there == [False, False, True, False, True, False, True]
    stream = plain.stream(HW)
    asked = [stream.push(frame, masks=n == 3) for n, frame in enumerate(frames)]
    there = [getattr(found, "masks", None) is not None for found in asked]
    assert there == [n == 3 for n in range(7)]


def test_whole_frames_are_kept_only_where_crops_are_cut_from_them():
    for canvas in (True, False):
        stream = of(canvas=canvas).stream(HW)
        assert isinstance(stream, Stream)
        for frame in brightest.video(5)[0]:
            stream.push(frame)
        assert stream._ring.views.shape == (3, 1, 8, 12, 3)
        assert (stream._ring.frames is not None) == canvas
        assert stream.pushed == 5


def test_the_ring_is_donated_and_never_copied(plain):
    """The same memory, however many frames come."""
    stream = plain.stream(HW)
    places = set()
    for frame in brightest.video(9)[0]:
        stream.push(frame)
        before = stream._ring.frames
        places.add(before.unsafe_buffer_pointer())
    assert len(places) == 1
    stream.push(frame)
    assert before.is_deleted()


def test_several_streams_answer_like_each_alone():
    applied = of(Window(3, stride=2))
    videos = [brightest.video(8, seed=seed)[0] for seed in range(3)]
    together = applied.stream(HW, streams=3, masks_every=1)
    alone = [applied.stream(HW, masks_every=1) for _ in videos]
    for frames in zip(*videos, strict=True):
        found = together.push(np.stack(frames))
        for row, (stream, frame) in enumerate(zip(alone, frames, strict=True)):
            one = stream.push(frame)
            assert (one is None) == (found is None)
            if one is not None:
                same(jax.tree.map(lambda leaf: leaf[row : row + 1], found), one)  # noqa: B023


def test_half_the_bytes_give_the_answers_of_what_they_mean(plain):
    frames, _ = brightest.video(6)
    colours, bytes_of = plain.stream(HW), plain.stream(HW, nv12=nv12.BT709)
    for frame in frames:
        planes = nv12.pack(frame)
        rgb = np.asarray(nv12.rgb(jax.numpy.asarray(planes)))
        want = colours.push(rgb)
        found = bytes_of.push(planes)
        assert (found is None) == (want is None)
        if want is not None:
            same(found, want)
    with pytest.raises(ValueError, match=r"in NV12 bytes.*\(36, 36\), got"):
        bytes_of.push(frames[0])
    with pytest.raises(ValueError, match="even h and w"):
        plain.stream((25, 36), nv12=nv12.BT709)
    with pytest.raises(ValueError, match="streams=0"):
        plain.stream(HW, streams=0)


def test_a_private_copy_is_nobody_elses():
    frame = np.zeros((2, 2, 3), np.uint8)
    copy = private(frame)
    frame += 1
    assert not copy.any()
    on_device = jax.numpy.zeros((2, 2, 3), jax.numpy.uint8)
    assert private(on_device) is on_device


def test_items_come_one_behind():
    made = []

    def items():
        for number in range(4):
            made.append(number)
            yield number

    given = [(item, len(made)) for item in one_behind(items())]
    assert given == [(0, 2), (1, 3), (2, 4), (3, 4)]
    assert list(one_behind([])) == []


@pytest.mark.parametrize("window", [Window(1), Window(3), Window(3, stride=2)], ids=str)
@pytest.mark.parametrize("canvas", [True, False])
def test_a_stream_answers_like_its_windows_one_by_one(window, canvas):
    applied = of(window, canvas=canvas)
    frames, _ = brightest.video(9)
    stream = applied.stream(HW, masks_every=1)
    assert isinstance(stream, Stream)
    for number, frame in enumerate(frames):
        predictions = stream.push(frame)
        first = number - window.span + 1
        assert (predictions is None) == (first < 0)
        if predictions is not None:
            stack = frames[first : number + 1 : window.stride]
            same(predictions, applied.predict(stack))


def test_answers_are_those_of_a_loop_in_numpy(plain):
    """The ball in full resolution, the event in a box average of the middle frame."""
    frames, xy = brightest.video(6)
    stream = plain.stream(HW)
    for number, frame in enumerate(frames):
        predictions = stream.push(frame)
        if number >= 2:
            np.testing.assert_allclose(predictions.xy_px[0], xy[number])
            boxes = frames[number - 1].reshape(8, 3, 12, 3, 3).mean((1, 3))
            flash = np.floor(boxes + 0.5).mean() / 255
            np.testing.assert_allclose(predictions.flash[0], flash, atol=2e-4)
