import numpy as np
import pytest

from ttjax.media import writer


def _frames(count, size_hw):
    y, x = np.mgrid[: size_hw[0], : size_hw[1]]
    return [
        np.stack([x + 5 * n, y, 0 * x + 40], axis=-1).astype(np.uint8)
        for n in range(count)
    ]


def test_what_is_written_can_be_read(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    frames = _frames(7, (48, 64))
    with writer.VideoWriter(path, fps=120, size_hw=(48, 64), quality=5) as video:
        for image in frames:
            video.write(image)
        assert not path.exists()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 120
        read = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(read) == 7
    error = np.abs(np.stack(read).astype(float) - np.stack(frames))
    assert error.mean() < 6
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_nothing_behind(tmp_path):
    path = tmp_path / "clip.mp4"

    def write_two_sizes():
        with writer.VideoWriter(path, fps=30, size_hw=(32, 32)) as video:
            video.write(np.zeros((32, 32, 3), np.uint8))
            video.write(np.zeros((34, 32, 3), np.uint8))

    with pytest.raises(ValueError, match="one writer per size"):
        write_two_sizes()
    assert list(tmp_path.iterdir()) == []


def test_odd_sizes_are_refused_before_a_file_is_made(tmp_path):
    with pytest.raises(ValueError, match="even sides"):
        writer.VideoWriter(tmp_path / "a.mp4", fps=30, size_hw=(31, 32))
    assert list(tmp_path.iterdir()) == []
