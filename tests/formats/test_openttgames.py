import json

import numpy as np
import pytest

from ttjax import samples
from ttjax.formats import openttgames


def _balls():
    return openttgames.Balls(
        frames=np.array([3, 4, 7]),
        xy_px=np.array([[506.5, 523.5], [0.25, 1079.9], [9.0, 9.0]], np.float32),
        state=np.array([1, 1, 0], np.int8),
    )


def test_states_are_those_of_the_samples():
    assert openttgames.ABSENT == samples.ABSENT
    assert openttgames.VISIBLE == samples.VISIBLE


def test_labels_are_pixel_indices_and_points_their_centres():
    label = np.array([[0, 0], [1919, 1079]])
    centre = openttgames.centre_of_label(label)
    np.testing.assert_array_equal(centre, [[0.5, 0.5], [1919.5, 1079.5]])
    np.testing.assert_array_equal(openttgames.label_of_centre(centre), label)


def test_balls_written_and_read_are_within_half_a_pixel(tmp_path):
    path = tmp_path / "clip" / openttgames.BALL_FILE
    openttgames.write_balls(path, _balls())
    content = json.loads(path.read_text())
    assert content == {
        "3": {"x": 506, "y": 523},
        "4": {"x": 0, "y": 1079},
        "7": {"x": -1, "y": -1},
    }
    read = openttgames.read_balls(path)
    np.testing.assert_array_equal(read.frames, [3, 4, 7])
    np.testing.assert_array_equal(read.state, [1, 1, 0])
    assert np.abs(read.xy_px[:2] - _balls().xy_px[:2]).max() <= 0.5


def test_a_ball_above_the_picture_is_absent(tmp_path):
    path = tmp_path / "ball_markup.json"
    path.write_text('{"5": {"x": 700, "y": -1}, "2": {"x": 0, "y": 0}}')
    read = openttgames.read_balls(path)
    np.testing.assert_array_equal(read.frames, [2, 5])
    np.testing.assert_array_equal(read.state, [1, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "valid JSON"),
        ("[]", "maps frames"),
        ('{"a": {"x": 1, "y": 2}}', "frame numbers"),
        ('{"1": {"x": 1}}', "must be"),
        ('{"1": {"x": 1.5, "y": 2}}', "must be"),
        ('{"1": {"x": true, "y": 2}}', "must be"),
        ('{"1": {"x": NaN, "y": 2}}', "NaN"),
        ('{"1": {"x": 1, "y": 2}, "1": {"x": 3, "y": 4}}', "twice"),
        ('{"1": {"x": 1920, "y": 2}}', "frame 1 has 1920, 2"),
    ],
)
def test_broken_ball_files_are_refused(tmp_path, text, message):
    path = tmp_path / "ball_markup.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        openttgames.read_balls(path, (1080, 1920))
    assert str(path) in str(error.value)


def test_events_round_trip_and_unknown_kinds_are_refused(tmp_path):
    path = tmp_path / "events_markup.json"
    events = {
        "net": np.array([9, 40]),
        "bounce": np.array([3, 40]),
        "empty_event": np.array([17]),
    }
    openttgames.write_events(path, events)
    read = openttgames.read_events(path)
    np.testing.assert_array_equal(read["bounce"], [3, 40])
    np.testing.assert_array_equal(read["net"], [9])
    np.testing.assert_array_equal(read["empty_event"], [17])
    with pytest.raises(ValueError, match="stroke"):
        openttgames.write_events(path, {"stroke": np.array([1])})
    path.write_text('{"1": "stroke"}')
    with pytest.raises(ValueError, match="stroke"):
        openttgames.read_events(path)


def test_masks_keep_table_red_humans_green_scoreboard_blue(tmp_path):
    cv2 = pytest.importorskip("cv2")
    masks = np.zeros((*openttgames.MASK_HW, 3), np.uint8)
    masks[:40, :, 0], masks[30:60, :, 1], masks[100:, :50, 2] = 1, 1, 1
    path = tmp_path / "segmentation_masks" / "12.png"
    openttgames.write_mask(path, masks)
    np.testing.assert_array_equal(openttgames.read_mask(path), masks)
    blue, green, red = cv2.split(cv2.imread(str(path)))
    assert red[0, 0] == 255
    assert green[59, 0] == 255
    assert blue[127, 0] == 255
    assert list(openttgames.mask_files(path.parent)) == [12]
    cv2.imwrite(str(path), np.full((8, 8, 3), 128, np.uint8))
    with pytest.raises(ValueError, match="0 or 255"):
        openttgames.read_mask(path)
    with pytest.raises(ValueError, match="320 x 128"):
        openttgames.read_mask(path, openttgames.MASK_HW)
    with pytest.raises(ValueError, match="no image"):
        openttgames.read_mask(tmp_path / "none.png")


def test_clips_are_found_and_a_missing_video_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="--data"):
        openttgames.find_clips(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="No clip"):
        openttgames.find_clips(tmp_path)
    clip: openttgames.ClipFiles = openttgames.clip_files(tmp_path, "game_1")
    openttgames.write_balls(clip.balls, _balls())
    with pytest.raises(ValueError, match="no video"):
        openttgames.find_clips(tmp_path)
    clip.video.touch()
    assert openttgames.find_clips(tmp_path) == [clip]


def test_clips_are_found_in_the_layouts_of_other_tools(tmp_path):
    for name in ("b", "a"):
        balls = openttgames.clip_files(tmp_path / "annotations", name).balls
        openttgames.write_balls(balls, _balls())
        (tmp_path / "videos").mkdir(exist_ok=True)
        (tmp_path / "videos" / f"{name}.mp4").touch()
    (tmp_path / "videos" / "unlabelled.mp4").touch()
    one, two = openttgames.find_clips(tmp_path)
    assert (one.name, two.name) == ("a", "b")
    assert one.video == tmp_path / "videos" / "a.mp4"
    assert one.masks == tmp_path / "annotations" / "a" / openttgames.MASKS_FOLDER
    openttgames.write_balls(openttgames.clip_files(tmp_path, "a").balls, _balls())
    with pytest.raises(ValueError, match=r"'a' has .* and .*annotations"):
        openttgames.find_clips(tmp_path)


CLIPS = [*(f"game_{n}" for n in range(1, 6)), *(f"test_{n}" for n in range(1, 8))]
LABELS = [6799, 17444, 7275, 7073, 7406, 887, 779, 805, 1319, 1018, 1308, 874]
ABSENT = [78, 169, 114, 102, 350, 7, 6, 7, 14, 10, 8, 104]


def test_real_labels_are_read_to_the_last_one(real_data):
    root = real_data / "openttgames" / "annotations"
    for clip, labels, absent in zip(CLIPS, LABELS, ABSENT, strict=True):
        balls = openttgames.read_balls(
            root / clip / openttgames.BALL_FILE, (1080, 1920)
        )
        assert (np.diff(balls.frames) > 0).all()
        assert (clip, len(balls.frames)) == (clip, labels)
        assert (clip, int((balls.state == openttgames.ABSENT).sum())) == (clip, absent)
        seen = balls.xy_px[balls.state == openttgames.VISIBLE]
        assert (seen >= 0).all()
        assert (seen <= [1920, 1080]).all()
    assert sum(LABELS) == 52987
