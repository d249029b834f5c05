import jax
import numpy as np
import pytest

from bench import examples, models
from bench.models import Model
from ttjax.samples import FramePool

TTNET = Model("ttnet", quick=True).task()
SPORT = Model("deepsportlab", quick=True).task()


def test_windows_of_ttnet_have_whole_frames_of_their_own():
    made = examples.example(TTNET, batch_size=2, source_hw=models.QUICK_HW)
    assert made.frames.shape == (2, 9, 64, 128, 3)
    assert isinstance(made.canvas, FramePool)
    assert made.canvas.pixels.shape == (18, *models.QUICK_HW, 3)
    assert sorted(made.canvas.at.ravel().tolist()) == list(range(18))
    alone = examples.with_own_frames(made)
    assert alone.canvas.shape == (2, 9, *models.QUICK_HW, 3)
    np.testing.assert_array_equal(alone.canvas[1, 2], made.canvas.pixels[11])


def test_scenes_have_no_frames_beside_their_view():
    made = examples.example(SPORT, batch_size=3, source_hw=models.QUICK_HW)
    assert made.image.shape == (3, 65, 65, 3)
    alone = examples.with_own_frames(made)
    np.testing.assert_array_equal(alone.image, made.image)


def test_several_differ_and_are_fewer_where_they_are_large(monkeypatch):
    few = examples.several(SPORT, batch_size=1, source_hw=models.QUICK_HW, most=3)
    assert len(few) == 3
    assert not np.array_equal(few[0].image, few[1].image)
    monkeypatch.setattr(examples, "MOST_BYTES", 30_000)
    large = examples.several(SPORT, batch_size=1, source_hw=models.QUICK_HW)
    assert len(large) == 2


def test_an_upload_is_a_copy():
    made = examples.example(TTNET, batch_size=1, source_hw=models.QUICK_HW)
    upload = examples.uploading(made)
    jax.tree.map(np.testing.assert_array_equal, upload(), made)


@pytest.mark.parametrize("task", [TTNET, SPORT])
def test_batches_to_train_on_are_what_the_task_asks_for(task):
    made, spec = examples.labelled(task, batch_size=2), task.spec(2)
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), (made, spec))
    assert shapes[0] == shapes[1]
    known = made.labels.masks_known
    assert known.all()
    pixels = made.frames if hasattr(made, "frames") else made.image
    assert pixels.std() > 70
    picture = examples.picture(np.random.default_rng(0), 4, 5)
    assert (picture.shape, picture.dtype) == ((4, 5), np.uint8)
