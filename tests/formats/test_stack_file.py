import numpy as np
import pytest

from ttjax.formats import stack_file

T = 3


def record(frame):
    draw = np.random.default_rng(frame)
    return {
        "clip": "hälle".encode(),
        "frame": np.int64(frame),
        "frames": [draw.bytes(n) for n in (5, 0, 9)],
        "canvas": [draw.bytes(n) for n in (1, 2, 3)],
        "canvas_xy": np.array([2, 4], np.int32),
        "source_hw": np.array([1080, 1920], np.int32),
        "ball_xy_px": draw.random((T, 2)).astype(np.float32),
        "ball_state": np.array([1, 0, -1], np.int8),
        "event_offset": np.array([-2, np.inf], np.float32),
        "event_known": np.array([True, False]),
        "masks": b"" if frame % 2 else b"png",
        "group": b"g/1",
        "kind": np.int8(1),
    }


def test_reading_inverts_writing_bit_for_bit(tmp_path):
    path = tmp_path / "ü" / "a.stacks"
    given = [record(n) for n in range(4)]
    assert stack_file.write(path, iter(given)) == 4
    for one, back in zip(given, stack_file.read(path), strict=True):
        assert one.keys() == back.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(back[name], value)
            assert getattr(back[name], "dtype", None) == getattr(value, "dtype", None)
    assert [head["frame"] for head in stack_file.heads(path)] == [0, 1, 2, 3]
    assert not list(path.parent.glob("*.part"))


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    def broken():
        yield record(0)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        stack_file.write(tmp_path / "a.stacks", broken())
    assert not (tmp_path / "a.stacks").exists()


@pytest.mark.parametrize("cut", [3, 40, -9, -3])
def test_half_a_file_is_never_read_as_a_whole_one(tmp_path, cut):
    path = tmp_path / "a.stacks"
    stack_file.write(path, [record(n) for n in range(4)])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"a\.stacks"):
        list(stack_file.read(path))


def test_a_lost_record_is_noticed(tmp_path):
    path = tmp_path / "a.stacks"
    stack_file.write(path, [record(0)])
    data = bytearray(path.read_bytes())
    data[-8] += 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="announces 2 records and has 1"):
        list(stack_file.heads(path))
