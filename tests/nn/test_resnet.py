import jax
import jax.numpy as jnp
import numpy as np

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
