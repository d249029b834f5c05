import jax
import numpy as np
import pytest

from tests.export import nets
from ttjax.export import structure
from ttjax.export.program import Program, named


@pytest.mark.parametrize("masks", [True, False])
def test_predictions_come_back_from_their_names(masks):
    network = nets.ttnet()
    program = Program(network, nets.SIZE, masks=masks)
    arrays = {
        name: np.zeros(leaf.shape, leaf.dtype)
        for name, leaf in named(program.abstract).items()
    }
    found = structure.of(network.task, masks)(arrays)
    assert jax.tree.structure(found) == jax.tree.structure(program.abstract)
    assert found.ball_local.xy_px is arrays["ball_local.xy_px"]
    assert (found.masks is not None) == masks
