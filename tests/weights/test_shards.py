import copy
import hashlib
import pickle

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from ttjax.weights.shards import LIMIT, SUFFIX, read, write

RNG = np.random.default_rng(0)
TENSORS = {
    "params/conv/kernel": RNG.normal(size=(3, 3, 4, 5)).astype(np.float32),
    "params/conv/bias": RNG.normal(size=5).astype(np.float32) * 1e-30,
    "params/gain": np.array(1.5, np.float32),
    "params/none": np.zeros((0, 3), np.float32),
    "counts/seen": np.array([3, 70_000], np.int32),
}


@pytest.fixture
def kept(tmp_path):
    return tmp_path, write(tmp_path, TENSORS)


def nearest_bfloat16(value):
    """By the bits: the upper half, ties to even."""
    bits = np.asarray(value, np.float32).view(np.uint32).astype(np.uint64)
    up = bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))
    return (up.astype(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def test_what_is_read_is_what_was_written_rounded_to_bfloat16(kept):
    found = read(*kept)
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        floating = tensor.dtype == np.float32
        want = nearest_bfloat16(tensor) if floating else tensor
        np.testing.assert_array_equal(found[name], want)
    np.testing.assert_allclose(
        found["params/conv/kernel"], TENSORS["params/conv/kernel"], rtol=2**-8
    )


def test_bfloat16_is_what_lies_on_the_disk(kept):
    folder, index = kept
    (file,) = index["files"]
    found = safetensors.numpy.load_file(folder / file)
    assert found["params/conv/kernel"].dtype == jnp.bfloat16
    assert found["counts/seen"].dtype == np.int32


def test_the_same_tensors_give_the_same_bytes(kept, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    assert write(again, dict(reversed(TENSORS.items()))) == kept[1]


def test_no_file_reaches_the_limit(tmp_path):
    tensors = {f"t{n:02}": np.full(n * 100, n, np.float32) for n in range(1, 12)}
    index = write(tmp_path, tensors, limit=4000)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert len(sizes) > 3
    assert max(sizes.values()) < 4000
    assert sizes == {name: stamp["bytes"] for name, stamp in index["files"].items()}
    assert f"model-00001-of-{len(sizes):05}{SUFFIX}" in sizes
    found = read(tmp_path, index)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)
    assert LIMIT == 14e6
    with pytest.raises(ValueError, match=r"below 0\.004 MB, big alone takes 0\.006"):
        write(tmp_path, {"big": np.zeros(3000, np.float32)}, limit=4000)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3.4e38])
def test_numbers_that_are_not_finite_are_not_written(tmp_path, bad):
    with pytest.raises(ValueError, match="those of layer are not"):
        write(tmp_path, {"layer": np.array([1.0, bad], np.float32)})
    assert not list(tmp_path.iterdir())


def file_of(kept):
    folder, index = kept
    return folder / next(iter(index["files"]))


@pytest.mark.parametrize("kind", ["truncated", "longer", "flipped", "empty"])
def test_a_damaged_file_is_named(kept, kind):
    path = file_of(kept)
    content = bytearray(path.read_bytes())
    damaged = {
        "truncated": content[:-7],
        "longer": content + b"x",
        "flipped": content[:-1] + bytes([content[-1] ^ 1]),
        "empty": b"",
    }
    path.write_bytes(damaged[kind])
    with pytest.raises(ValueError, match=rf"{path.name} is not: it has \d+ bytes"):
        read(*kept)


def test_a_missing_file_is_named(kept):
    file_of(kept).unlink()
    with pytest.raises(FileNotFoundError, match="safetensors is missing"):
        read(*kept)


def stamped(kept, content):
    """An index by which `content` is what was published."""
    file_of(kept).write_bytes(content)
    folder, index = kept
    stamp = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return folder, {**index, "files": dict.fromkeys(index["files"], stamp)}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"params/gain": [1]}, r"params/gain \(\) instead of \(1,\)"),
        ({"params/new": [2]}, r"params/new missing instead of \(2,\)"),
        ({"params/gain": None}, r"params/gain \(\) instead of none"),
    ],
)
def test_tensors_that_the_index_does_not_say_are_named(kept, changed, words):
    folder, index = kept[0], copy.deepcopy(kept[1])
    shapes = {**index["tensors"], **changed}
    index["tensors"] = {n: shape for n, shape in shapes.items() if shape is not None}
    with pytest.raises(ValueError, match=words):
        read(folder, index)


def test_a_file_with_a_number_that_is_none_is_refused(kept):
    bad = {**TENSORS, "params/gain": np.array(np.nan, np.float32)}
    for dtype in (jnp.bfloat16, np.float32):
        given = {
            name: t.astype(dtype) if t.dtype == np.float32 else t
            for name, t in bad.items()
        }
        content = safetensors.numpy.save(given)
        with pytest.raises(ValueError, match=r"those of params/gain are not"):
            read(*stamped(kept, content))


def test_another_type_of_numbers_is_refused(kept):
    given = {name: tensor.astype(np.float64) for name, tensor in TENSORS.items()}
    with pytest.raises(ValueError, match=r"is of F64"):
        read(*stamped(kept, safetensors.numpy.save(given)))


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def test_a_pickle_is_no_safetensors_and_is_not_opened(kept):
    with pytest.raises(ValueError, match=r"Weights are safetensors, .* is none"):
        read(*stamped(kept, pickle.dumps(Bomb())))
