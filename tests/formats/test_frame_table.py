import pytest

from ttjax.formats import frame_table


def test_frames_are_numbers_in_ascending_order(tmp_path):
    path = tmp_path / "bällé" / "tafel.json"
    frame_table.write(path, '{"12": "ü", "3": {"x": 1}}'.encode())
    assert list(frame_table.read(path).items()) == [(3, {"x": 1}), (12, "ü")]
    assert not list(path.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "valid JSON"),
        (b"{", "valid JSON"),
        (b'{"1": 2', "valid JSON"),
        (b"[1]", "maps frames to labels, got a list"),
        (b"3", "got a int"),
        (b'{"1": "\xff"}', "UTF-8"),
        (b'{"1": NaN}', "NaN"),
        (b'{"1": [-Infinity]}', "-Infinity"),
        (b'{"1": 2, "1": 2}', "'1' comes twice"),
        (b'{"1": {"x": 1, "x": 2}}', "'x' comes twice"),
        (b'{"7": 2, "007": 2}', "frame 7 has two"),
        (b'{"-1": 2}', "frame numbers"),
        (b'{"1.5": 2}', "frame numbers"),
        ('{"\u0663": 2}'.encode(), "frame numbers"),
        (b'{"99999999999": 2}', "frame numbers"),
        (b'{"1": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deep"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, data, message):
    path = tmp_path / "labels.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as error:
        frame_table.read(path)
    assert "labels.json" in str(error.value)


def test_frame_numbers_count_from_zero(tmp_path):
    assert frame_table.frame_number(tmp_path, "0") == 0
    assert frame_table.frame_number(tmp_path, "0012") == 12


def test_a_frame_beyond_the_end_is_refused(tmp_path):
    frame_table.check_end(tmp_path, 9, 10)
    with pytest.raises(ValueError, match="frame 10 and the video 10 frames"):
        frame_table.check_end(tmp_path, 10, 10)
