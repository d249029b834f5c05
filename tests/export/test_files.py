import json

import jax
import numpy as np
import onnx
import pytest

from tests.export import nets, parity
from ttjax import registry
from ttjax.export import files
from ttjax.export.files import CONFIG, LOADER, MODEL, config, onnx_model, write
from ttjax.export.program import Program
from ttjax.ttnet import config as ttnet_config

NETWORKS = {
    "nano": nets.ttnet,
    "ttnet": lambda: nets.ttnet(ttnet_config.ttnet),
    "resnet18": lambda: nets.ttnet(ttnet_config.resnet18, heads=("ball_global",)),
    "deepsportlab": nets.deepsportlab,
}


@pytest.mark.parametrize(
    ("name", "batch"),
    [("nano", 2), ("ttnet", 1), ("resnet18", 1), ("deepsportlab", 1)],
)
def test_the_onnx_model_answers_as_the_network(name, batch):
    program = Program(NETWORKS[name](), nets.SIZE, from_views=True)
    draw = np.random.default_rng(0)
    arrays = {
        name: draw.integers(0, 256, leaf.shape, np.uint8)
        for name, leaf in program.inputs(batch).items()
    }
    model = onnx_model(program, batch)
    found = parity.run(model, arrays)
    want = jax.jit(lambda arrays: program(**arrays))(arrays)
    assert found.keys() == want.keys()
    for name, value in want.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_allclose(found[name], value, atol=2e-4, err_msg=name)
    # Maps pass from convolution to convolution as they are.
    ops = [node.op_type for node in model.graph.node]
    assert ops.count("Transpose") < ops.count("Conv")
    assert ops.count("MaxPool") >= 1


def test_a_folder_holds_all_that_its_config_names(tmp_path):
    network = nets.ttnet(heads=("ball_global",))
    told = {"step": 7, "licences": ["CC BY 4.0"]}
    paths = write(network, tmp_path / "out", nets.SIZE, onnx=network, metadata=told)
    assert {path.name for path in paths} == {
        path.name for path in paths[0].parent.iterdir()
    }
    said = json.loads((tmp_path / "out" / CONFIG).read_text())
    assert {*said["files"], CONFIG, LOADER} == {path.name for path in paths}
    assert registry.decode(said["task"]) == network.task
    assert said["size_hw"] == [80, 96]
    assert said["window"]["ball_offset"] == 0
    assert said["window"]["event_offset"] == -1
    assert said["checkpoint"] == told
    assert said["versions"]["jax"] == jax.__version__
    model = onnx.load(tmp_path / "out" / MODEL)
    assert {item.name for item in model.graph.input} == {
        *said["files"][MODEL]["inputs"]
    }
    assert config({"frames": Program(network, nets.SIZE)}, {})["masks"]
    assert files.Program is Program
