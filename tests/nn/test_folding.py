from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import config as deepsportlab_config
from ttjax.deepsportlab import task as deepsportlab_task
from ttjax.nn import blocks, folding
from ttjax.nn.batch_norm import BatchNorm
from ttjax.ttnet import config as ttnet_config
from ttjax.ttnet import task as ttnet_task

SMALL: dict[str, Any] = {
    "frame_hw": (64, 64),
    "crop_hw": (64, 64),
    "canvas_margin": (0, 0),
    "window": ttnet_config.Window(3),
}
PRESETS = {
    "ttnet": lambda: ttnet_task.Task(ttnet_config.ttnet(width=0.1, **SMALL)),
    "resnet18": lambda: ttnet_task.Task(ttnet_config.resnet18(width=0.1, **SMALL)),
    "ttnet nano": lambda: ttnet_task.Task(ttnet_config.nano(**SMALL)),
    "deepsportlab nano": lambda: deepsportlab_task.Task(
        deepsportlab_config.nano(image_hw=(65, 65))
    ),
}


def restless(variables, seed=0):
    """Statistics, scales and biases far from where they start."""
    rng = np.random.default_rng(seed)

    def moved(path, leaf):
        name = path[-1].key
        if name in ("var", "scale"):
            return rng.uniform(0.5, 2.0, leaf.shape).astype(np.float32)
        if name in ("mean", "bias"):
            return rng.normal(0, 0.3, leaf.shape).astype(np.float32)
        return rng.normal(0, 0.08, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(moved, variables)


def example(task, batch=2, seed=1):
    rng = np.random.default_rng(seed)

    def filled(leaf):
        if leaf.dtype == np.uint8:
            return rng.integers(0, 256, leaf.shape, np.uint8)
        return np.zeros(leaf.shape, leaf.dtype)

    drawn = jax.tree.map(filled, task.spec(batch))
    if hasattr(drawn, "source_hw"):
        hw = np.broadcast_to(np.array([64, 64], np.int32), (batch, 2))
        return drawn.replace(source_hw=hw)
    return drawn.replace(valid_hw=np.array([[65, 50], [40, 65]], np.int32))


def answered(task, variables, batch):
    inputs = task.inputs(batch, None, jnp.float32(1))
    return task.config.model.apply(variables, inputs)


@pytest.mark.parametrize("name", PRESETS)
def test_a_folded_network_says_the_same(name):
    """To the last pixel of a border, where folding too much would show."""
    task = PRESETS[name]()
    variables = restless(task.config.abstract_variables())
    faster, folded = task.for_inference(variables, None)
    assert faster == task
    assert set(folded) == {"params"}
    names = {
        path[-1].key for path, _ in jax.tree_util.tree_flatten_with_path(folded)[0]
    }
    assert not names & {"scale", "mean", "var"}
    batch = example(task)
    # One compilation for both: what is compared is the arithmetic.
    ours, want = jax.jit(
        lambda folded, variables, batch: (
            answered(task, folded, batch),
            answered(task, variables, batch),
        )
    )(folded, variables, batch)
    assert jax.tree.structure(ours) == jax.tree.structure(want)
    for left, right in zip(jax.tree.leaves(ours), jax.tree.leaves(want), strict=True):
        bound = 2e-4 * max(1.0, float(np.abs(right).max()))
        np.testing.assert_allclose(left, right, atol=bound)


def test_a_norm_after_a_convolution_is_a_convolution():
    """Against the formula, in numpy."""
    block: Any = blocks.ConvBlock(3, pool=False)
    x = jnp.asarray(np.random.RandomState(0).randn(1, 4, 5, 2), jnp.float32)
    variables = restless(jax.eval_shape(block.init, jax.random.key(0), x))
    folded = folding.fold(variables)
    params, stats = variables["params"], variables["batch_stats"]["bn"]
    factor = params["bn"]["scale"] / np.sqrt(stats["var"] + 1e-5)
    conv = folded["params"]["conv"]
    np.testing.assert_allclose(
        conv["kernel"], params["conv"]["kernel"] * np.asarray(factor), rtol=1e-6
    )
    shift = params["bn"]["bias"] + (params["conv"]["bias"] - stats["mean"]) * factor
    np.testing.assert_allclose(conv["bias"], shift, atol=1e-6)
    assert "bn" not in folded["params"]
    wider = folding.fold(variables, epsilon=0.5)["params"]["conv"]["kernel"]
    ratio = np.sqrt((stats["var"] + 1e-5) / (stats["var"] + 0.5))
    np.testing.assert_allclose(wider, np.asarray(conv["kernel"]) * ratio, rtol=1e-5)


def test_a_norm_behind_an_unknown_layer_is_named():
    class Odd(nn.Module):
        @nn.compact
        def __call__(self, x):
            return BatchNorm(name="bn")(nn.Dense(2, name="strange")(x))

    variables = jax.jit(Odd().init)(jax.random.key(0), jnp.ones((1, 2)))
    with pytest.raises(ValueError, match="params/bn has none of"):
        folding.fold(variables)


def test_kernels_are_cast_and_vectors_are_not():
    tree = {"kernel": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32)}
    cast = folding.cast_kernels(tree, "bfloat16")
    assert cast["kernel"].dtype == jnp.bfloat16
    assert cast["bias"].dtype == np.float32
