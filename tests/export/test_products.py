from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import products
from ttjax.export.graph import Graph, constant
from ttjax.export.layout import broadcast, transposed
from ttjax.nn import resize

NHWC: Any = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}


def convolved(x, kernel, steps=(1, 1), padding: Any = "SAME", **how):
    return lax.conv_general_dilated(x, kernel, steps, padding, **NHWC, **how)


@pytest.mark.parametrize(
    ("steps", "padding", "how"),
    [
        ((1, 1), "SAME", {}),
        ((2, 2), ((3, 3), (2, 1)), {}),
        ((1, 1), ((2, 2), (2, 2)), {"rhs_dilation": (2, 2)}),
        ((1, 1), ((1, 2), (1, 2)), {"lhs_dilation": (2, 2)}),
        ((1, 1), ((2, 2), (2, 2)), {"lhs_dilation": (2, 2)}),
        ((1, 1), ((1, 3), (0, 3)), {"lhs_dilation": (2, 3)}),
    ],
)
def test_convolutions(steps, padding, how):
    kernel = jnp.asarray(parity.normal(3, 3, 4, 6))
    ops = parity.same(
        lambda x: convolved(x, kernel, steps, padding, **how),
        x=parity.normal(2, 7, 9, 4),
    )
    assert ops["ConvTranspose" if "lhs_dilation" in how else "Conv"] == 1


def test_a_convolution_of_lines_and_one_channel_by_channel():
    line = jnp.asarray(parity.normal(3, 4, 5))
    how: Any = {"dimension_numbers": ("NWC", "WIO", "NWC")}
    parity.same(
        lambda x: lax.conv_general_dilated(x, line, (1,), "SAME", **how),
        x=parity.normal(2, 7, 4),
    )
    each = jnp.asarray(parity.normal(3, 3, 1, 4))
    parity.same(
        lambda x: convolved(x, each, feature_group_count=4), x=parity.normal(1, 5, 6, 4)
    )


def test_blocks_hand_on_their_maps_without_transpositions():
    first, second = (jnp.asarray(parity.normal(3, 3, 4, 4, seed=s)) for s in (1, 2))
    bias = jnp.asarray(parity.normal(4))

    def program(x):
        x = jnp.maximum(convolved(x, first) + bias[None, None, None], 0)
        return convolved(x, second)

    ops = parity.same(program, x=parity.normal(1, 6, 5, 4), atol=1e-4)
    assert ops["Transpose"] == 2


@pytest.mark.parametrize(
    ("letters", "left", "right"),
    [
        ("ij,jk->ik", (3, 4), (4, 5)),
        ("bhwc,co->bhwo", (2, 3, 4, 5), (5, 6)),
        ("oh,bhwc->bowc", (6, 3), (2, 3, 4, 5)),
        ("ow,bhwc->bhoc", (6, 4), (2, 3, 4, 5)),
        ("nqs,nsf->nqf", (2, 3, 4), (2, 4, 5)),
        ("bhwc,bh->bwc", (2, 3, 4, 5), (2, 3)),
        ("bh,bw->bhw", (2, 3), (2, 4)),
        ("ij,j->i", (3, 4), (4,)),
    ],
)
@pytest.mark.parametrize("known", ["none", "left", "right"])
def test_products(letters, left, right, known):
    a, b = parity.normal(*left), parity.normal(*right, seed=1)
    if known == "none":
        parity.same(lambda x, y: jnp.einsum(letters, x, y), x=a, y=b)
    elif known == "left":
        parity.same(lambda x: jnp.einsum(letters, jnp.asarray(a), x), x=b)
    else:
        parity.same(lambda x: jnp.einsum(letters, x, jnp.asarray(b)), x=a)


def test_a_dense_layer_takes_a_map_in_the_order_of_storage():
    kernel = jnp.asarray(parity.normal(1, 1, 3, 4))
    matrix = jnp.asarray(parity.normal(2 * 5 * 4, 7))

    def program(x):
        return convolved(x, kernel).reshape(2, -1) @ matrix

    ops = parity.same(program, x=parity.normal(2, 2, 5, 3), atol=1e-4)
    assert ops["Transpose"] == 1


@pytest.mark.parametrize("out", [(9, 13), (12, 5), (5, 7)])
def test_an_enlarged_map(out):
    parity.same(lambda x: resize.align_corners(x, out), x=parity.normal(1, 5, 7, 3))


def test_a_kernel_is_known():
    with pytest.raises(ValueError, match="takes a kernel as a constant"):
        parity.same(
            lambda x, y: convolved(x, y),
            x=parity.normal(1, 4, 4, 2),
            y=parity.normal(3, 3, 2, 2),
        )
    kernel = jnp.asarray(parity.normal(3, 3, 2, 2))
    with pytest.raises(ValueError, match="at stride 1 without groups"):
        parity.same(
            lambda x: convolved(
                x, kernel, (2, 2), ((1, 2), (1, 2)), lhs_dilation=(2, 2)
            ),
            x=parity.normal(1, 4, 4, 2),
        )


def test_known_numbers_in_the_programs_own_shape():
    turned = transposed(constant(np.arange(6).reshape(2, 3)), (1, 0))
    np.testing.assert_array_equal(products.logical(turned), [[0, 3], [1, 4], [2, 5]])
    wide = broadcast(Graph(), constant(np.arange(2)), (3, 2), (1,))
    np.testing.assert_array_equal(products.logical(wide), [[0, 1]] * 3)
    assert {*products.RULES} == {"conv_general_dilated", "dot_general"}
