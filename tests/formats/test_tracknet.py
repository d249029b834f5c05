import numpy as np
import pytest

from ttjax.formats import tracknet

SIZE = (720, 1280)


def track(n=5, seed=0):
    draw = np.random.default_rng(seed)
    xy = draw.uniform([0.5, 0.5], [1279.5, 719.5], (n, 2)).astype(np.float32)
    visible = draw.random(n) < 0.7
    xy[~visible] = 0
    return tracknet.Track(xy, visible)


def text(path, content):
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize("dialect", tracknet.HEADERS)
def test_reading_inverts_writing(tmp_path, dialect):
    given = track(50)
    tracknet.write(tmp_path / "a.csv", given, size_hw=SIZE, dialect=dialect)
    header = (tmp_path / "a.csv").read_text().splitlines()[0]
    assert tuple(header.split(",")) == tracknet.HEADERS[dialect]
    back = tracknet.read(tmp_path / "a.csv", size_hw=SIZE, frames=50)
    np.testing.assert_array_equal(back.visible, given.visible)
    np.testing.assert_allclose(back.xy_px, given.xy_px, atol=0.01)


def test_the_two_dialects_by_hand(tmp_path):
    shares = text(tmp_path / "s.csv", "Frame,Ball,x,y\n0,1,0.5,0.25\n1,0,-1,-1\n")
    pixels = text(tmp_path / "p.csv", "Frame,Visibility,X,Y\n0,1,639,179\n1,0,0,0\n")
    for path, expected in [(shares, (640, 180)), (pixels, (639.5, 179.5))]:
        found = tracknet.read(path, size_hw=SIZE)
        assert tuple(found.xy_px[0]) == expected
        assert found.visible.tolist() == [True, False]
        assert tuple(found.xy_px[1]) == (0, 0)


@pytest.mark.parametrize("dialect", tracknet.HEADERS)
def test_pixels_and_file_values_are_inverse(dialect):
    xy = track(20).xy_px.astype(np.float64)
    values = tracknet.from_pixels(xy, SIZE, dialect)
    np.testing.assert_allclose(tracknet.to_pixels(values, SIZE, dialect), xy, atol=1e-9)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("frame_num,x,y,visible\n0,639,179,1\n1,0,0,0\n", (639.5, 179.5)),
        ("frame_num,x,y,visible\n0,0.4992,0.2486,1\n1,9,9,0\n", (639.5, 179.5)),
        ("frame_num,visible,x,y,speed\n0,1,639,179,7\n1,0,,,\n", (639.5, 179.5)),
        ("Frame,Visibility,X,Y,l,theta\n0,1,639,179,6.5,45\n1,0,0,0,0,0\n", None),
        (
            "file name,visibility,x-coordinate,y-coordinate,status\n"
            "0000.jpg,2,639,179,0\n0001.jpg,3,600,170,0\n",
            (639.5, 179.5),
        ),
    ],
)
def test_other_dialects_by_hand(tmp_path, content, expected):
    found = tracknet.read(text(tmp_path / "a.csv", content), size_hw=SIZE)
    np.testing.assert_allclose(found.xy_px[0], expected or (639.5, 179.5), atol=0.1)
    assert found.visible.tolist() == [True, False]


def test_blank_rows_and_spaces_are_passed_over(tmp_path):
    path = text(
        tmp_path / "a.csv",
        "\ufeffFrame , Ball, x,y\r\n\r\n 0, 1 ,0.5, 0.5\r\n,,,\r\n1,0,,\r\n\r\n",
    )
    found = tracknet.read(path, size_hw=(100, 200), frames=2)
    assert found.visible.tolist() == [True, False]
    assert tuple(found.xy_px[0]) == (100, 50)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "begin with"),
        ("a,b,c,d\n", "begin with"),
        ("Frame,Ball,x,y\n0,1,0.5\n", "four numbers"),
        ("Frame,Ball,x,y\n0,1,half,0.5\n", "four numbers"),
        ("Frame,Ball,x,y\n0,1,nan,0.5\n", "four numbers"),
        ("Frame,Ball,x,y\n0,1,inf,0.5\n", "four numbers"),
        ("Frame,Ball,x,y\n0.5,1,0.5,0.5\n", "four numbers"),
        ("Frame,Ball,x,y\n0,1,0.5,0.5\n0,1,0.5,0.5\n", "comes twice"),
        ("file name,visibility,x-coordinate,y-coordinate\nab.jpg,1,1,1\n", "four"),
        ("Frame,Ball,x,y\n1,1,0.5,0.5\n", "without gaps"),
        ("Frame,Ball,x,y\n0,1,640,360\n", "video's size"),
        ("Frame,Visibility,X,Y\n0,1,1280,5\n", "video's size"),
    ],
)
def test_malformed_labels_say_what_and_where(tmp_path, content, message):
    path = text(tmp_path / "bad.csv", content)
    with pytest.raises(tracknet.LabelError, match=message) as error:
        tracknet.read(path, size_hw=SIZE)
    assert "bad.csv" in str(error.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"Frame,Ball,x,y\n0,1,\xff,0\n")
    with pytest.raises(tracknet.LabelError, match=r"UTF-8.*a.csv"):
        tracknet.read(tmp_path / "a.csv", size_hw=SIZE)


def test_another_number_of_rows_than_frames_names_both(tmp_path):
    tracknet.write(tmp_path / "a.csv", track(5), size_hw=SIZE)
    with pytest.raises(tracknet.LabelError, match="5 rows for a video of 7 frames"):
        tracknet.read(tmp_path / "a.csv", size_hw=SIZE, frames=7)


def test_clips_are_found_by_group(tmp_path):
    for stem in ["b/2", "a/1", "a/0"]:
        path = tmp_path / stem
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".mp4").touch()
        path.with_suffix(".csv").touch()
    (tmp_path / "README.md").touch()
    found = tracknet.find(tmp_path)
    assert [clip.name for clip in found] == ["a/0", "a/1", "b/2"]
    assert found[2] == tracknet.Entry(
        "b/2", "b", tmp_path / "b/2.mp4", tmp_path / "b/2.csv"
    )


@pytest.mark.parametrize(
    ("video", "labels"),
    [
        ("video/1_01_00.mp4", "csv/1_01_00_ball.csv"),
        ("rallies_videos/003.mp4", "csv/003.csv"),
        ("videos/ü.mp4", "labels/ü.csv"),
    ],
)
def test_folders_of_videos_and_of_labels_are_joined(tmp_path, video, labels):
    for name in (video, labels, "frame/notes.csv"):
        path = tmp_path / "match1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (found,) = tracknet.find(tmp_path)
    assert found.group == "match1"
    assert found.video == tmp_path / "match1" / video
    assert found.labels == tmp_path / "match1" / labels


def test_clips_are_whole(tmp_path):
    with pytest.raises(FileNotFoundError, match="directory that exists"):
        tracknet.find(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds none"):
        tracknet.find(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.csv").touch()
    with pytest.raises(tracknet.LabelError, match="has no video"):
        tracknet.find(tmp_path)
    (tmp_path / "a/1.csv").rename(tmp_path / "a/1.mp4")
    with pytest.raises(tracknet.LabelError, match="has no labels"):
        tracknet.find(tmp_path)


def test_real_labels_can_be_read(real_data):
    clips = tracknet.find(real_data / "shuttle")
    tracks = [tracknet.read(clip.labels, size_hw=SIZE) for clip in clips]
    assert len(clips) == 30
    assert sum(int(one.visible.sum()) for one in tracks) == 5963
