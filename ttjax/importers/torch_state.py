"""Reads named tensors from .npz and PyTorch files, without PyTorch and without trust.

A PyTorch file is a pickle, and a pickle is a program. The reader runs it with a list of
what it may name: tensors and their storages are rebuilt by our own code; a few objects
that training scripts leave in checkpoints become inert placeholders; anything else ends
the reading. No function that a file names is ever called.
"""

import collections
import io
import math
import pathlib
import pickle
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

State: TypeAlias = dict[str, np.ndarray]
"""Tensors by name, in the order of the file."""

_File: TypeAlias = io.BufferedReader | io.BytesIO

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_STATE_KEYS = ("state_dict", "model_state_dict", "model")

_DTYPES: dict[str, Any] = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": jnp.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}

_INERT = {
    ("easydict", "EasyDict"),
    ("argparse", "Namespace"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("pathlib", "PurePosixPath"),
    ("collections", "defaultdict"),
    ("builtins", "set"),
    ("__builtin__", "set"),
    ("torch", "device"),
    ("torch", "Size"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),
}
"""Harmless leftovers of training scripts; a placeholder stands for each."""


class UnsafeFileError(ValueError):
    """The file asks for something that is not a tensor."""


class _NoTensorsError(ValueError):
    """The file is sound but holds no named tensors."""


def read(path: str | pathlib.Path) -> State:
    """The named tensors of an .npz, or of a .pth in the zip or the older format.

    Of a training checkpoint, the tensors under "state_dict", "model_state_dict" or
    "model". Values are numpy arrays, bfloat16 as float32.

    Raises:
        FileNotFoundError: there is no such file.
        UnsafeFileError: the file names a function or class outside the list above.
        ValueError: the file is damaged, of another format, or holds no named tensors.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Weights are read from an .npz or .pth file, there is none at {path}: "
            "correct the path."
        )
    try:
        with path.open("rb") as file:
            if file.read(4) == b"PK\x03\x04":
                return _read_archive(path)
            file.seek(0)
            return _named_tensors(_read_legacy(file))
    except (UnsafeFileError, _NoTensorsError) as error:
        raise type(error)(f"{path}: {error}") from None
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        struct.error,
        AttributeError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
        UnicodeDecodeError,
    ) as error:
        raise ValueError(
            f"Weights are read from an .npz or .pth file; {path} is damaged or of "
            f"another format ({type(error).__name__}: {error}): save it anew."
        ) from error


def _read_archive(path: pathlib.Path) -> State:
    with zipfile.ZipFile(path) as archive:
        pickles = [n for n in archive.namelist() if n.split("/")[1:] == ["data.pkl"]]
        if pickles:
            return _named_tensors(_read_zip(archive, pickles[0].split("/")[0]))
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


class _Inert:
    """Stands for an object that we do not make; takes everything, does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> "_Inert":
        """A placeholder, whatever the file wanted to pass."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any):
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        """Nothing."""

    def extend(self, _: Any) -> None:
        """Nothing."""

    def add(self, _: Any) -> None:
        """Nothing."""


class _StorageType:
    """The class of a storage, as a file names it."""

    def __init__(self, dtype: Any):
        self.dtype = np.dtype(dtype)

    def __setstate__(self, _: Any) -> None:
        """Nothing: a file must not change what all files share."""


class _Storage:
    """A storage to be filled: its bytes may come after the pickle that refers to it."""

    def __init__(self, dtype: np.dtype, size: int):
        if size < 0:
            raise ValueError(f"a storage of {size} numbers")
        self.dtype, self.size = dtype, size
        self.values: np.ndarray | None = None

    def fill(self, data: bytes) -> None:
        if len(data) != self.size * self.dtype.itemsize:
            raise ValueError(f"{len(data)} bytes where {self.size} numbers belong")
        self.values = np.frombuffer(data, self.dtype)


class _Tensor:
    """A view of a storage, resolved after reading."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any):
        if not isinstance(storage, _Storage):
            raise UnsafeFileError("a tensor without a storage")
        size, stride = tuple(size), tuple(stride)
        numbers = (offset, *size, *stride)
        if not all(type(n) is int and n >= 0 for n in numbers):
            raise ValueError(f"a tensor of size {size} and stride {stride}")
        if len(size) != len(stride):
            raise ValueError(f"{len(size)} sizes and {len(stride)} strides")
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        count = math.prod(size)
        if count and (last >= storage.size or count > storage.size):
            raise ValueError("a tensor beyond the end of its storage")
        self.storage, self.offset, self.size, self.stride = (
            storage,
            offset,
            size,
            stride,
        )

    def __setstate__(self, _: Any) -> None:
        pass

    def array(self) -> np.ndarray:
        values = self.storage.values
        if values is None:
            raise ValueError("a tensor whose numbers are missing")
        width = values.itemsize
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :],
            self.size,
            tuple(step * width for step in self.stride),
            writeable=False,
        )
        if values.dtype == jnp.bfloat16:
            return view.astype(np.float32)
        return np.array(view)


class _Parameter:
    """A parameter is its tensor."""

    def __new__(cls, tensor: Any, *_: Any) -> Any:
        """The tensor."""
        return tensor

    def __setstate__(self, _: Any) -> None:
        pass


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
    **{("torch", name): _StorageType(dtype) for name, dtype in _DTYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Resolves names through the lists above alone."""

    def __init__(self, file: _File):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if (module, name) in _INERT:
            return _Inert
        raise UnsafeFileError(
            f"a file of weights names tensors only, this one names {module}.{name}, "
            "and nothing was run: in PyTorch, save the model's state_dict() alone."
        )

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise UnsafeFileError(f"an unknown reference {pid!r}")
        kind, key, size = pid[1], str(pid[2]), pid[4]
        if not isinstance(kind, _StorageType) or type(size) is not int:
            raise UnsafeFileError(f"a storage of an unknown type {kind!r}")
        if len(pid) > 5 and pid[5] is not None:
            raise ValueError("a storage that is a view of another one")
        storage = self.storages.setdefault(key, _Storage(kind.dtype, size))
        if (storage.dtype, storage.size) != (kind.dtype, size):
            raise ValueError(f"storage {key} has two types")
        return storage


def _read_zip(archive: zipfile.ZipFile, root: str) -> Any:
    order = f"{root}/byteorder"
    if order in archive.namelist() and archive.read(order).strip() != b"little":
        raise ValueError("numbers in big-endian order")
    unpickler = _Unpickler(io.BytesIO(archive.read(f"{root}/data.pkl")))
    tree = unpickler.load()
    for key, storage in unpickler.storages.items():
        storage.fill(archive.read(f"{root}/data/{key}"))
    return tree


def _read_legacy(file: _File) -> Any:
    if _Unpickler(file).load() != _LEGACY_MAGIC:
        raise ValueError("not written by torch.save")
    if _Unpickler(file).load() != _LEGACY_PROTOCOL:
        raise ValueError("an unknown version of the older format")
    system = _Unpickler(file).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("numbers in big-endian order")
    unpickler = _Unpickler(file)
    tree = unpickler.load()
    for key in _Unpickler(file).load():
        storage = unpickler.storages[str(key)]
        (size,) = struct.unpack("<q", file.read(8))
        if size != storage.size:
            raise ValueError(f"{size} numbers where {storage.size} belong")
        storage.fill(file.read(size * storage.dtype.itemsize))
    return tree


def _named_tensors(tree: Any) -> State:
    for key in _STATE_KEYS:
        if isinstance(tree, Mapping) and isinstance(tree.get(key), Mapping):
            tree = tree[key]
            break
    if isinstance(tree, Mapping):
        tensors = {
            name: value
            for name, value in tree.items()
            if isinstance(name, str) and isinstance(value, _Tensor)
        }
        if tensors:
            return {name: tensor.array() for name, tensor in tensors.items()}
    raise _NoTensorsError(
        "a file of weights maps names to tensors, this one holds a "
        f"{type(tree).__name__} without any: in PyTorch, save the model's state_dict()."
    )
