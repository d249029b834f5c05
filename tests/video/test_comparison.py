import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from tests import brightest
from tests.deepsportlab import answers
from ttjax.deepsportlab import overlay
from ttjax.deepsportlab.config import nano
from ttjax.deepsportlab.decoder import Decoder
from ttjax.deepsportlab.task import Task
from ttjax.media.reader import Reader
from ttjax.scenes import SourceLabels
from ttjax.video.comparison import Comparison, labelled
from ttjax.video.recorder import Observer

FACTOR = -(-overlay.LEAST_WIDTH // answers.HW[1])


@dataclasses.dataclass(frozen=True)
class Labels:
    """The same scene again and again."""

    length: int
    in_source: bool

    def example_labels(self, number):
        known: Any = jax.tree.map(lambda leaf: leaf[0], answers.scene().labels)
        return SourceLabels(scene=known) if self.in_source else known


@dataclasses.dataclass(frozen=True)
class Scenes:
    """A recording of the scene of `answers`."""

    name: str = "hall/1.jpg"
    length: int = 3
    in_source: bool = True
    fps: float = 5.0
    size_hw: tuple[int, int] = answers.HW

    @property
    def labels(self):
        return Labels(self.length, self.in_source)

    def frames(self):
        yield from [np.asarray(answers.scene().image[0])] * self.length


@pytest.fixture(scope="module")
def task():
    config = nano(image_hw=answers.HW, players=answers.ROWS)
    assert config.map_stride == answers.STRIDE
    return Task(config=config, decoder=Decoder(players=answers.ROWS))


def watched(directory, task, *recordings, limit=9):
    with Observer(directory, task, limit=limit) as observer:
        for recording in recordings:
            for frame in recording.frames():
                observer(recording, frame, answers.right())
    return observer.paths


@pytest.mark.parametrize("in_source", [False, True])
def test_a_frame_with_its_labels_is_a_scene_that_the_task_draws(task, in_source):
    recording = Scenes(in_source=in_source)
    frame = next(recording.frames())
    scene: Any = labelled(recording, 1, frame)
    (drawn,) = task.overlay(scene, answers.right())
    (want,) = task.overlay(answers.scene(), answers.right())
    np.testing.assert_array_equal(drawn, want)
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert {overlay.FOUND, overlay.LABEL} <= colours


def test_tables_of_clips_give_no_scene():
    frames, xy = brightest.video(3)
    clip = brightest.Clip("a", frames, xy)
    assert labelled(clip, 0, frames[0]) is None


def test_a_recording_of_scenes_becomes_a_video_beside_the_truth(task, tmp_path):
    (path,) = watched(tmp_path, task, Scenes("hall/1"), Scenes("hall/2"), limit=1)
    assert path == tmp_path / "hall_1.mp4"
    video = Reader(path)
    frames = list(video)
    assert len(frames) == 3
    height, width = (FACTOR * side for side in answers.HW)
    assert video.size_hw == (height - height % 2, width - width % 2)
    (want,) = task.overlay(answers.scene(), answers.right())
    off = np.abs(
        frames[2].astype(int) - want[: height - height % 2, : width - width % 2]
    )
    assert off.mean() < 6


def test_a_single_picture_becomes_a_png(task, tmp_path):
    cv2 = pytest.importorskip("cv2")
    (path,) = watched(tmp_path, task, Scenes(length=1))
    assert path == tmp_path / "hall_1.jpg.png"
    assert list(tmp_path.iterdir()) == [path]
    (want,) = task.overlay(answers.scene(), answers.right())
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], want)


def stumble(comparison):
    with comparison as entered:
        entered.push(next(Scenes().frames()), answers.right())
        raise KeyError


@pytest.mark.parametrize("length", [1, 2])
def test_an_error_leaves_no_picture(task, tmp_path, length):
    with pytest.raises(KeyError):
        stumble(Comparison(tmp_path / "a", task, Scenes(length=length)))
    assert not list(tmp_path.iterdir())


def test_frames_without_labels_are_refused(task, tmp_path):
    frames, xy = brightest.video(3)
    clip = brightest.Clip("a", frames, xy)
    with pytest.raises(ValueError, match="frame 0 of 'a' has none"):
        Comparison(tmp_path / "a", task, clip).push(frames[0], None)
