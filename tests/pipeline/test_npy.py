import numpy as np
import pytest

from ttjax.pipeline.npy import NpyWriter


def test_rows_are_an_npy_file_however_they_were_written(tmp_path):
    path, shape = tmp_path / "a.npy", (5, 2, 3)
    rows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    first = NpyWriter(path, np.dtype(np.float32), shape, new=True)
    first.write(0, rows[:2])
    first.sync()
    first.close()
    again = NpyWriter(path, np.dtype(np.float32), shape, new=False)
    again.write(2, rows[2:4].astype(np.float64))
    again.write(4, np.asfortranarray(rows[4:]))
    again.close()
    np.testing.assert_array_equal(np.load(path), rows)
    np.testing.assert_array_equal(np.load(path, mmap_mode="r")[3], rows[3])


def test_rows_without_elements_and_scalars_per_row_are_written_too(tmp_path):
    for name, shape, dtype in (("empty", (3, 0), np.uint8), ("scalar", (3,), np.int32)):
        writer = NpyWriter(tmp_path / name, np.dtype(dtype), shape, new=True)
        writer.write(0, np.ones(shape, dtype))
        writer.close()
        np.testing.assert_array_equal(np.load(tmp_path / name), np.ones(shape, dtype))


def test_a_file_of_another_array_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    NpyWriter(path, np.dtype(np.uint8), (4, 2), new=True).close()
    with pytest.raises(
        ValueError, match=r"holds uint8\[4, 2\] instead of uint8\[4, 3\]"
    ):
        NpyWriter(path, np.dtype(np.uint8), (4, 3), new=False)
