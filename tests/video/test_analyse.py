import json

import numpy as np
import pytest

from tests import brightest
from ttjax.media.reader import Reader, VideoError
from ttjax.media.writer import VideoWriter
from ttjax.predictor import Predictor
from ttjax.samples import Window
from ttjax.video import analyse as module
from ttjax.video.analyse import Summary, analyse, rate_note
from ttjax.video.stream import Annotated

HW = (48, 64)


def write(path, count, fps=50):
    """A white square that moves; its centre in every frame."""
    centres = [(10.0 + 3 * n, 20.0) for n in range(count)]
    with VideoWriter(path, fps=fps, size_hw=HW, quality=5) as video:
        for x, y in centres:
            frame = np.full((*HW, 3), 30, np.uint8)
            frame[int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3] = 255
            video.write(frame)
    return centres


def lines(out):
    return [json.loads(line) for line in (out / module.FRAMES).read_text().splitlines()]


@pytest.fixture(scope="module")
def model():
    config = brightest.Config(window=Window(5, ball_at=4, event_at=2))
    return Predictor(brightest.Task(config), brightest.VARIABLES)


@pytest.fixture
def clip(tmp_path):
    return tmp_path / "clip.mp4"


def test_each_frame_has_one_line_and_one_picture(model, clip, tmp_path):
    centres, out = write(clip, 14), tmp_path / "new" / "out"
    watched = []

    def watch(frames, count):
        watched.append(count)
        return frames

    done = analyse(clip, model, out, checkpoint="run", masks=True, watch=watch)
    assert isinstance(done, Summary)
    header, *records = lines(out)
    assert header == {
        "schema": module.SCHEMA,
        "fps": 50,
        "size_hw": list(HW),
        "checkpoint": "run",
    }
    assert [record["frame"] for record in records] == list(range(14))
    assert [r["ball"] is None for r in records] == [True] * 4 + [False] * 10
    events = [True] * 2 + [False] * 10 + [True] * 2
    assert [r["events"] is None for r in records] == events
    for record, centre in list(zip(records, centres, strict=True))[4:]:
        assert np.abs(np.subtract(record["ball"]["xy_px"], centre)).max() <= 4
    assert done.overlay == out / module.OVERLAY
    video = Reader(out / module.OVERLAY)
    assert (video.size_hw, video.fps, len(list(video))) == (HW, 50, 14)
    assert done.frames == 14
    assert watched == [14]
    assert done.seconds > 0
    assert {path.name for path in out.iterdir()} == {module.FRAMES, module.OVERLAY}


def test_the_overlay_may_be_left_out(model, clip, tmp_path):
    write(clip, 6)
    done = analyse(clip, model, tmp_path / "out", overlay=False)
    assert done.overlay is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == [module.FRAMES]
    assert len(lines(tmp_path / "out")) == 7


def test_a_video_of_one_stack_is_long_enough_and_no_shorter(model, clip, tmp_path):
    write(clip, 5)
    assert analyse(clip, model, tmp_path / "out").frames == 5
    write(clip, 4)
    with pytest.raises(ValueError, match=r"5 frames, .*clip.mp4' has 4: give a longer"):
        analyse(clip, model, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_is_no_video_is_refused(model, clip, tmp_path):
    cv2 = pytest.importorskip("cv2")
    clip.write_text("no video")
    with pytest.raises(VideoError):
        analyse(clip, model, tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        analyse(tmp_path / "missing.mp4", model, tmp_path / "out")
    whole = cv2.imencode(".png", np.full((*HW, 3), 90, np.uint8))[1].tobytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match=r"cut\.png"):
        analyse(tmp_path / "cut.png", model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("fps", "said"), [(120, False), (119.9, False), (25, True)])
def test_another_frame_rate_than_in_training_is_said(fps, said):
    data = {"type": "Cached", "data": {"type": "Simulation", "fps": 120.0}}
    note = rate_note({"recipe": {"data": data}}, fps)
    assert (note is not None) == said
    if note is not None:
        assert "25 frames/s" in note
        assert "120" in note
        assert "\n" not in note


def test_an_unknown_frame_rate_is_passed_over():
    assert rate_note({}, 25) is None
    several = {"recipe": {"data": {"type": "Simulation", "fps": [25.0, 60.0]}}}
    assert rate_note(several, 30) is None
    assert "25 to 60" in (rate_note(several, 120) or "")
    assert rate_note({"recipe": {"data": {"type": "X", "roots": ["a"]}}}, 25) is None


def test_people_are_written_as_coco_takes_them(model, clip, tmp_path, monkeypatch):
    write(clip, 5)
    frame = np.zeros((*HW, 3), np.uint8)
    players = [{"row": 0, "score": 0.5, "joints": {"nose": [3.5, 4.5, 0.9]}}]
    found = [
        Annotated(
            n, frame, {"frame": n, "players": players * (n != 1), "truncated": n > 0}
        )
        for n in range(3)
    ]
    monkeypatch.setattr(module.stream, "annotate", lambda *_, **__: iter(found))
    done = analyse(clip, model, tmp_path / "out", coco=True)
    assert done.truncated == 2
    assert done.coco == tmp_path / "out" / module.COCO
    assert done.coco is not None
    people = json.loads(done.coco.read_text())
    assert [one["image_id"] for one in people] == [0, 2]
    assert people[0]["keypoints"][:3] == [3.0, 4.0, 0.9]


def test_people_of_a_model_that_looks_for_none_are_refused(model, clip, tmp_path):
    write(clip, 6)
    with pytest.raises(ValueError, match=r"this model finds .*'ball'"):
        analyse(clip, model, tmp_path / "out", coco=True)


def test_frames_that_are_too_small_leave_nothing_behind(clip, tmp_path):
    write(clip, 5)
    config = brightest.Config(frame_hw=(2 * HW[0], HW[1]))
    large = Predictor(brightest.Task(config), brightest.VARIABLES)
    with pytest.raises(ValueError, match="got 48 x 64: enlarge the video"):
        analyse(clip, large, tmp_path / "out")
    assert not (tmp_path / "out").exists()
