import dataclasses

import cv2
import numpy as np
import pytest

from ttjax.datasets import extraction  # pyright: ignore[reportMissingImports]
from ttjax.formats import stack_file, stack_record, stack_windows
from ttjax.media.reader import Reader, VideoError
from ttjax.media.writer import VideoWriter

HW, LENGTH = (300, 460), 24


def shade(frame):
    return 40 + 8 * frame


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Frame n has the grey of its number; a white ball moves to the right."""
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    with VideoWriter(path, fps=120, size_hw=HW, quality=4) as out:
        for number in range(LENGTH):
            frame = np.full((*HW, 3), shade(number), np.uint8)
            frame[140:150, 10 * number : 10 * number + 10] = (255, 60, 60)
            out.write(frame)
    return path


def plan(video, *newest, state=1):
    frames = np.array(newest, np.int64)
    table = stack_windows.Table(
        clip="a",
        source_hw=HW,
        frames=frames,
        ball_xy_px=np.stack([10 * frames + 5, 0 * frames + 145], 1).astype(np.float32),
        ball_state=np.full(len(frames), state, np.int8),
        events={"bounce": np.array([6])},
        mask_frames=np.zeros(0, np.int64),
    )
    windows = stack_windows.of_frames(table, 9)
    groups = [f"a/{run}" for run in range(3)]
    return extraction.Plan(video, table, windows, groups, {}, [video])


@pytest.fixture
def settings() -> extraction.Settings:
    return extraction.Settings()


def test_each_record_holds_its_own_nine_frames(video, settings):
    passed = []
    made = list(
        extraction.records(plan(video, 8, 9, 20), settings, advance=passed.append)
    )
    assert sum(passed) == 21 == plan(video, 8, 9, 20).needed
    for newest, record in zip((8, 9, 20), made, strict=True):
        stack = stack_record.decode(record)
        assert stack.facts.frame == newest
        for offset in range(9):
            number = newest - 8 + offset
            assert abs(stack.frames[offset, :40].mean() - shade(number)) < 4
            assert abs(stack.canvas[offset, :60].mean() - shade(number)) < 4
        x, y = np.floor(stack.facts.ball_xy_px[-1] - stack.facts.canvas_xy).astype(int)
        assert stack.canvas[-1, y, x, 0] > 200
        assert stack.canvas[-1, y, x, 1] < 120
    assert [record["group"] for record in made] == [b"a/0", b"a/0", b"a/1"]


def test_canvas_and_frame_are_pixels_of_the_video(video, settings):
    (record,) = extraction.records(plan(video, 12), settings)
    stack = stack_record.decode(record)
    source = list(Reader(video).frames())[12]
    x, y = stack.facts.canvas_xy
    cut = source[y : y + 256, x : x + 392].astype(int)
    assert np.abs(stack.canvas[-1] - cut).mean() < 3
    small = cv2.resize(source, (320, 128), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(stack.frames[-1] - small).mean() < 3


def test_records_are_the_same_whatever_else_is_extracted(video, settings):
    (alone,) = extraction.records(plan(video, 20), settings)
    *_, last = extraction.records(plan(video, 8, 20), settings)
    other = dataclasses.replace(settings, seed=1)
    (reseeded,) = extraction.records(plan(video, 20), other)
    assert alone["canvas"] == last["canvas"]
    assert alone["frames"] == last["frames"]
    assert alone["canvas_xy"].tolist() != reseeded["canvas_xy"].tolist()


def test_a_corner_is_even_inside_and_near(settings):
    draw = np.random.default_rng(0)
    for _ in range(300):
        centre = draw.random(2) * [1920, 1080]
        corner = extraction.canvas_corner(draw, centre, (1080, 1920), settings)
        assert (corner % 2 == 0).all()
        assert (corner >= 0).all()
        assert (np.add(corner, [392, 256]) <= [1920, 1080]).all()
        middle = np.clip(centre, [196, 128], [1724, 952])
        assert (np.abs(np.add(corner, [196, 128]) - middle) <= [20, 34]).all()
    with pytest.raises(ValueError, match="too small"):
        extraction.canvas_corner(draw, np.zeros(2), (200, 1920), settings)


def test_without_a_ball_the_canvas_is_anywhere_or_at_what_moves(video, settings):
    small = np.zeros((2, 128, 320, 3), np.uint8)
    small[1, 64, 80] = 255
    found = extraction.distractor(small[1], small[0], (1080, 1920))
    np.testing.assert_allclose(found, [80.5 * 6, 64.5 * 1080 / 128])
    made = extraction.records(plan(video, *range(8, 24), state=0), settings)
    corners = {tuple(record["canvas_xy"].tolist()) for record in made}
    assert len(corners) > 8


def test_what_was_extracted_is_kept_until_its_source_changes(
    video, settings, tmp_path, monkeypatch
):
    one = plan(video, 8, 9)
    path = extraction.fill(tmp_path, one, settings)
    assert path == extraction.part(tmp_path, one, settings)
    assert [head["frame"] for head in stack_file.heads(path)] == [8, 9]

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(extraction, "records", never)
    passed = []
    assert extraction.fill(tmp_path, one, settings, passed.append) == path
    assert passed == [10]
    assert extraction.part(tmp_path, plan(video, 8), settings) != path
    again = dataclasses.replace(settings, quality=95)
    assert extraction.part(tmp_path, one, again) != path


def test_labels_beyond_the_end_leave_no_file(video, settings, tmp_path):
    with pytest.raises(VideoError, match=r"up to 40.*a\.mp4"):
        extraction.fill(tmp_path, plan(video, 8, 40), settings)
    assert not list(tmp_path.glob("*.stacks"))
