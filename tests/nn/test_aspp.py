from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import aspp

EPSILON = 1e-3


@pytest.fixture(scope="module")
def pyramid():
    """A pyramid with drawn variables, and its input."""
    random = np.random.RandomState(0)
    layer: Any = aspp.ASPP(4, rates=(1, 3), epsilon=EPSILON)
    x = random.randn(2, 6, 5, 3).astype(np.float32)
    variables = jax.eval_shape(layer.init, jax.random.key(0), jnp.asarray(x))
    variables = jax.tree.map(lambda v: random.randn(*v.shape) + 0.0, variables)
    variables["batch_stats"] = jax.tree.map(
        lambda v: np.abs(v) + 0.5, variables["batch_stats"]
    )
    return layer, jax.tree.map(jnp.float32, variables), x


def dilated(x, kernel, rate):
    """Convolution padded by zeros, by the definition."""
    reach = rate * (len(kernel) // 2)
    margin: Any = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = np.pad(x, margin)
    out = np.zeros((*x.shape[:3], kernel.shape[-1]))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            seen = padded[:, i : i + 2 * reach + 1 : rate, j : j + 2 * reach + 1 : rate]
            out[:, i, j] = np.einsum("bklc,klco->bo", seen[:, :3, :3], kernel)
    return out


def test_it_is_the_join_of_its_branches(pyramid):
    layer, variables, x = pyramid
    params, stats = jax.tree.map(
        np.float64, (variables["params"], variables["batch_stats"])
    )

    def branch(name, x, rate):
        y = dilated(x, params[f"conv{name}"]["kernel"], rate)
        norm, seen = params[f"bn{name}"], stats[f"bn{name}"]
        y = (y - seen["mean"]) / np.sqrt(seen["var"] + EPSILON)
        return np.maximum(y * norm["scale"] + norm["bias"], 0)

    mean = x.mean((1, 2), keepdims=True) @ params["conv_mean"]["kernel"][0, 0]
    parts = [
        branch("1", x, 1),
        branch("2", x, 1),
        branch("3", x, 3),
        np.broadcast_to(np.maximum(mean, 0), (2, 6, 5, 4)),
    ]
    expected = branch("_join", np.concatenate(parts, -1), 1)
    for apply in (layer.apply, jax.jit(layer.apply)):
        np.testing.assert_allclose(
            apply(variables, jnp.asarray(x)), expected, atol=1e-4 * expected.max()
        )


def test_single_numbers_drop_out_in_training_only(pyramid):
    layer, variables, x = pyramid
    out, _ = layer.apply(
        variables,
        jnp.asarray(x),
        True,
        mutable=["batch_stats"],
        rngs={"dropout": jax.random.key(1)},
    )
    whole, _ = layer.copy(dropout=0.0).apply(
        variables, jnp.asarray(x), True, mutable=["batch_stats"]
    )
    kept = np.asarray(out) != 0
    positive = np.asarray(whole) > 0
    np.testing.assert_allclose(out[kept], 2 * whole[kept], rtol=1e-5)
    assert 0.3 < kept[positive].mean() < 0.7
    assert len({tuple(row) for row in kept.reshape(-1, 4)}) > 4
