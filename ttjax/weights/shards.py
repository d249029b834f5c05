"""Tensors in safetensors files that stay small: bfloat16 on the disk, float32 in hand.

Nothing that a file says is ever run: safetensors are lengths, shapes and bytes.
"""

import hashlib
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

LIMIT = 14_000_000
"""Bytes; every file stays below."""

SUFFIX = ".safetensors"

_ENTRY = 200
"""Bytes in the header of a file that a tensor takes beside its name, at most."""

_DTYPES = {
    "BF16": np.dtype("<u2"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U32": np.dtype("<u4"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_EXPONENT = np.uint16(0x7F80)
"""Bits of a bfloat16 that are all set where it is no finite number."""


def write(
    folder: pathlib.Path, tensors: Mapping[str, np.ndarray], *, limit: int = LIMIT
) -> dict[str, Any]:
    """Writes tensors by name; gives the index that `read` asks for, as JSON values.

    Floating-point numbers are rounded to the nearest bfloat16, others stay.

    Raises:
        ValueError: a number is not finite, or a tensor alone is too large for a file.
        OSError: the folder cannot be written.
    """
    from safetensors import numpy as safetensors

    rounded = {name: _rounded(name, tensors[name]) for name in sorted(tensors)}
    packed = list(_packed(rounded, limit))
    files = {}
    for number, part in enumerate(packed, 1):
        path = folder / f"model-{number:05}-of-{len(packed):05}{SUFFIX}"
        content = safetensors.save(part, metadata={"format": "np"})
        path.write_bytes(content)
        files[path.name] = _stamp(content)
    shapes = {name: list(tensor.shape) for name, tensor in rounded.items()}
    return {"files": files, "tensors": shapes}


def read(folder: pathlib.Path, index: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The tensors of a folder by name, bfloat16 as float32.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not the one that was written; a tensor is missing, of
            another shape, not of the index, or not finite.
    """
    found: dict[str, np.ndarray] = {}
    for name, stamp in index["files"].items():
        found |= _file(folder / name, stamp)
    shapes = {name: tuple(shape) for name, shape in index["tensors"].items()}
    wrong = [
        f"{name} {_shape(found, name)} instead of {shapes.get(name, 'none')}"
        for name in sorted({*shapes, *found})
        if name not in shapes or _shape(found, name) != shapes[name]
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(
            f"The files of {folder} hold the tensors of its config.json, they have "
            f"{'; '.join(wrong[:3])}{more}: install the package again."
        )
    bad = [name for name, tensor in found.items() if not _is_finite(tensor)]
    if bad:
        raise ValueError(
            f"Weights are finite numbers, in {folder} those of {', '.join(bad[:3])} "
            "are not: install the package again."
        )
    return {name: _widened(tensor) for name, tensor in found.items()}


def _rounded(name: str, tensor: np.ndarray) -> np.ndarray:
    tensor = np.asarray(tensor)
    if np.issubdtype(tensor.dtype, np.floating) or tensor.dtype == jnp.bfloat16:
        tensor = tensor.astype(jnp.bfloat16)
        if not np.isfinite(tensor.astype(np.float32)).all():
            raise ValueError(
                f"Weights are finite numbers, those of {name} are not: take another "
                "checkpoint of the run."
            )
    return np.ascontiguousarray(tensor).reshape(tensor.shape)


def _packed(
    tensors: Mapping[str, np.ndarray], limit: int
) -> Iterator[dict[str, np.ndarray]]:
    """Tensors in order, as many in a file as there is room for."""
    part, used = {}, _ENTRY
    for name, tensor in tensors.items():
        taken = tensor.nbytes + len(name) + _ENTRY
        if taken + _ENTRY >= limit:
            raise ValueError(
                f"A file of weights stays below {limit / 1e6:g} MB, {name} alone takes "
                f"{tensor.nbytes / 1e6:g}: weights with so large a layer do not ship."
            )
        if used + taken >= limit:
            yield part
            part, used = {}, _ENTRY
        part[name] = tensor
        used += taken
    if part:
        yield part


def _stamp(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _file(path: pathlib.Path, stamp: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """As stored: the bits of bfloat16 as uint16."""
    import safetensors

    if not path.is_file():
        raise FileNotFoundError(
            f"Weights are in all files of their config.json, {path} is missing: "
            "install the package again."
        )
    content = path.read_bytes()
    if _stamp(content) != stamp:
        raise ValueError(
            f"A file of weights is as it was written, {path} is not: it has "
            f"{len(content)} bytes of {stamp['bytes']}, or others. Install the package "
            "again."
        )
    found = {}
    try:
        views = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"Weights are safetensors, {path} is none ({error}): publish them again."
        ) from error
    for name, view in views:
        dtype = _DTYPES.get(view["dtype"])
        if dtype is None:
            raise ValueError(
                f"Weights are of {', '.join(_DTYPES)}, {name} in {path} is of "
                f"{view['dtype']}: publish them again."
            )
        found[name] = np.frombuffer(view["data"], dtype).reshape(view["shape"])
    return found


def _shape(found: Mapping[str, np.ndarray], name: str) -> tuple[int, ...] | str:
    return found[name].shape if name in found else "missing"


def _is_finite(tensor: np.ndarray) -> bool:
    if tensor.dtype == _DTYPES["BF16"]:
        return not ((tensor & _EXPONENT) == _EXPONENT).any()
    return bool(np.isfinite(tensor).all())


def _widened(tensor: np.ndarray) -> np.ndarray:
    """The bits of a bfloat16 are the upper half of a float32's."""
    if tensor.dtype != _DTYPES["BF16"]:
        return tensor
    bits = np.asarray(tensor.astype(np.uint32) << np.uint32(16))
    return bits.view(np.float32)
