import numpy as np
import pytest

from ttjax.formats import stack_record
from ttjax.pipeline import store
from ttjax.pipeline.stack_pixels import (
    Decoded,
    DecodedStack,
    Encoded,
    EncodedStack,
    OpenStack,
    StackReader,
    decode,
)
from ttjax.pipeline.stack_set import StackSet


@pytest.fixture
def encoded(made_stacks):
    return Encoded(StackSet(made_stacks).records("validation"))


@pytest.fixture
def decoded(encoded, tmp_path, monkeypatch):
    decode(encoded, tmp_path / "kept", "a split")
    return Decoded(tmp_path / "kept")


def with_record(encoded, **changes):
    """The first record alone, changed."""
    return Encoded([{**encoded.records[0], **changes}])


def assert_same_stack(one, other):
    for name in vars(one.facts):
        np.testing.assert_array_equal(
            getattr(one.facts, name), getattr(other.facts, name)
        )
        assert np.asarray(getattr(one.facts, name)).dtype.kind == (
            np.asarray(getattr(other.facts, name)).dtype.kind
        )
    for image, wanted in zip(one.frames(), other.frames(), strict=True):
        np.testing.assert_array_equal(image, wanted)
    for image, wanted in zip(one.canvas(), other.canvas(), strict=True):
        np.testing.assert_array_equal(image, wanted)
    assert (one.masks() is None) is (other.masks() is None)
    if one.masks() is not None:
        np.testing.assert_array_equal(one.masks(), other.masks())


def test_an_encoded_stack_is_the_record_decoded(encoded):
    records = encoded.records
    assert isinstance(encoded, StackReader)
    assert len(encoded) == 8
    for number, record in enumerate(records):
        stack, wanted = encoded[number], stack_record.decode(record)
        assert isinstance(stack, EncodedStack)
        assert isinstance(stack, OpenStack)
        np.testing.assert_array_equal(np.stack(list(stack.frames())), wanted.frames)
        np.testing.assert_array_equal(np.stack(list(stack.canvas())), wanted.canvas)
        assert (stack.masks() is None) is (wanted.masks is None)
        if wanted.masks is not None:
            np.testing.assert_array_equal(stack.masks(), wanted.masks)


def test_decoded_stacks_are_the_encoded_ones(encoded, decoded):
    assert isinstance(decoded, StackReader)
    assert len(decoded) == len(encoded)
    for number in range(8):
        assert isinstance(decoded[number], DecodedStack)
        assert isinstance(decoded[number], OpenStack)
        assert_same_stack(decoded[number], encoded[number])


def test_pixels_stay_on_the_disk_until_they_are_looked_at(decoded):
    assert isinstance(decoded[0].frames(), np.memmap)
    assert isinstance(decoded[0].canvas(), np.memmap)


def test_decoding_happens_once_and_threads_change_nothing(encoded, tmp_path):
    for threads in (1, 4):
        folder = tmp_path / str(threads)
        about = decode(encoded, folder, "x", threads=threads)
        assert about == {"of": "x", "stacks": 8}
    for name in ("frames", "canvas", "masks", "ball_xy_px", "clip"):
        files = [(tmp_path / n / f"{name}.npy").read_bytes() for n in "14"]
        assert files[0] == files[1]
    again = decode(with_record(encoded), folder, "x")
    assert again["stacks"] == 8


def test_what_fails_is_not_left_as_whole(encoded, tmp_path):
    broken = with_record(encoded, canvas=[b"no jpeg"] * 3)
    with pytest.raises(ValueError, match="frame 0 of 'validation_0'"):
        decode(broken, tmp_path / "kept", "x")
    assert store.facts(tmp_path / "kept") is None
    decode(encoded, tmp_path / "kept", "x")
    assert len(Decoded(tmp_path / "kept")) == 8


def test_stacks_of_different_shapes_are_named(encoded, tmp_path):
    small = stack_record.encode_jpeg(np.zeros((32, 32, 3), np.uint8))
    records = [*encoded.records][:2]
    records[1] = {**records[1], "canvas": [small] * 3}
    with pytest.raises(
        ValueError, match=r"frame 1 of 'validation_0' has canvas \(3, 32"
    ):
        decode(Encoded(records), tmp_path / "kept", "x")


def test_frames_of_another_size_are_named(encoded):
    small = stack_record.encode_jpeg(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(
        ValueError, match=r"frame 0 of 'validation_0' has \[\(32, 32\)\]"
    ):
        with_record(encoded, frames=[small] * 3)[0].frames()


def test_masks_that_are_not_known_are_none(encoded, tmp_path):
    bare = with_record(encoded, masks=b"")
    assert bare[0].masks() is None
    decode(bare, tmp_path / "kept", "x")
    assert Decoded(tmp_path / "kept")[0].masks() is None


def test_a_full_disk_is_told_before_anything_is_written(encoded, tmp_path, monkeypatch):
    def none_free(folder):
        return type("Usage", (), {"free": 0})

    monkeypatch.setattr(store.shutil, "disk_usage", none_free)
    with pytest.raises(OSError, match="make room"):
        decode(encoded, tmp_path / "kept", "x")
    assert not list((tmp_path).rglob("*.npy"))
