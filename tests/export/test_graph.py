from typing import Any

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from ttjax.export import graph
from ttjax.export.graph import OPSET, Cut, Graph, Value, constant, kept, named


def test_a_value_has_the_shape_that_its_stored_axes_make():
    value = Value("x", (2, 5, 1), (2, 5, 3), ((0,), (2, 1), ()), np.dtype("f4"))
    assert value.shape == (2, 15, 1)
    assert value.order == (0, 2, 1)
    assert not value.is_constant


def test_numbers_and_names_are_stored_as_the_program_says():
    assert constant(np.ones((2, 3))).axes == ((0,), (1,))
    assert constant(1.0).shape == ()
    value = named("x", (2, 3), np.uint8)
    assert (value.stored, value.shape, value.dtype) == ("x", (2, 3), np.uint8)


def test_a_kept_value_knows_the_order_of_its_axes():
    value = kept("y", (0, 3, 1, 2), constant(np.empty((1, 4, 5, 6))))
    assert value.shape == (1, 4, 5, 6)
    assert value.sizes == (1, 6, 4, 5)


def test_what_is_known_is_computed_and_the_rest_becomes_nodes():
    made = Graph()
    known = made.transpose(made.reshape(np.arange(6), (2, 3)), (1, 0))
    np.testing.assert_array_equal(known, [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(made.slice(known, 0, 1, 3), [[1, 4], [2, 5]])
    assert np.shape(made.expand(np.ones((1, 2)), (3, 2))) == (3, 2)
    assert not made.nodes
    assert made.transpose("x", (0, 1)) == "x"
    assert made.transpose("x", (1, 0)) != "x"


def test_a_model_holds_what_its_outputs_depend_on_and_no_more():
    made = Graph()
    made.emit("Neg", made.expand("x", (3, 2)))
    out = made.name(made.reshape(made.slice("x", 1, 0, 2), (2,)))
    nodes = made.needed([out])
    assert [node.op_type for node in nodes] == ["Slice", "Reshape"]
    model = made.model({"x": ((1, 4), np.float32)}, {out: ((2,), np.float32)}, nodes)
    assert model.opset_import[0].version == OPSET
    assert len(model.graph.initializer) == 5
    x = np.arange(4, dtype=np.float32)[None]
    found: Any = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_array_equal(found[0], [0, 1])


def test_a_cut_remembers_where_it_was_made():
    parent = named("x", (4, 6), np.float32)
    cut = Cut(parent, axis=1, starts=(0,), count=3, step=2)
    assert cut.parent is parent
    with pytest.raises(AttributeError):
        cut.axis = 0  # pyright: ignore[reportAttributeAccessIssue]
    assert graph.Cut is Cut
