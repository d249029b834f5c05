import jax
import numpy as np
import pytest

from tests import brightest
from ttjax import checkpoints, predictor
from ttjax.predictor import Kept, Predictor, Stream, load, one_behind
from ttjax.samples import Window
from ttjax.ttnet import config as ttnet_config
from ttjax.ttnet import task as ttnet_task

HW = (24, 36)


def of(window=brightest.SHORT, **fields):
    task = brightest.Task(brightest.Config(window=window, **fields))
    return Predictor(task, brightest.VARIABLES)


def same(left, right):
    left, right = brightest.host((left, right))
    jax.tree.map(np.testing.assert_array_equal, left, right)


@pytest.fixture(scope="module")
def plain():
    return of()


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


def test_what_is_not_asked_for_is_not_computed(plain):
    cheap, dear = (plain.compile(HW, masks=masks) for masks in (False, True))
    assert plain.compile(HW) is cheap
    shapes = [leaf.shape for leaf in jax.tree.leaves(cheap.out_info)]
    assert (1, 8, 12, 1) not in shapes
    assert (1, 8, 12, 1) in [leaf.shape for leaf in jax.tree.leaves(dear.out_info)]


def test_full_frames_are_kept_only_where_crops_are_cut_from_them():
    for canvas in (True, False):
        stream = of(canvas=canvas).stream(HW)
        for frame in brightest.video(5)[0]:
            stream.push(frame)
        kept = list(stream._older)
        assert len(kept) == 2
        assert all(isinstance(frame, Kept) for frame in kept)
        assert all((frame.frame is not None) == canvas for frame in kept)
        assert stream.pushed == 5


def test_wrong_frames_are_refused(plain):
    frames, _ = brightest.video(3)
    with pytest.raises(ValueError, match="holds 3 frames, got 2"):
        plain.predict(frames[:2])
    with pytest.raises(ValueError, match="8 x 12 px, got 6 x 36"):
        plain.stream((6, 36))
    stream = plain.stream(HW)
    with pytest.raises(ValueError, match="24 x 36 px in RGB bytes"):
        stream.push(frames[0][:-1])
    assert stream.pushed == 0


def test_items_come_one_behind():
    made = []

    def items():
        for number in range(4):
            made.append(number)
            yield number

    given = [(item, len(made)) for item in one_behind(items())]
    assert given == [(0, 2), (1, 3), (2, 4), (3, 4)]
    assert list(one_behind([])) == []


@pytest.fixture(scope="module")
def nano():
    """A nano of three frames, its weights drawn at random."""
    config = ttnet_config.nano(
        window=Window(3), frame_hw=(64, 64), crop_hw=(64, 64), canvas_margin=(0, 0)
    )
    task = ttnet_task.Task(config)
    return Predictor(task, brightest.drawn(config.abstract_variables()))


def test_the_nano_streams_what_it_predicts(nano):
    frames = np.random.default_rng(0).integers(0, 256, (4, 80, 96, 3), np.uint8)
    stream = nano.stream((80, 96), masks_every=1)
    last = [stream.push(frame) for frame in frames][-1]
    same(last, nano.predict(frames[1:]))
    assert last.ball_local is not None
    assert last.masks.shape == (1, 64, 64, 3)
    assert last.source_hw.tolist() == [[80, 96]]
    with pytest.raises(ValueError, match=r"64\D+64.*got 60"):
        nano.stream((60, 96))


def test_a_checkpoint_becomes_a_predictor(nano, tmp_path, monkeypatch):
    def loaded(path, which):
        assert (path, which) == (tmp_path, "latest")
        return nano.task, nano.variables, {"step": 7}

    monkeypatch.setattr(checkpoints, "load", loaded)
    found = load(tmp_path, "latest")
    assert found.metadata == {"step": 7}
    assert isinstance(found, predictor.Predictor)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")
