import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import pif_targets
from ttjax.deepsportlab.pif_targets import PATCH, PifTarget

RNG = np.random.default_rng(0)
HF, WF, STRIDE = 13, 21, 8
SIZE_HW = (HF, WF)
encode = functools.partial(pif_targets.encode, stride=STRIDE)


def eager(points, present=None, scale=None, ignored=None, valid=None, labelled=True):
    points = jnp.asarray(points, jnp.float32)
    n, k = points.shape[:2]
    every = np.ones((n, k), bool)
    return encode(
        points,
        jnp.asarray(every if present is None else present),
        jnp.asarray(0.5 * every if scale is None else scale, jnp.float32),
        jnp.array(every),
        ignored=jnp.asarray(np.zeros(SIZE_HW, bool) if ignored is None else ignored),
        valid=jnp.asarray(np.ones(SIZE_HW, bool) if valid is None else valid),
        labelled=jnp.asarray(labelled),
    )


made = jax.jit(eager)


def oracle(points, present):
    """Cell by cell: the nearest point whose square holds the cell."""
    n, k = present.shape
    vector = np.full((HF, WF, k, 2), np.nan)
    who = np.full((HF, WF, k), -1)
    for f in range(k):
        for i in range(HF):
            for j in range(WF):
                best = np.inf
                for row in range(n):
                    if not present[row, f]:
                        continue
                    x, y = (points[row, f] - 0.5) / STRIDE
                    left, top = np.round(x - 1.5), np.round(y - 1.5)
                    if not (left <= j < left + PATCH and top <= i < top + PATCH):
                        continue
                    distance = (x - j) ** 2 + (y - i) ** 2
                    if distance < best - 1e-5:
                        best, who[i, j, f] = distance, row
                        vector[i, j, f] = x - j, y - i
    return who, vector


def test_a_point_fills_the_sixteen_cells_around_it():
    """A point at (100.0, 52.0) of pixels counted from their corners, on stride 8."""
    target = made([[[100.5, 52.5]]])
    rows, columns = np.nonzero(np.asarray(target.confidence[..., 0]))
    assert sorted(set(columns)) == [11, 12, 13, 14]
    assert sorted(set(rows)) == [5, 6, 7, 8]
    assert len(rows) == 16
    for i, j in zip(rows, columns, strict=True):
        at = np.array([j, i]) * 8 + 0.5 + 8 * np.asarray(target.vector[i, j, 0])
        np.testing.assert_allclose(at, [100.5, 52.5], atol=1e-4)
    np.testing.assert_array_equal(target.vector_known, target.confidence)
    np.testing.assert_array_equal(target.scale_known, target.confidence)
    np.testing.assert_allclose(target.scale[target.confidence], 0.5)
    np.testing.assert_allclose(target.vector[~target.confidence], 0)
    assert target.known.all()
    mean = np.asarray(target.vector[target.confidence]).mean(0)
    np.testing.assert_allclose(mean, 0, atol=1e-5)


@pytest.fixture(scope="module")
def crowded():
    points = RNG.uniform([-20, -20], [WF * 8 + 20, HF * 8 + 20], (30, 3, 2))
    points[10:20] = points[:10] + RNG.uniform(-12, 12, (10, 3, 2))
    points[29, 0] = [1e9, -1e9]
    present = RNG.uniform(size=(30, 3)) < 0.8
    points = points.astype(np.float32)
    points[28, 1] = np.nan
    return points, present, made(points, present)


def test_where_squares_meet_the_nearer_point_is_meant(crowded):
    points, present, target = crowded
    known = present & np.isfinite(points).all(-1)
    who, vector = oracle(points.astype(np.float64), known)
    np.testing.assert_array_equal(target.confidence, who >= 0)
    some = who >= 0
    np.testing.assert_allclose(target.vector[some], vector[some], atol=1e-4)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(target))


def test_eager_and_compiled_agree(crowded):
    points, present, target = crowded
    plain = eager(points, present)
    for one, other in zip(jax.tree.leaves(plain), jax.tree.leaves(target), strict=True):
        if one.dtype == bool:
            np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_is_ignored_is_taught_again_less_than_a_cell_from_a_point():
    ignored = np.zeros(SIZE_HW, bool)
    ignored[4:10, 10:18] = True
    target: PifTarget = made([[[100.5, 52.5]]], ignored=ignored)
    known = np.asarray(target.known[..., 0])
    close = [(i, j) for i in (6, 7) for j in (12, 13)]  # at 12.5, 6.5
    for i in range(HF):
        for j in range(WF):
            assert known[i, j] == (not ignored[i, j] or (i, j) in close)
    assert target.vector_known.sum() == 16


def test_of_unsure_points_nothing_is_taught_and_they_take_nothing_from_others():
    points = jnp.array([[[100.5, 52.5]], [[84.5, 60.5]]])  # at 12.5 6.5 and 10.5 7.5
    every = jnp.ones((2, 1), bool)
    made = functools.partial(
        encode,
        ignored=jnp.zeros(SIZE_HW, bool),
        valid=jnp.ones(SIZE_HW, bool),
        labelled=jnp.array(True),
    )
    both = jax.jit(functools.partial(made, unsure=every.at[0].set(False)))(
        points, every, 0.5 * every, every
    )
    alone = jax.jit(made)(points[:1], every[:1], 0.5 * every[:1], every[:1])
    for name in ("confidence", "vector", "vector_known", "scale", "scale_known"):
        np.testing.assert_array_equal(getattr(both, name), getattr(alone, name))
    rows, columns = np.nonzero(~np.asarray(both.known[..., 0]))
    cells = {(i, j) for i in range(6, 10) for j in range(9, 13)}
    kept = {(i, j) for i in range(5, 9) for j in range(11, 15)}
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == cells - kept


def test_outside_the_picture_there_is_nothing_and_that_is_taught():
    valid = pif_targets.valid_cells(jnp.array([50, 97]), stride=STRIDE, size_hw=SIZE_HW)
    np.testing.assert_array_equal(valid.any(1), np.arange(HF) * 8 + 0.5 < 50)
    np.testing.assert_array_equal(valid.any(0), np.arange(WF) * 8 + 0.5 < 97)
    every = np.ones(SIZE_HW, bool)
    target = made([[[100.5, 52.5]]], valid=valid, ignored=every)
    assert not target.confidence[~valid].any()
    assert not target.vector_known[~valid].any()
    assert not target.scale_known[~valid].any()
    assert target.known[~valid].all()
    assert target.confidence[..., 0].sum() == 4  # rows 5, 6 and columns 11, 12


def test_nothing_is_taught_of_a_picture_without_labels():
    target = made([[[100.5, 52.5]]], labelled=False)
    for field in (target.known, target.vector_known, target.scale_known):
        assert not field.any()


def test_boxes_are_rounded_outwards():
    boxes = jnp.array(
        [[33, 20, 48, 40.6], [0, 0, 16, 16], [-50, 90, -9, 99]], jnp.float32
    )
    got = pif_targets.box_cells(
        boxes, jnp.array([True, False, True]), stride=8, size_hw=SIZE_HW
    )
    rows, columns = np.nonzero(np.asarray(got))
    # x: from 4.06 to 5.94 cells, y: from 2.4 to 5.01; cells 4 5, and 2 3 4 5.
    assert sorted(set(columns)) == [4, 5]
    assert sorted(set(rows)) == [2, 3, 4, 5]


def test_a_field_has_room_for_as_many_points_as_a_byte_can_count():
    with pytest.raises(ValueError, match="tells 256 points"):
        made(np.zeros((257, 1, 2)))
    np.testing.assert_allclose(
        pif_targets.to_cells(jnp.array([100.5, 52.5]), 8), [12.5, 6.5]
    )
