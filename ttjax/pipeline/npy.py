"""The .npy file of a long array, written a few rows at a time."""

import os
import pathlib

import numpy as np


class NpyWriter:
    """Rows of an array whose shape is known from the beginning.

    Plain writes: into memory-mapped pages the same takes twice as long, for every page
    of a new file is a fault.
    """

    def __init__(
        self, path: pathlib.Path, dtype: np.dtype, shape: tuple[int, ...], *, new: bool
    ):
        """Makes a sparse file, or opens one that holds some rows.

        Raises:
            ValueError: the file that is there holds another array.
        """
        mode = "w+" if new else "r+"
        array = np.lib.format.open_memmap(path, mode=mode, dtype=dtype, shape=shape)
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(
                f"Rows are added to an array of their own kind, {path} holds "
                f"{array.dtype}{list(array.shape)} instead of {dtype}{list(shape)}: "
                "remove it."
            )
        self._first, self._dtype, self._row_shape = array.offset, dtype, shape[1:]
        del array
        self._file = path.open("r+b")

    def write(self, row: int, rows: np.ndarray) -> None:
        """Replaces rows from number `row` on."""
        rows = np.ascontiguousarray(rows, self._dtype)
        row_bytes = int(np.prod(self._row_shape, dtype=int)) * self._dtype.itemsize
        self._file.seek(self._first + row * row_bytes)
        self._file.write(rows.data if rows.size else b"")

    def sync(self) -> None:
        """Returns when all that was written is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Nothing is written afterwards."""
        self._file.close()
