from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import cost, resnet


def test_the_trunk_has_the_published_size_and_cost():
    trunk = resnet.ResNet18()
    x = jax.ShapeDtypeStruct((1, 128, 320, 27), jnp.float32)
    variables = jax.eval_shape(trunk.init, jax.random.key(0), x)
    assert cost.parameters(variables["params"]) == 11_251_776
    assert round(cost.macs(trunk.apply, variables, x) / 1e9, 3) == 2.251
    maps = jax.eval_shape(trunk.apply, variables, x)
    assert {stride: m.shape for stride, m in maps.items()} == {
        4: (1, 32, 80, 64),
        8: (1, 16, 40, 128),
        16: (1, 8, 20, 256),
        32: (1, 4, 10, 512),
    }


def test_with_three_input_channels_it_is_torchvisions_without_the_classifier():
    trunk = resnet.ResNet18()
    x = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    variables = jax.eval_shape(trunk.init, jax.random.key(0), x)
    # 11,689,512 parameters with 512 x 1000 + 1000 of the classifier.
    assert cost.parameters(variables["params"]) == 11_689_512 - 513_000


def test_statistics_move_in_training_only():
    block = resnet.BasicBlock(6, stride=2)
    x = jnp.asarray(np.random.RandomState(0).randn(2, 8, 8, 3), jnp.float32)
    variables = jax.jit(block.init)(jax.random.key(0), x)

    @jax.jit
    def run(variables):
        return [
            block.apply(variables, x, train, mutable=["batch_stats"])[1]["batch_stats"]
            for train in (False, True)
        ]

    still, moved = run(variables)
    for old, same, new in zip(
        *map(jax.tree.leaves, (variables["batch_stats"], still, moved)), strict=True
    ):
        np.testing.assert_array_equal(old, same)
        assert np.abs(old - new).max() > 0


def test_a_block_projects_its_shortcut_only_where_the_shape_changes():
    x = jax.ShapeDtypeStruct((1, 8, 8, 4), jnp.float32)
    same, other = (
        jax.eval_shape(block.init, jax.random.key(0), x)["params"]
        for block in (resnet.BasicBlock(4), resnet.BasicBlock(6, stride=2))
    )
    assert set(same) == {"conv1", "bn1", "conv2", "bn2"}
    assert set(other) - set(same) == {"shortcut", "bn_shortcut"}


PUBLISHED = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160}


@pytest.mark.parametrize("depth", resnet.BLOCKS)
def test_every_depth_has_the_published_size_without_the_classifier(depth):
    trunk = resnet.ResNet(depth)
    x = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    variables = jax.eval_shape(trunk.init, jax.random.key(0), x)
    maps = jax.eval_shape(trunk.apply, variables, x)
    channels = 512 if depth < 50 else 512 * resnet.EXPANSION
    classifier = channels * 1000 + 1000
    assert cost.parameters(variables["params"]) == PUBLISHED[depth] - classifier
    assert maps[-1].shape == (1, 7, 7, channels)


def drawn(trunk, x, seed=0):
    random = np.random.RandomState(seed)
    shapes = jax.eval_shape(trunk.init, jax.random.key(0), x)
    params = jax.tree.map(
        lambda v: jnp.asarray(random.randn(*v.shape) * 0.3, jnp.float32),
        shapes["params"],
    )
    stats = jax.tree.map(
        lambda v: jnp.asarray(0.5 + random.rand(*v.shape), jnp.float32),
        shapes["batch_stats"],
    )
    return {"params": params, "batch_stats": stats}


NARROW: dict[str, Any] = {"widths": (3, 4, 5, 6)}


def test_resnet18_is_the_resnet_of_that_depth():
    x = jnp.asarray(np.random.RandomState(0).randn(1, 33, 65, 3), jnp.float32)
    old: Any = resnet.ResNet18(**NARROW)
    new: Any = resnet.ResNet(18, **NARROW)
    variables = drawn(old, x)
    one, two = jax.jit(old.apply)(variables, x), jax.jit(new.apply)(variables, x)
    assert [m.shape[1] for m in two] == [9, 5, 3, 2]
    for a, b in zip(one.values(), two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(a).max())


@pytest.mark.parametrize("dilated", [1, 2])
def test_a_dilated_stage_has_the_strided_ones_cells_and_those_between(dilated):
    x = jnp.asarray(np.random.RandomState(1).randn(1, 33, 17, 3), jnp.float32)
    plain: Any = resnet.ResNet(18, **NARROW, stem_pool=False)
    dense: Any = plain.copy(dilated=dilated)
    variables = drawn(plain, x)
    one, two = (jax.jit(trunk.apply)(variables, x) for trunk in (plain, dense))
    assert [m.shape[1] for m in one] == [17, 9, 5, 3]
    assert two[-1].shape[1] == {1: 5, 2: 9}[dilated]
    step = 2**dilated
    np.testing.assert_allclose(
        one[-1], two[-1][:, ::step, ::step], atol=1e-5 * np.abs(one[-1]).max()
    )


def test_a_bottleneck_is_three_convolutions_and_a_shortcut():
    x = np.random.RandomState(2).randn(1, 5, 7, 3).astype(np.float32)
    block: Any = resnet.Bottleneck(2, stride=2, epsilon=0.1)
    variables = drawn(block, jnp.asarray(x))
    params, stats = jax.tree.map(
        np.float64, (variables["params"], variables["batch_stats"])
    )

    def norm(name, y):
        y = (y - stats[name]["mean"]) / np.sqrt(stats[name]["var"] + 0.1)
        return y * params[name]["scale"] + params[name]["bias"]

    def pointwise(name, y):
        return y @ params[name]["kernel"][0, 0]

    y = np.maximum(norm("bn1", pointwise("conv1", x)), 0)
    margin: Any = ((0, 0), (1, 1), (1, 1), (0, 0))
    padded = np.pad(y, margin)
    kernel = params["conv2"]["kernel"]
    strided = np.zeros((1, 3, 4, 2))
    for i in range(3):
        for j in range(4):
            seen = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            strided[:, i, j] = np.einsum("bklc,klco->bo", seen, kernel)
    y = np.maximum(norm("bn2", strided), 0)
    y = norm("bn3", pointwise("conv3", y))
    y = y + norm("bn_shortcut", pointwise("shortcut", x[:, ::2, ::2]))
    out = block.apply(variables, jnp.asarray(x))
    np.testing.assert_allclose(out, np.maximum(y, 0), atol=1e-4)


def test_a_convolution_is_padded_by_half_its_reach():
    x = jax.ShapeDtypeStruct((1, 33, 40, 2), jnp.float32)
    for kernel, stride, dilation in ((1, 1, 1), (3, 2, 1), (3, 1, 4), (7, 2, 1)):
        layer = resnet.conv(5, kernel, stride, dilation)
        out, _ = jax.eval_shape(layer.init_with_output, jax.random.key(0), x)
        assert out.shape == (1, -(-33 // stride), -(-40 // stride), 5)


def test_another_depth_is_refused():
    x = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    with pytest.raises(ValueError, match=r"18, 34, 50, 101., got 42: choose"):
        jax.eval_shape(resnet.ResNet(42).init, jax.random.key(0), x)
