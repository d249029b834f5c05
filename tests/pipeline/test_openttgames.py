import numpy as np
import pytest

from ttjax.formats import openttgames as files
from ttjax.media.writer import VideoWriter
from ttjax.pipeline.openttgames import MaskFiles, of_files, recordings
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, Recording

HW = (48, 64)


@pytest.fixture
def root(tmp_path):
    for name in ("game_2", "game_1"):
        clip = files.clip_files(tmp_path, name)
        with VideoWriter(clip.video, fps=25, size_hw=HW) as video:
            for shade in range(10):
                video.write(np.full((*HW, 3), 20 * shade, np.uint8))
        xy = np.array([[5.5, 6.5], [7.5, 8.5], [0, 0]], np.float32)
        states = np.array([VISIBLE, VISIBLE, ABSENT], np.int8)
        files.write_balls(clip.balls, files.Balls(np.array([3, 4, 6]), xy, states))
        files.write_events(clip.events, {"bounce": np.array([4])})
        mask = np.zeros((8, 16, 3), np.uint8)
        mask[2:4, :, 0] = 1
        files.write_mask(clip.masks / "4.png", mask)
    return tmp_path


def test_clips_become_recordings_in_the_order_of_their_names(root):
    found = list(recordings(root))
    assert [one.name for one in found] == ["game_1", "game_2"]
    one = found[0]
    assert isinstance(one, Recording)
    assert (one.size_hw, one.fps) == (HW, 25)
    assert len(list(one.frames())) == one.labels.length == 10


def test_what_is_not_labelled_is_unknown(root):
    table = of_files(files.clip_files(root, "game_1")).labels
    expected = np.full(10, UNKNOWN)
    expected[[3, 4, 6]] = [VISIBLE, VISIBLE, ABSENT]
    np.testing.assert_array_equal(table.ball_state, expected)
    np.testing.assert_array_equal(table.ball_xy_px[3:5], [[5.5, 6.5], [7.5, 8.5]])
    assert table.events["bounce"].tolist() == [4]
    assert table.events["net"].tolist() == []
    files.clip_files(root, "game_2").events.unlink()
    assert not of_files(files.clip_files(root, "game_2")).labels.events


def test_events_come_from_the_file_that_the_builder_takes(root):
    clip = files.clip_files(root, "game_1")
    clip.events.rename(clip.events.with_name("events_bounce_net.json"))
    assert of_files(clip).labels.events["bounce"].tolist() == [4]
    other = clip.events.with_name("events_extended.json")
    other.write_text('{"3": "net", "6": "left_out"}')
    assert of_files(clip).labels.events["net"].tolist() == []
    clip.events.with_name("events_bounce_net.json").unlink()
    assert of_files(clip).labels.events["net"].tolist() == [3]
    other.write_text('{"1": "net", "2": "bounce"}')
    with pytest.warns(UserWarning, match="another clip"):
        assert not of_files(clip).labels.events


def test_masks_are_read_when_they_are_asked_for(root, tmp_path):
    masks = of_files(files.clip_files(root, "game_1")).labels.masks
    assert isinstance(masks, MaskFiles)
    assert (list(masks), len(masks), 4 in masks, 5 in masks) == ([4], 1, True, False)
    assert masks[4][..., 0].sum() == 2 * 16
    assert masks[4][..., 1:].sum() == 0
    with pytest.raises(KeyError):
        masks[5]
    assert len(MaskFiles(tmp_path / "nowhere")) == 0


def test_labels_beyond_the_video_are_an_error(root):
    clip = files.clip_files(root, "game_1")
    balls = files.read_balls(clip.balls)
    beyond = np.array([3, 4, 10])
    files.write_balls(clip.balls, files.Balls(beyond, balls.xy_px, balls.state))
    with pytest.raises(ValueError, match="'game_1' has labels up to frame 10"):
        of_files(clip)


def test_a_directory_without_clips_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="No clip"):
        list(recordings(tmp_path))
