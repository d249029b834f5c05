import gc
import os
import pathlib
from typing import Any

import jax
import numpy as np
import pytest

from tests import brightest
from ttjax import checkpoints, predictor
from ttjax.predictor.predictor import Predictor, load
from ttjax.samples import Window
from ttjax.ttnet import config as ttnet_config
from ttjax.ttnet import task as ttnet_task

HW = (24, 36)


of, same = brightest.predictor, brightest.same


@pytest.fixture(scope="module")
def plain():
    return of()


def test_what_is_not_asked_for_is_not_computed(plain):
    plain.stream(HW, masks_every=2)
    (programs,) = plain._streams.values()
    cheap, dear = (programs.step(masks=masks) for masks in (False, True))
    assert programs.step(masks=False) is cheap
    shapes = [leaf.shape for leaf in jax.tree.leaves(cheap.out_info)]
    assert (1, 8, 12, 1) not in shapes
    assert (1, 8, 12, 1) in [leaf.shape for leaf in jax.tree.leaves(dear.out_info)]


@pytest.mark.parametrize("window", [Window(1), Window(3, stride=2)], ids=str)
@pytest.mark.parametrize("count", [5, 8, 12])
def test_a_clip_at_once_answers_like_its_stream(window, count):
    """Whatever is left over at the end, and every frame uploaded once."""
    applied = of(window)
    frames, _ = brightest.video(count)
    stream = applied.stream(HW, masks_every=1)
    pushed = [found for frame in frames if (found := stream.push(frame)) is not None]
    want = jax.tree.map(lambda *rows: np.concatenate(rows), *brightest.host(pushed))
    found = applied.clip(frames, batch=4, masks=True)
    assert len(found.present) == count - window.span + 1
    same(found, want)
    assert applied.clip(frames[: window.span]).masks is None


def test_windows_come_as_the_frames_do():
    applied, drawn = of(), []

    def video():
        for number, frame in enumerate(brightest.video(11)[0]):
            drawn.append(number)
            yield frame

    sizes = []
    for part in applied.windows(video(), batch=4):
        sizes.append((len(part.present), len(drawn)))
    assert sizes == [(4, 6), (4, 10), (1, 11)]
    with pytest.raises(ValueError, match="spans 3 frames, got 2"):
        next(applied.windows(brightest.video(2)[0]))


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


def test_the_nano_s_batches_say_what_its_stream_says(nano):
    """As far as sums in another order agree."""
    frames = np.random.default_rng(0).integers(0, 256, (6, 80, 96, 3), np.uint8)
    together = nano.clip(frames, batch=3)
    alone = nano.clip(frames, batch=1)
    assert together.masks is None
    assert together.events.shape == (4, 2)
    for left, right in zip(
        jax.tree.leaves(together), jax.tree.leaves(alone), strict=True
    ):
        np.testing.assert_allclose(left, right, atol=1e-3)


def test_a_checkpoint_becomes_a_predictor(tmp_path, monkeypatch):
    def loaded(path, which):
        assert (path, which) == (tmp_path, "latest")
        return brightest.Task(), brightest.VARIABLES, {"step": 7}

    monkeypatch.setattr(checkpoints, "load", loaded)
    found = load(tmp_path, "latest")
    assert found.metadata == {"step": 7}
    assert isinstance(found, predictor.Predictor)


def test_a_long_stream_compiles_once_and_does_not_grow(nano):
    """A thousand frames: no compilation, no hidden copy to or from the device."""
    frame = np.random.default_rng(0).integers(0, 256, (80, 96, 3), np.uint8)
    stream = nano.stream((80, 96), masks_every=4)
    compiled, on_device, resident = [], {}, {}

    def listen(event: str, duration_secs: float, **_: Any) -> None:
        if "backend_compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for number in range(1, 1001):
            with jax.transfer_guard("disallow"):
                found = stream.push(frame)
            if found is not None:
                jax.block_until_ready(found)
            if number in (100, 1000):
                del found
                gc.collect()
                on_device[number] = sum(array.nbytes for array in jax.live_arrays())
                resident[number] = memory()
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert not compiled
    assert on_device[1000] == on_device[100]
    assert resident[1000] <= 1.01 * resident[100]


def memory():
    """Resident bytes of this process."""
    fields = pathlib.Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")
