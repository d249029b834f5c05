from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import elementwise, lowering
from ttjax.export.elementwise import BOOL, COMPOSED, FLOAT, RULES, SAME_NAME
from ttjax.export.graph import Graph, constant

FLOATS = {
    "neg": jnp.negative,
    "exp": jnp.exp,
    "logistic": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "abs": jnp.abs,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "sign": jnp.sign,
    "erf": lax.erf,
    "square": jnp.square,
    "round": jnp.round,
    "stop_gradient": lax.stop_gradient,
    "copy": jnp.copy,
    "integer_pow": lambda x: lax.integer_pow(x, 3),
}
POSITIVE = {"log": jnp.log, "log1p": jnp.log1p, "sqrt": jnp.sqrt, "rsqrt": lax.rsqrt}
PAIRS = {
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "div": jnp.divide,
    "max": jnp.maximum,
    "min": jnp.minimum,
    "lt": jnp.less,
    "le": jnp.less_equal,
    "gt": jnp.greater,
    "ge": jnp.greater_equal,
    "eq": jnp.equal,
    "ne": jnp.not_equal,
    "rem": lax.rem,
    "pow": lambda x, y: lax.pow(jnp.abs(x), y),
}
LOGICAL = {"and": jnp.logical_and, "or": jnp.logical_or, "xor": jnp.logical_xor}


@pytest.mark.parametrize("name", FLOATS)
def test_of_one_number(name):
    parity.same(FLOATS[name], x=parity.normal(2, 5) * 3)


@pytest.mark.parametrize("name", POSITIVE)
def test_of_one_positive_number(name):
    parity.same(POSITIVE[name], x=np.abs(parity.normal(2, 5)) + 0.1)


@pytest.mark.parametrize("name", PAIRS)
def test_of_two_numbers(name):
    x, y = parity.normal(3, 4), parity.normal(3, 4, seed=1)
    y[0] = x[0]
    parity.same(lambda x, y: PAIRS[name](x, y), x=x, y=y)


@pytest.mark.parametrize("name", LOGICAL)
def test_of_two_truths(name):
    x, y = (
        np.array([[True, True, False, False]]),
        np.array([[True, False, True, False]]),
    )
    parity.same(lambda x, y: LOGICAL[name](x, y), x=x, y=y)
    parity.same(lambda x, y: jnp.where(x, ~x, y), x=x, y=y)


def test_every_operation_is_tried():
    tried = {*FLOATS, *POSITIVE, *PAIRS, *LOGICAL, "not", "select_n"}
    assert tried | {"convert_element_type"} == {*SAME_NAME, *COMPOSED} == {*RULES}


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.float32, np.bool_])
def test_numbers_change_their_type(dtype):
    parity.same(lambda x: x.astype(dtype), x=np.abs(parity.normal(4, 4)) * 9)
    made = Graph()
    elementwise.cast(made, "x", dtype)
    assert made.nodes[0].op_type == "Cast"


def test_a_choice_takes_one_or_the_other():
    x = parity.normal(3, 4)
    parity.same(lambda x: jnp.where(x > 0, x, -2 * x), x=x)
    ints = np.arange(12, dtype=np.int32).reshape(3, 4)
    parity.same(lambda x: jnp.where(x % 2 == 0, x, 0), x=ints)


def test_sizes_of_one_stand_for_all():
    parity.same(lambda x: x + jnp.arange(4.0)[None] * x[:, :1], x=parity.normal(3, 4))


def test_a_maximum_with_zero_is_the_node_that_runtimes_fuse():
    ops = parity.same(jax.nn.relu, x=parity.normal(3, 4))
    assert ops["Relu"] == 1
    assert not ops["Max"]


def test_maxima_of_neighbours_are_one_pool():
    def program(x):
        weights = jnp.ones((1, 1, 2, 2))
        how: Any = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
        y = lax.conv_general_dilated(x, weights, (1, 1), "SAME", **how)
        parts = [lax.slice_in_dim(y, i, i + 5, 2, 1) for i in range(3)]
        return jnp.maximum(jnp.maximum(parts[0], parts[1]), parts[2])

    ops = parity.same(program, x=parity.normal(1, 7, 5, 2))
    assert ops["MaxPool"] == 1
    assert not ops["Max"]


def test_known_numbers_are_computed_when_exported():
    traced = jax.make_jaxpr(lambda: jnp.exp(jnp.arange(3.0)) + 1)()
    made = Graph()
    (found,) = lowering.run(made, traced, [])
    assert not made.nodes
    np.testing.assert_allclose(
        np.asarray(found.stored), np.exp(np.arange(3)) + 1, rtol=1e-6
    )
    (eqn,) = jax.make_jaxpr(jnp.negative)(np.float32(1)).jaxpr.eqns
    assert elementwise.evaluated(eqn, [np.float32(2)])[0] == -2
    assert elementwise.apply(made, eqn, [constant(np.float32(3))])[0].stored == -3
    assert elementwise.node(made, eqn, ["x"]) == made.nodes[-1].output[0]
    assert (np.float32, np.bool_) == (FLOAT, BOOL)
