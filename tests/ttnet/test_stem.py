from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ttjax.ttnet import preprocessing, stem

RULES = [preprocessing.Normalise(), preprocessing.Whiten()]


@pytest.fixture(scope="module")
def frames():
    shape = (2, 3, 8, 12, 3)
    return jnp.asarray(np.random.RandomState(0).randint(0, 256, shape, dtype=np.uint8))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("patch", [1, 2])
def test_folding_changes_nothing(frames, rule, patch):
    layer: Any = stem.FoldedConv(5, patch, rule)
    stack = rule.apply(frames)
    variables = jax.jit(layer.init)(jax.random.key(0), stack)
    variables["params"]["bias"] += 0.3

    @jax.jit
    def both(variables):
        folded, shift = layer.apply(variables, frames)
        plain, bias = layer.apply(variables, stack)
        return folded + shift[None, None, None], plain + bias[None, None, None]

    folded, plain = both(variables)
    np.testing.assert_allclose(folded, plain, atol=2e-4)
    # And it is a convolution of the preprocessed stack.
    kernel = variables["params"]["kernel"]
    assert kernel.shape == (patch, patch, 9, 5)
    conv = lax.conv_general_dilated(
        stack,
        kernel,
        (patch, patch),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    np.testing.assert_allclose(plain, conv + 0.3, atol=1e-4)


@pytest.mark.parametrize("train", [True, False])
def test_the_stem_on_bytes_equals_the_stem_on_floats(frames, train):
    rule = preprocessing.Whiten()
    layer: Any = stem.Stem(4, 2, rule)
    variables = jax.jit(layer.init)(jax.random.key(1), frames)

    def run(x):
        out, new = layer.apply(variables, x, train, mutable=["batch_stats"])
        return out, new["batch_stats"]

    from_bytes, from_floats = jax.jit(run)(frames), jax.jit(run)(rule.apply(frames))
    for ours, want in zip(
        *map(jax.tree.leaves, (from_bytes, from_floats)), strict=True
    ):
        np.testing.assert_allclose(ours, want, atol=2e-4)


def test_gradients_reach_the_kernel_through_bytes(frames):
    rule = preprocessing.Normalise()
    layer: Any = stem.FoldedConv(4, 2, rule)
    variables = jax.jit(layer.init)(jax.random.key(2), frames)

    def loss(params, x):
        out, bias = layer.apply({"params": params}, x)
        return jnp.square(out + bias[None, None, None]).sum()

    grad = jax.jit(jax.grad(loss))
    ours, want = (grad(variables["params"], x) for x in (frames, rule.apply(frames)))
    for name in ("kernel", "bias"):
        scale = np.abs(want[name]).max()
        np.testing.assert_allclose(ours[name] / scale, want[name] / scale, atol=1e-4)


def test_from_bytes_is_a_matrix_product_with_exact_bytes_in_half_precision():
    patches = jnp.arange(256, dtype=jnp.uint8).reshape(1, 2, 2, 64)
    kernel = jnp.eye(64, dtype=jnp.bfloat16)
    out = stem.from_bytes(patches, kernel)
    assert out.dtype == jnp.float32
    np.testing.assert_array_equal(out, patches)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_folded_once_says_the_same(frames, rule):
    """In numpy, without compiling; only for bytes."""
    layer: Any = stem.Stem(5, 2, rule)
    variables = jax.jit(layer.init)(jax.random.key(0), frames)
    conv = jax.tree.map(np.asarray, variables["params"]["conv"])
    kernel, bias = stem.folded(rule, conv["kernel"], conv["bias"])
    assert isinstance(kernel, np.ndarray)
    traced, shift = stem.folded(rule, *map(jnp.asarray, (conv["kernel"], conv["bias"])))
    np.testing.assert_allclose(kernel, traced, atol=1e-5)
    np.testing.assert_allclose(bias, shift, atol=1e-4)
    encoder = {"stem": {"conv": conv, "bn": {}}, "block1": {}}
    ready = stem.for_bytes(encoder, rule)
    assert set(ready["stem"]["conv"]) == {stem.BYTE_KERNEL, "bias"}
    assert ready["block1"] is encoder["block1"]
    params = {**variables["params"], "conv": ready["stem"]["conv"]}
    run = jax.jit(layer.apply)
    found = run({**variables, "params": params}, frames)
    np.testing.assert_allclose(found, run(variables, frames), atol=1e-4)
    # Another trunk has no such stem and is left alone.
    assert stem.for_bytes({"trunk": {}}, rule) == {"trunk": {}}
