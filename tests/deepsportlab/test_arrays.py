import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from tests.deepsportlab import answers
from ttjax.deepsportlab import config
from ttjax.deepsportlab.arrays import Inputs, Outputs, Overflow, Pif, Predictions


def test_every_struct_is_a_tree_of_its_fields():
    found = answers.right()
    assert isinstance(found, Predictions)
    assert isinstance(found.overflow, Overflow)
    back = jax.tree.map(lambda leaf: leaf, found)
    np.testing.assert_array_equal(back.joints_px, found.joints_px)
    assert len(jax.tree.leaves(found)) == 12


def test_outputs_of_a_network_fill_the_structs():
    net = config.nano()
    inputs = net.abstract_inputs(2)
    assert isinstance(inputs, Inputs)
    outputs: Any = jax.eval_shape(net.model.apply, net.abstract_variables(), inputs)
    assert type(outputs) is Outputs
    assert type(outputs.parts) is Pif
    assert outputs.parts.vector.shape == (2, *net.pif_hw, 17, 2)
    offset: Any = outputs.offset
    assert offset.shape == (2, *net.map_hw, 2)
    assert outputs.centre_heat is None


def test_axes_that_disagree_are_refused():
    found = answers.right()
    with pytest.raises(Exception, match="joint_score"):
        dataclasses.replace(found, joint_score=found.joint_score[:, :2])
