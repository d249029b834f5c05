"""The files are written with the standard pickler, no PyTorch is needed."""

import collections
import io
import os
import pickle
import struct
import sys
import types
import zipfile
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.importers import torch_state

KINDS = {
    np.dtype(np.float32): "FloatStorage",
    np.dtype(np.float16): "HalfStorage",
    np.dtype(np.int64): "LongStorage",
    np.dtype(jnp.bfloat16): "BFloat16Storage",
}


class FakeStorage:
    def __init__(self, kind, key, values):
        self.kind, self.key, self.values = kind, key, values


class FakeTensor:
    """Pickles as PyTorch's tensors do."""

    def __init__(self, values, *, offset=0, size=None, stride=None, key=None):
        self.values = values
        self.offset, self.key = offset, key
        self.size = values.shape if size is None else size
        self.stride = tuple(s // values.itemsize for s in values.strides)
        self.stride = self.stride if stride is None else stride

    def __reduce_ex__(self, _):
        torch = sys.modules["torch"]
        kind = getattr(torch, KINDS[self.values.dtype])
        key = str(id(self.values)) if self.key is None else self.key
        storage = FakeStorage(kind, key, self.values)
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (
            storage,
            self.offset,
            self.size,
            self.stride,
            False,
            collections.OrderedDict(),
        )


@pytest.fixture
def torch_names(monkeypatch):
    """Modules named as PyTorch's, for the pickler to point at."""

    def declare(module, *names):
        fake: Any = types.ModuleType(module)
        for name in names:
            cls = type(name, (dict,), {"__module__": module})
            setattr(fake, name, cls)
        monkeypatch.setitem(sys.modules, module, fake)
        return fake

    declare("torch", *KINDS.values(), "device")
    utils = declare("torch._utils")

    def _rebuild_tensor_v2(*_):
        raise AssertionError("the reader must not call what the file names")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    return declare


def dump(tree, storages, *, legacy):
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if not isinstance(obj, FakeStorage):
                return None
            storages[obj.key] = obj.values
            pid = ("storage", obj.kind, obj.key, "cpu", obj.values.size)
            return (*pid, None) if legacy else pid

    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(tree)
    return buffer.getvalue()


def write_zip(path, tree):
    storages = {}
    data = dump(tree, storages, legacy=False)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", "3\n")


def write_legacy(path, tree):
    storages = {}
    with path.open("wb") as file:
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        file.write(dump(tree, storages, legacy=True))
        pickle.dump(list(storages), file, protocol=2)
        for values in storages.values():
            file.write(struct.pack("<q", values.size) + values.tobytes())


WRITERS = pytest.mark.parametrize("write", [write_zip, write_legacy])


def weights():
    random = np.random.RandomState(0)
    return {
        "a.weight": random.randn(4, 3, 2, 2).astype(np.float32),
        "a.half": random.randn(5).astype(np.float16),
        "a.count": np.array(7),
        "empty": np.zeros((0, 3), np.float32),
    }


def assert_same(state, expected):
    assert list(state) == list(expected)
    for name, value in expected.items():
        assert state[name].dtype == value.dtype
        np.testing.assert_array_equal(state[name], value)


@WRITERS
def test_both_pytorch_formats_give_the_tensors_in_order(tmp_path, torch_names, write):
    expected = weights()
    tree: Any = collections.OrderedDict((n, FakeTensor(v)) for n, v in expected.items())
    tree._metadata = collections.OrderedDict(version=1)
    write(tmp_path / "w.pth", tree)
    assert_same(torch_state.read(tmp_path / "w.pth"), expected)


@WRITERS
def test_views_share_a_storage(tmp_path, torch_names, write):
    values = np.arange(24, dtype=np.float32)
    tree = {
        "whole": FakeTensor(values, size=(4, 6), stride=(6, 1)),
        "transposed": FakeTensor(values, size=(6, 4), stride=(1, 6)),
        "tail": FakeTensor(values, offset=20, size=(4,), stride=(1,)),
    }
    write(tmp_path / "w.pth", tree)
    state = torch_state.read(tmp_path / "w.pth")
    np.testing.assert_array_equal(state["transposed"], values.reshape(4, 6).T)
    np.testing.assert_array_equal(state["tail"], [20, 21, 22, 23])


def test_bfloat16_arrives_as_float32(tmp_path, torch_names):
    values = np.asarray(jnp.array([1.0, -2.5, 3e38], jnp.bfloat16))
    write_zip(tmp_path / "w.pth", {"x": FakeTensor(values)})
    state = torch_state.read(tmp_path / "w.pth")
    assert state["x"].dtype == np.float32
    np.testing.assert_array_equal(state["x"], values.astype(np.float32))


def test_npz_files_are_read_without_pickles(tmp_path):
    expected = weights()
    np.savez(tmp_path / "w.npz", **expected)
    assert_same(torch_state.read(tmp_path / "w.npz"), expected)
    np.savez(tmp_path / "objects.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"objects\.npz is damaged or of another"):
        torch_state.read(tmp_path / "objects.npz")


@WRITERS
def test_leftovers_of_a_training_script_are_stepped_over(tmp_path, torch_names, write):
    configs = torch_names("easydict", "EasyDict").EasyDict({"lr": 1e-3, "deep": [1]})
    configs.name = "ttnet"
    expected = weights()
    tree = {
        "epoch": 3,
        "configs": configs,
        "device": sys.modules["torch"].device(),
        "seen": {1, "two"},
        "best": np.float64(0.5),
        "file": tmp_path,
        "optimizer": {"state": {0: {"exp_avg": FakeTensor(np.ones(2, np.float32))}}},
        "state_dict": {n: FakeTensor(v) for n, v in expected.items()},
    }
    write(tmp_path / "w.pth", tree)
    assert_same(torch_state.read(tmp_path / "w.pth"), expected)


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce_ex__(self, _):
        return self.call


@WRITERS
@pytest.mark.parametrize(
    "function", [os.system, eval, pickle.loads, getattr, __import__]
)
def test_a_file_that_names_a_function_is_refused_without_effect(
    tmp_path, torch_names, write, function
):
    mark = tmp_path / "mark"
    argument = {
        os.system: f"touch {mark}",
        eval: f"open({str(mark)!r}, 'w')",
        pickle.loads: pickle.dumps(1),
        getattr: "x",
        __import__: "antigravity",
    }[function]
    tree = {"x": FakeTensor(np.ones(2, np.float32)), "y": Malicious(function, argument)}
    write(tmp_path / "w.pth", tree)
    with pytest.raises(torch_state.UnsafeFileError, match=r"w\.pth: .*names tensors o"):
        torch_state.read(tmp_path / "w.pth")
    assert not mark.exists()


def test_a_file_cannot_change_what_the_reader_shares(tmp_path, torch_names):
    # BUILD on a shared object: {"dtype": "hacked"} onto the class of float storages.
    for target in ("torch FloatStorage", "torch._utils _rebuild_tensor_v2"):
        module, name = target.split()
        data = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"}U\x05dtypeK\x01sb."
        with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
            archive.writestr("archive/data.pkl", data)
        with pytest.raises(ValueError, match=r"w\.pth"):
            torch_state.read(tmp_path / "w.pth")
    expected = {"x": np.ones(3, np.float32)}
    write_zip(tmp_path / "good.pth", {"x": FakeTensor(expected["x"])})
    assert_same(torch_state.read(tmp_path / "good.pth"), expected)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((5,), (1,), 0), ((2, 2), (3, 1), 1), ((10**9,), (0,), 0), ((-1,), (1,), 0)],
)
def test_tensors_stay_inside_their_storage(tmp_path, torch_names, size, stride, offset):
    tensor = FakeTensor(np.ones(4, np.float32), size=size, stride=stride, offset=offset)
    write_zip(tmp_path / "w.pth", {"x": tensor})
    with pytest.raises(ValueError, match="damaged"):
        torch_state.read(tmp_path / "w.pth")


def test_bad_files_get_one_clear_error(tmp_path, torch_names):
    with pytest.raises(FileNotFoundError, match=r"there is none at .*none\.pth"):
        torch_state.read(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("not weights at all")
    with pytest.raises(ValueError, match=r"text\.pth is damaged"):
        torch_state.read(tmp_path / "text.pth")
    write_zip(tmp_path / "list.pth", [1, 2])
    with pytest.raises(ValueError, match="holds a list without any"):
        torch_state.read(tmp_path / "list.pth")
    write_zip(tmp_path / "whole.pth", {"x": FakeTensor(np.ones(9, np.float32))})
    data = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"cut\.pth is damaged"):
        torch_state.read(tmp_path / "cut.pth")
    write_legacy(tmp_path / "old.pth", {"x": FakeTensor(np.ones(9, np.float32))})
    data = (tmp_path / "old.pth").read_bytes()
    (tmp_path / "old.pth").write_bytes(data[:-8])
    with pytest.raises(ValueError, match=r"old\.pth is damaged"):
        torch_state.read(tmp_path / "old.pth")
