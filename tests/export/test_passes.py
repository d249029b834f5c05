from collections import Counter
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import passes
from ttjax.nn import blocks

KERNEL = jnp.asarray(parity.normal(3, 3, 2, 4))
NHWC: Any = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}


def convolved(x):
    return lax.conv_general_dilated(x, KERNEL, (1, 1), "SAME", **NHWC)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("hw", [(12, 18), (13, 19)])
def test_a_maximum_over_patches_becomes_one_pool(factor, hw):
    def program(x):
        return blocks.max_pool(convolved(x), factor)

    x = parity.normal(2, *hw, 2)
    before = parity.model_of(program, x=x)
    after = passes.pooled(before)
    ops = Counter(node.op_type for node in after.graph.node)
    assert ops["MaxPool"] == 1
    assert not ops["ReduceMax"]
    assert len(after.graph.initializer) < len(before.graph.initializer)
    one, other = (parity.run(model, {"x": x})["out"] for model in (before, after))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(other, program(jnp.asarray(x)), atol=1e-5)


def test_other_maxima_stay():
    def program(x):
        y = convolved(x)
        return y.max(1) + y.max(2)[:, :6]

    x = parity.normal(1, 6, 6, 2)
    before = parity.model_of(program, x=x)
    after = passes.pooled(before)
    assert [n.op_type for n in after.graph.node] == [
        n.op_type for n in before.graph.node
    ]
