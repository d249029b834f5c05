"""The paper's network against outputs of an independent PyTorch implementation.

`TTJAX_GOLDEN_DIR` and `TTJAX_GOLDEN_SEED` choose another set than tests/golden's.
"""

import json
import os
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import config as configs
from ttjax.importers import deepsportlab as importer
from ttjax.importers import torch_state

FOLDER = pathlib.Path(
    os.environ.get("TTJAX_GOLDEN_DIR") or pathlib.Path(__file__).parents[1] / "golden"
)
SEED = int(os.environ.get("TTJAX_GOLDEN_SEED") or 0)
HW = (97, 129)


def draw(names_and_shapes, seed):
    """The checkpoint that tests/golden/README.md describes."""
    random = np.random.RandomState(seed)
    names = {name for name, _ in names_and_shapes}
    state = {}
    for name, shape in names_and_shapes:
        normal = random.standard_normal(shape)
        if name.endswith("running_var"):
            value = 0.5 + np.abs(normal)
        elif name.endswith(("running_mean", "bias")):
            value = 0.1 * normal
        elif name.replace("weight", "running_mean") in names:
            value = 1 + 0.1 * normal
        else:
            value = np.sqrt(1 / np.prod(shape[1:])) * normal
        state[name] = value.astype(np.float32)
    return state


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    names = json.loads((FOLDER / "deepsportlab_torch_state.json").read_text())
    path = tmp_path_factory.mktemp("golden") / "state.npz"
    np.savez(path, **draw(names, SEED))
    config = configs.deepsportlab(image_hw=HW)
    variables = importer.variables(torch_state.read(path), config)
    random = np.random.RandomState(SEED + 1)
    picture = random.standard_normal((1, 3, *HW)).astype(np.float32)

    def run(variables, picture):
        return config.model.apply(variables, picture, method="from_normalised")

    with jax.default_matmul_precision("highest"):
        return jax.jit(run)(variables, jnp.asarray(picture.transpose(0, 2, 3, 1)))


def stacked(pif):
    """A field in PyTorch's order of axes: point, component, row, column."""
    parts = [
        pif.confidence,
        pif.vector[..., 0],
        pif.vector[..., 1],
        pif.log_spread,
        pif.log_scale,
    ]
    return np.stack(parts, axis=-1).transpose(0, 3, 4, 1, 2)


def test_outputs_equal_the_independent_network(outputs):
    golden = np.load(FOLDER / f"deepsportlab_seed{SEED}.npz")
    ours = {
        "parts": stacked(outputs.parts),
        "centre": stacked(outputs.centre),
        "ball": stacked(outputs.ball),
        "semantic": np.transpose(outputs.semantic, (0, 3, 1, 2)),
        "offset": np.transpose(outputs.offset, (0, 3, 1, 2)),
    }
    assert sorted(golden.files) == sorted(ours)
    for name, value in ours.items():
        assert golden[name].shape == value.shape
        tolerance = 1e-4 * max(1.0, np.abs(golden[name]).max())
        np.testing.assert_allclose(value, golden[name], atol=tolerance, rtol=0)


def test_the_golden_outputs_tell_their_heads_apart():
    golden = np.load(FOLDER / f"deepsportlab_seed{SEED}.npz")
    assert np.abs(golden["ball"] - golden["centre"]).max() > 0.1
    for name in ("parts", "semantic", "offset"):
        assert golden[name].std() > 0.01
