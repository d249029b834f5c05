"""The exact network against outputs of an independent PyTorch implementation.

`TTJAX_GOLDEN_DIR` and `TTJAX_GOLDEN_SEED` choose another set than tests/golden's.
"""

import json
import os
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.importers import torch_state
from ttjax.importers import ttnet as importer
from ttjax.ttnet import config as configs

FOLDER = pathlib.Path(
    os.environ.get("TTJAX_GOLDEN_DIR") or pathlib.Path(__file__).parents[1] / "golden"
)
SEED = int(os.environ.get("TTJAX_GOLDEN_SEED") or 0)


def draw(names_and_shapes, seed):
    """The checkpoint that tests/golden/README.md describes."""
    random = np.random.RandomState(seed)
    state = {}
    for name, shape in names_and_shapes:
        normal = random.standard_normal(shape)
        if name.endswith("running_var"):
            value = 0.5 + np.abs(normal)
        elif name.endswith(("running_mean", "bias")):
            value = 0.1 * normal
        elif "batchnorm" in name:
            value = 1 + 0.1 * normal
        else:
            out, *rest = shape
            inputs = out * np.prod(shape[2:]) if "tconv" in name else np.prod(rest)
            value = np.sqrt(2 / inputs) * normal
        state[name] = value.astype(np.float32)
    return state


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    names = json.loads((FOLDER / "ttnet_torch_state.json").read_text())
    path = tmp_path_factory.mktemp("golden") / "state.npz"
    np.savez(path, **draw(names, SEED))
    config = configs.ttnet()
    variables = importer.variables(torch_state.read(path), config)
    random = np.random.RandomState(SEED + 1)
    stacks = [
        random.rand(1, 27, 128, 320).astype(np.float32).transpose(0, 2, 3, 1)
        for _ in range(2)
    ]

    def run(variables, frames, view):
        return config.model.apply(
            variables,
            frames,
            view,
            method="from_stacks",
            mutable=["intermediates"],
            capture_intermediates=lambda module, _: "encoder" in (module.name or ""),
        )

    with jax.default_matmul_precision("highest"):
        out, captured = jax.jit(run)(variables, *map(jnp.asarray, stacks))
    features = {
        stage: captured["intermediates"][f"{stage}_encoder"]["__call__"][0][64]
        for stage in ("global", "local")
    }
    return out, features


def test_outputs_equal_the_independent_network(outputs):
    golden = np.load(FOLDER / f"ttnet_seed{SEED}.npz")
    out, features = outputs
    ours = {
        "global_x": jax.nn.sigmoid(out.ball_global.x[:, 0]),
        "global_y": jax.nn.sigmoid(out.ball_global.y[:, 0]),
        "local_x": jax.nn.sigmoid(out.ball_local.x[:, 0]),
        "local_y": jax.nn.sigmoid(out.ball_local.y[:, 0]),
        "events": jax.nn.sigmoid(out.events),
        "masks": jax.nn.sigmoid(out.masks)[:, ::8, ::8].transpose(0, 3, 1, 2),
        "global_features": features["global"].transpose(0, 3, 1, 2),
        "local_features": features["local"].transpose(0, 3, 1, 2),
    }
    assert sorted(golden.files) == sorted(ours)
    for name, value in ours.items():
        assert golden[name].shape == value.shape
        tolerance = 1e-5 * max(1.0, np.abs(golden[name]).max())
        np.testing.assert_allclose(value, golden[name], atol=tolerance, rtol=0)


def test_the_golden_outputs_tell_their_heads_apart():
    golden = np.load(FOLDER / f"ttnet_seed{SEED}.npz")
    assert np.abs(golden["global_x"] - golden["local_x"]).max() > 0.1
    assert golden["masks"].std() > 0.01
