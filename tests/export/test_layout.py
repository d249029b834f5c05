from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import layout
from ttjax.export.graph import Graph, Value, constant


def logical(value):
    whole = np.broadcast_to(value.stored, value.sizes)
    return whole.transpose(value.order).reshape(value.shape)


@pytest.fixture
def picture():
    """Channels first, as a convolution leaves it."""
    array = parity.normal(2, 3, 4, 6)
    value = constant(array)
    return layout.transposed(value, (0, 2, 3, 1)), array.transpose(0, 2, 3, 1)


def test_a_transposition_moves_nothing(picture):
    value, array = picture
    turned = layout.transposed(value, (3, 0, 1, 2))
    assert turned.stored is value.stored
    np.testing.assert_array_equal(logical(turned), array.transpose(3, 0, 1, 2))


@pytest.mark.parametrize(
    "shape",
    [
        (2, 2, 2, 6, 3),
        (2, 2, 2, 3, 6),
        (2, 24, 3),
        (2, 1, 4, 6, 3, 1),
        (144,),
        (2, 4, 9, 2),
        (8, 2, 9),
    ],
)
def test_a_reshape_gives_the_programs_numbers(picture, shape):
    value, array = picture
    found = layout.reshaped(Graph(), value, shape)
    np.testing.assert_array_equal(logical(found), array.reshape(shape))


def test_patches_and_back_leave_the_order_of_storage(picture):
    value, array = picture
    made = Graph()
    patches = layout.reshaped(made, value, (2, 2, 2, 3, 6))
    back = layout.reshaped(made, patches, (2, 4, 6, 3))
    assert back.axes[3] == (1,)
    np.testing.assert_array_equal(logical(back), array)


@pytest.mark.parametrize(
    ("shape", "places"),
    [((5, 2, 3), (1, 2)), ((2, 3, 5), (0, 1)), ((2, 5, 3), (0, 2)), ((2, 7), (0, 1))],
)
def test_a_repetition_is_stored_once(shape, places):
    array = parity.normal(2, 3) if shape[-1] != 7 else parity.normal(2, 1)
    found = layout.broadcast(Graph(), constant(array), shape, places)
    assert np.size(found.stored) == array.size
    grown = [
        array.shape[places.index(i)] if i in places else 1 for i in range(len(shape))
    ]
    np.testing.assert_array_equal(
        logical(found), np.broadcast_to(array.reshape(grown), shape)
    )
    assert layout.full(Graph(), found).dims == found.sizes


def test_plain_storage_has_one_axis_for_each_of_the_program(picture):
    value, array = picture
    merged = layout.reshaped(Graph(), value, (2, 4, 18))
    found = layout.plain(Graph(), merged, (2, 0, 1))
    assert found.axes == ((1,), (2,), (0,))
    np.testing.assert_array_equal(
        found.stored, array.reshape(2, 4, 18).transpose(2, 0, 1)
    )


def test_values_agree_on_the_storage_of_the_largest(picture):
    value, array = picture
    bias = layout.broadcast(Graph(), constant(parity.normal(3)), (2, 4, 6, 3), (3,))
    scalar = constant(np.float32(2))
    left, right, alone = layout.agreed(Graph(), [value, bias, scalar])
    assert (left.axes, left.sizes) == (right.axes, right.sizes)
    assert alone is scalar
    np.testing.assert_array_equal(
        logical(left) + logical(right),
        array + np.asarray(bias.stored).reshape(1, 1, 1, 3),
    )
    np.testing.assert_array_equal(layout.agreed(Graph(), [scalar])[0].stored, 2)


def test_one_storage_can_be_made_like_another(picture):
    value, array = picture
    other = constant(np.ascontiguousarray(array))
    found = layout.like(Graph(), other, layout.reshaped(Graph(), value, array.shape))
    assert found.axes == value.axes
    np.testing.assert_array_equal(logical(found), array)


def test_a_part_is_cut_along_one_axis(picture):
    value, array = picture
    found = layout.sliced(Graph(), value, 2, 1, 6, 2)
    np.testing.assert_array_equal(logical(found), array[:, :, 1:6:2])
    assert found.cut is not None
    assert (found.cut.starts, found.cut.count, found.cut.step) == ((1,), 3, 2)
    merged = layout.reshaped(Graph(), value, (2, 4, 18))
    for start, stop in ((3, 9), (2, 7)):
        part = layout.sliced(Graph(), merged, 2, start, stop, 1)
        np.testing.assert_array_equal(
            logical(part), array.reshape(2, 4, 18)[:, :, start:stop]
        )


def test_an_axis_of_one_is_dropped(picture):
    value, array = picture
    part = layout.sliced(Graph(), value, 2, 1, 2, 1)
    found = layout.squeezed(Graph(), part, [2])
    np.testing.assert_array_equal(logical(found), array[:, :, 1])
    assert found.cut == part.cut


def test_a_single_axis_is_merged_and_written_out(picture):
    value, array = picture
    merged = layout.reshaped(Graph(), value, (2, 4, 18))
    found, k = layout.single(Graph(), merged, 2)
    assert found.dims[k] == 18
    np.testing.assert_array_equal(logical(found), array.reshape(2, 4, 18))
    assert layout.channels_first(value) == (0, 3, 1, 2)
    assert layout.channels_first(constant(np.ones((2, 3)))) == (0, 1)


def test_a_repeated_picture_needs_no_transposition():
    weights = jnp.asarray(parity.normal(1, 1, 3, 3))

    def program(x):
        conv = (weights, (1, 1), "SAME")
        how: Any = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
        y = lax.conv_general_dilated(x, *conv, **how)
        b, h, w, c = y.shape
        wide = jnp.broadcast_to(y[:, :, None, :, None], (b, h, 2, w, 2, c))
        return lax.conv_general_dilated(wide.reshape(b, 2 * h, 2 * w, c), *conv, **how)

    ops = parity.same(program, x=parity.normal(1, 4, 5, 3))
    # One before the first convolution, one behind the last.
    assert ops["Transpose"] == 2
    assert isinstance(constant(1.0), Value)
