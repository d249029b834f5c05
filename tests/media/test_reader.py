import pathlib

import numpy as np
import pytest

from ttjax.media import i420
from ttjax.media.reader import Reader, VideoError

av = pytest.importorskip("av")

SHADES = [40, 90, 140, 190, 230, 60, 200]


def write(path, frames, *, fps=25, matrix=None, rotation=0, **options):
    """H.264, nearly lossless."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w", options=options) as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "4", "preset": "ultrafast"}
        if rotation:
            stream.set_display_rotation(rotation)
        if matrix is not None:
            stream.codec_context.colorspace = matrix
            stream.codec_context.color_range = 1
        for frame in frames:
            for packet in stream.encode(
                av.VideoFrame.from_ndarray(frame, format="rgb24")
            ):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def grey(shade, hw=(48, 64)):
    """Left half a shade of grey, right half red."""
    frame = np.full((*hw, 3), shade, np.uint8)
    frame[:, hw[1] // 2 :] = (200, 40, 40)
    return frame


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return write(path, [grey(shade) for shade in SHADES])


@pytest.mark.parametrize("backend", ["pyav", "cv2"])
def test_frames_come_in_order_as_rgb(clip, backend):
    reader = Reader(clip, backend=backend)
    assert (reader.fps, reader.size_hw, reader.frame_count) == (25.0, (48, 64), 7)
    assert reader.frame_count_exact is (backend == "pyav")
    frames = list(reader.frames())
    shades = [frame[:, :28].mean() for frame in frames]
    np.testing.assert_allclose(shades, SHADES, atol=3)
    red = np.array([frame[4:-4, 36:-4].mean((0, 1)) for frame in frames])
    np.testing.assert_allclose(red, np.tile([[200.0, 40, 40]], (7, 1)), atol=5)
    assert all(frame.dtype == np.uint8 for frame in frames)


def test_backends_agree(clip):
    pairs = zip(Reader(clip), Reader(clip, backend="cv2"), strict=True)
    for ours, other in pairs:
        inner = np.r_[0:30, 34:64]  # chroma is interpolated across the edge or not
        difference = ours[:, inner].astype(int) - other[:, inner]
        assert np.abs(difference).max() <= 4


@pytest.mark.parametrize("backend", ["pyav", "cv2"])
def test_planes_are_those_of_the_frames(clip, backend):
    reader = Reader(clip, backend=backend)
    for planes, frame in zip(reader.planes(), reader.frames(), strict=True):
        assert planes.shape == (72, 64)
        difference = i420.to_rgb(planes)[:, :28].astype(int) - frame[:, :28]
        assert np.abs(difference).max() <= (0 if backend == "pyav" else 4)


def test_a_tagged_matrix_is_brought_to_ours(tmp_path):
    """BT.709 video shows the colours that cv2 shows."""
    path = write(tmp_path / "hd.mp4", [grey(100)] * 2, matrix=1)
    ours = next(Reader(path).frames())[10:-10, 36:-4].mean((0, 1))
    other = next(Reader(path, backend="cv2").frames())[10:-10, 36:-4].mean((0, 1))
    np.testing.assert_allclose(ours, other, atol=4)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_rotated_videos_stand_upright_in_both_backends(tmp_path, degrees):
    path = write(tmp_path / "turned.mp4", [grey(100)] * 2, rotation=degrees)
    ours, other = Reader(path), Reader(path, backend="cv2")
    assert ours.size_hw == other.size_hw
    assert next(ours.frames()).shape == (*ours.size_hw, 3)
    a, b = next(ours.frames()).astype(int), next(other.frames())
    assert np.abs(a - b).mean() < 4


def test_odd_sizes_keep_their_size(tmp_path):
    path = tmp_path / "odd.mkv"
    frame = np.full((33, 47, 3), 120, np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 47, 33, "yuv420p"
        for packet in [
            *stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")),
            *stream.encode(),
        ]:
            out.mux(packet)
    reader = Reader(path)
    assert reader.size_hw == (33, 47)
    assert next(reader.frames()).shape == (33, 47, 3)
    assert next(reader.planes()).shape == (51, 48)


def test_leaving_early_closes_the_file(clip):
    import gc
    import os

    before = set(os.listdir("/proc/self/fd"))
    for frame in Reader(clip):
        assert frame.any()
        break
    gc.collect()
    names = [
        os.path.realpath(f"/proc/self/fd/{number}")
        for number in set(os.listdir("/proc/self/fd")) - before
    ]
    assert str(clip) not in names


def test_reading_twice_gives_the_same(clip):
    reader = Reader(clip)
    for a, b in zip(reader, reader, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("backend", ["pyav", "cv2"])
def test_missing_and_broken_files_say_so(tmp_path, clip, backend):
    with pytest.raises(FileNotFoundError, match="a file that exists"):
        Reader(tmp_path / "none.mp4", backend=backend)
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(VideoError, match="opens as one"):
        Reader(text, backend=backend)
    headless = tmp_path / "cut.mp4"  # the index of this container comes last
    headless.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(VideoError, match="opens as one"):
        Reader(headless, backend=backend)


@pytest.mark.parametrize("backend", ["pyav", "cv2"])
def test_a_truncated_file_gives_its_frames_and_then_an_error(tmp_path, backend):
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), np.uint8)
    whole = write(tmp_path / "whole.mp4", list(noise), movflags="faststart")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    reader, seen = Reader(cut, backend=backend), []
    with pytest.raises(VideoError, match="truncated"):
        seen.extend(reader.frames())
    assert 5 < len(seen) < 40


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode()]:
            out.mux(packet)
    with pytest.raises(VideoError, match="has none"):
        Reader(path)


def test_a_video_without_frames_says_so(tmp_path, clip, monkeypatch):
    from ttjax.media import reader

    monkeypatch.setattr(reader, "_pyav_frames", lambda *_: (_ for _ in ()))
    with pytest.raises(VideoError, match="not one"):
        Reader(clip)


def test_real_clips_can_be_read(real_data):
    path = next(pathlib.Path(real_data, "shuttle").glob("*/*.mp4"))
    reader = Reader(path)
    assert sum(1 for _ in reader.planes()) == reader.frame_count


@pytest.mark.parametrize("backend", ["pyav", "cv2"])
def test_selected_frames_are_those_of_the_whole(clip, backend):
    reader = Reader(clip, backend=backend)
    whole = list(reader.planes())
    found = list(reader.selected([5, 1, 2, 5]))
    assert [number for number, _ in found] == [1, 2, 5]
    for number, planes in found:
        np.testing.assert_array_equal(planes, whole[number])
    assert list(reader.selected([])) == []


def test_a_video_that_ends_before_a_selected_frame_is_refused(clip):
    with pytest.raises(VideoError, match=r"up to 9.*clip.mp4.*came is 2"):
        list(Reader(clip).selected([2, 9]))
