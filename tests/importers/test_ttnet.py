import json
import pathlib

import jax
import numpy as np
import pytest

from ttjax.importers import ttnet as importer
from ttjax.ttnet import config as configs

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "ttnet_torch_state.json"


@pytest.fixture(scope="module")
def state():
    """Every tensor of a public checkpoint, filled with its own number."""
    names = json.loads(GOLDEN.read_text())
    return {
        name: np.full(shape, index, np.float32)
        for index, (name, shape) in enumerate(names)
    }


def shapes(tree):
    return jax.tree.map(lambda leaf: tuple(leaf.shape), tree)


def test_a_public_checkpoint_fills_the_exact_network(state):
    config = configs.ttnet()
    variables = importer.variables(state, config)
    assert shapes(variables) == shapes(config.abstract_variables())
    leaves = {float(leaf.flat[0]) for leaf in jax.tree.leaves(variables)}
    assert leaves == {float(i) for i in range(len(state))}


def test_prefixes_and_bookkeeping_are_ignored(state):
    config = configs.ttnet()
    dressed = {f"model.{name}": value for name, value in state.items()}
    dressed["model.ball_global_stage.batchnorm.num_batches_tracked"] = np.array(3)
    dressed["log_vars"] = np.zeros(4, np.float32)
    jax.tree.map(
        np.testing.assert_array_equal,
        importer.variables(dressed, config),
        importer.variables(state, config),
    )


def test_both_event_blocks_get_the_shared_weights(state):
    events = importer.variables(state, configs.ttnet())["params"]["events"]
    jax.tree.map(np.testing.assert_array_equal, events["block1"], events["block2"])


def test_flattened_rows_move_from_channels_first_to_channels_last(state):
    weight = np.arange(1792 * 2560, dtype=np.float32).reshape(1792, 2560)
    changed = state | {"ball_global_stage.fc1.weight": weight}
    config = configs.ttnet(heads=("ball_global",))
    kernel = importer.variables(changed, config)["params"]["global_ball"]["fc1"]
    kernel = kernel["kernel"].reshape(2, 5, 256, 1792)
    np.testing.assert_array_equal(
        kernel[1, 3, 77], weight.reshape(1792, 256, 2, 5)[:, 77, 1, 3]
    )


def test_a_config_with_fewer_heads_takes_its_part(state):
    config = configs.ttnet(heads=("masks",))
    assert set(importer.variables(state, config)["params"]) == {
        "global_encoder",
        "masks",
    }


def test_what_does_not_fit_is_named(state):
    config = configs.ttnet()
    missing = {n: v for n, v in state.items() if n != "segmentation.conv1.bias"}
    with pytest.raises(ValueError, match=r"'segmentation\.conv1\.bias'"):
        importer.variables(missing, config)
    with pytest.raises(ValueError, match="1 have none, first"):
        importer.variables(state | {"else.weight": np.zeros(1, np.float32)}, config)
    joint = {"ball_global_stage.fc3.weight": np.zeros((448, 896), np.float32)}
    with pytest.raises(ValueError, match="joint one"):
        importer.variables(state | joint, config)
    with pytest.raises(ValueError, match=r"have not, first params/events/fc2/bias"):
        importer.variables(state, configs.ttnet(events=("bounce",)))
    with pytest.raises(ValueError, match="TTNet's own encoder, got ResNet18"):
        importer.variables(state, configs.resnet18())
