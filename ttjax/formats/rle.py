"""Run-length masks as COCO writes them, in numpy.

`{"size": [h, w], "counts": …}`: lengths of runs of 0 and 1 in turn, columns first, from
a run of 0 on. `counts` is a list of them, or text: each length, from the fourth on less
that of two before it, in groups of five bits, the lowest first. A group is written as
the character 48 + bits, + 32 where another one follows; the highest bit of the last one
is the sign.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

_ZERO, _MORE, _SIGN, _BITS = 48, 0x20, 0x10, 5
_MOST_GROUPS = 7
"""Of one length: 35 bits."""


class MaskError(ValueError):
    """A mask that is malformed, or of another size than its picture."""


def decode(
    mask: Mapping[str, Any], size_hw: tuple[int, int]
) -> Bool[np.ndarray, "h w"]:
    """The pixels of a mask.

    Raises:
        MaskError: it is malformed, or not of this size.
    """
    size, counts = mask.get("size"), mask.get("counts")
    if not isinstance(size, list | tuple) or tuple(size) != tuple(size_hw):
        raise MaskError(
            f"A mask has the size of its picture, {list(size_hw)} (h, w), got {size!r}."
        )
    if isinstance(counts, str | bytes):
        runs = lengths(counts)
    else:
        try:
            runs = np.asarray(counts, np.int64).reshape(-1)
        except (TypeError, ValueError, OverflowError) as error:
            raise MaskError(
                f"The lengths of runs are whole numbers, got {str(counts)[:60]}."
            ) from error
    if (runs < 0).any() or runs.sum() != size_hw[0] * size_hw[1]:
        raise MaskError(
            f"The runs of a mask of {size_hw[0]} x {size_hw[1]} px have "
            f"{size_hw[0] * size_hw[1]} px, these {int(runs.sum())}: it is damaged."
        )
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(size_hw[::-1]).T)


def encode(mask: Bool[np.ndarray, "h w"]) -> dict[str, Any]:
    """The mask with its lengths as text."""
    flat = mask.T.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(edges)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    return {"size": list(mask.shape), "counts": text(runs.astype(np.int64))}


def lengths(counts: str | bytes) -> Int64[np.ndarray, " n"]:
    """Text -> lengths of runs.

    Raises:
        MaskError: it holds other characters, or ends within a length.
    """
    raw = counts.encode("latin-1", "replace") if isinstance(counts, str) else counts
    groups = np.frombuffer(raw, np.uint8).astype(np.int64) - _ZERO
    ends = np.flatnonzero((groups & _MORE) == 0)
    wrong = ((groups < 0) | (groups >= 2 * _MORE)).any()
    if wrong or (len(groups) and (not len(ends) or ends[-1] != len(groups) - 1)):
        raise MaskError(f"Runs are not written like {str(counts)[:60]!r}.")
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    if len(ends) and (ends - starts).max() >= _MOST_GROUPS:
        raise MaskError(f"A run in {str(counts)[:60]!r} is longer than any picture.")
    place = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    values = (groups & (_MORE - 1)) << (_BITS * place)
    found = np.add.reduceat(values, starts) if len(starts) else values
    negative = (groups[ends] & _SIGN) != 0
    found = np.where(negative, found - (1 << (_BITS * (ends - starts + 1))), found)
    found[1::2] = np.cumsum(found[1::2])
    found[2::2] = np.cumsum(found[2::2])
    return found


def text(runs: Int64[np.ndarray, " n"]) -> str:
    """Lengths of runs -> text."""
    differences = runs.copy()
    differences[3:] -= runs[1:-2]
    written = bytearray()
    for value in differences.tolist():
        more = True
        while more:
            group, value = value & (_MORE - 1), value >> _BITS
            more = value != (-1 if group & _SIGN else 0)
            written.append(_ZERO + group + (_MORE if more else 0))
    return written.decode()
