import numpy as np
import pytest

from ttjax.media.reader import Reader
from ttjax.pipeline import frames, store

cv2 = pytest.importorskip("cv2")


def opened(halls, root, names=("a/0", "a/1"), lengths=(14, 14), **options):
    readers = [Reader(halls / f"{name}.mp4") for name in names]
    options = {"frame_hw": (16, 32), "full": True} | options
    return frames.open_all(readers, lengths, root=root, **options)


def test_small_frames_are_area_averages_of_the_readers(halls, tmp_path):
    for found, name in zip(opened(halls, tmp_path), ["a/0", "a/1"], strict=True):
        assert isinstance(found, frames.Frames)
        assert len(found) == 14
        for small, rgb in zip(found.small, Reader(halls / f"{name}.mp4"), strict=True):
            average = rgb.reshape(16, 4, 32, 3, 3).mean(axis=(1, 3))
            assert np.abs(small - average).max() <= 0.51


def test_a_region_has_the_bytes_of_the_readers_frames(halls, tmp_path):
    found = opened(halls, tmp_path)[0]
    whole = np.stack(list(Reader(halls / "a/0.mp4")))
    numbers = np.array([1, 4, 7])
    for (x, y), (h, w) in [((0, 0), (64, 96)), ((10, 6), (20, 30)), ((7, 3), (5, 9))]:
        region = found.region(numbers, (x, y), (h, w))
        np.testing.assert_array_equal(region, whole[numbers, y : y + h, x : x + w])
    stack = found.stack(numbers)
    np.testing.assert_array_equal(stack, found.small[numbers])


def test_videos_are_decoded_once(halls, tmp_path, monkeypatch, capsys):
    opened(halls, tmp_path)
    assert "28 frames of 2 videos: " in capsys.readouterr().out
    monkeypatch.setattr(Reader, "planes", lambda self: pytest.fail("decoded again"))
    opened(halls, tmp_path)
    opened(halls, tmp_path, frame_hw=(8, 16))  # from the planes that are kept


def test_without_full_resolution_only_small_frames_are_kept(halls, tmp_path):
    found = opened(halls, tmp_path, full=False)[0]
    assert found.planes is None
    assert not list(tmp_path.rglob("planes.npy"))
    with pytest.raises(ValueError, match="full=True"):
        found.region(np.array([0]), (0, 0), (4, 4))
    both = opened(halls, tmp_path, full=True)[0]
    np.testing.assert_array_equal(both.small, found.small)


def test_a_stopped_decoding_keeps_the_videos_that_are_complete(
    halls, tmp_path, monkeypatch
):
    planes = Reader.planes

    def failing(self):
        if self.path.name == "1.mp4":
            raise OSError("No space left on device")
        return planes(self)

    monkeypatch.setattr(Reader, "planes", failing)
    with pytest.raises(OSError, match="No space"):
        opened(halls, tmp_path)
    done = [folder for folder in tmp_path.iterdir() if store.facts(folder)]
    assert len(done) == 2  # planes and small frames of the first
    decoded = []
    monkeypatch.setattr(
        Reader, "planes", lambda self: decoded.append(self.path.name) or planes(self)
    )
    assert len(opened(halls, tmp_path)[1]) == 14
    assert set(decoded) == {"1.mp4"}


def test_a_changed_video_is_decoded_again(halls, tmp_path):
    copy = tmp_path / "x" / "0.mp4"
    copy.parent.mkdir()
    copy.write_bytes((halls / "a/0.mp4").read_bytes())
    first = opened(tmp_path, tmp_path / "kept", ["x/0"], [14])[0]
    copy.write_bytes((halls / "b/0.mp4").read_bytes())
    second = opened(tmp_path, tmp_path / "kept", ["x/0"], [14])[0]
    assert (first.small != second.small).any()


@pytest.mark.parametrize("rows", [13, 15])
def test_another_number_of_frames_than_labels_names_both(halls, tmp_path, rows):
    with pytest.raises(ValueError, match=f"{rows} rows for .*0.mp4', which has 14"):
        opened(halls, tmp_path, ["a/0"], [rows])


def test_full_disks_are_noticed_before_decoding(halls, tmp_path):
    with pytest.raises(OSError, match="GB free"):
        opened(halls, tmp_path, ["a/0"], [1 << 50])
