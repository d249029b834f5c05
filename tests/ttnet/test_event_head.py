from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import Window
from ttjax.ttnet import event_head
from ttjax.ttnet.arrays import BallLogits
from ttjax.ttnet.ball_path import Stage

SOURCE_WH = jnp.array([[1920.0, 1080.0]])


def build(head, *, use_path=False, frames=3, width=0.1) -> Any:
    return head.build(
        width=width,
        events=2,
        use_path=use_path,
        window=Window(frames),
        base_rate=0.15,
        dropout=0.5,
        dtype=jnp.float32,
    )


def stage(k=None, seed=0, channels=6):
    random = np.random.RandomState(seed)

    def randn(*shape):
        return jnp.asarray(random.randn(*shape), jnp.float32)

    ball = None if k is None else BallLogits(randn(1, k, 128), randn(1, k, 64))
    maps = {8: randn(1, 8, 16, channels), 64: randn(1, 1, 2, channels)}
    return Stage(maps, ball, jnp.zeros((1, 2)), jnp.full((1, 2), 15.0))


def test_the_convolutional_head_is_table_4_with_two_blocks_of_their_own():
    module = build(event_head.EventConvs(), width=1.0, frames=9)
    assert isinstance(module, event_head.ConvEventHead)
    maps: Any = {64: jax.ShapeDtypeStruct((1, 2, 5, 256), jnp.float32)}
    point: Any = jax.ShapeDtypeStruct((1, 2), jnp.float32)
    stages = (Stage(maps, None, point, point),) * 2
    params = jax.eval_shape(module.init, jax.random.key(0), stages, point)["params"]
    kernels = {
        "stem": (1, 1, 512, 64),
        "block1": (3, 3, 64, 64),
        "block2": (3, 3, 64, 64),
    }
    assert {n: params[n]["conv"]["kernel"].shape for n in kernels} == kernels
    assert params["fc1"]["kernel"].shape == (640, 512)
    assert params["fc2"]["kernel"].shape == (512, 2)


def test_the_two_blocks_start_and_stay_different():
    module = build(event_head.EventConvs())
    variables = jax.jit(module.init)(jax.random.key(0), (stage(),), SOURCE_WH)
    params = variables["params"]

    @jax.jit
    def grads(params):
        def loss(params):
            return module.apply(
                variables | {"params": params}, (stage(),), SOURCE_WH
            ).sum()

        return jax.grad(loss)(params)

    found = grads(params)
    for tree in (params, found):
        first, second = (tree[n]["conv"]["kernel"] for n in ("block1", "block2"))
        assert np.abs(first - second).max() > 0


@pytest.mark.parametrize("head", [event_head.EventConvs(), event_head.EventPool()])
@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("k", [None, 1, 3])
def test_heads_work_with_one_stage_or_two_and_whatever_balls_are_known(head, stages, k):
    module = build(head, use_path=k == 3)
    given = tuple(stage(k, seed) for seed in range(stages))
    variables, out = jax.eval_shape(
        lambda key: (
            v := module.init(key, given, SOURCE_WH),
            module.apply(v, given, SOURCE_WH),
        ),
        jax.random.key(0),
    )
    assert out.shape == (1, 2)
    assert out.dtype == jnp.float32
    assert ("ball_path" in variables["params"]) == (k == 3)


def test_first_answers_are_the_base_rate():
    module = build(event_head.EventPool(), use_path=True)
    assert isinstance(module, event_head.PoolEventHead)
    given = (stage(3),)
    out, _ = jax.jit(module.init_with_output)(jax.random.key(0), given, SOURCE_WH)
    np.testing.assert_allclose(jax.nn.sigmoid(out), 0.15, atol=0.03)


def test_pooling_reads_the_map_where_the_ball_of_the_event_frame_is():
    pool = event_head.EventPool(stride=8, landmarks=0)
    module = build(pool, use_path=True, width=1.0)
    at_x, at_y = jnp.full((1, 3, 128), -40.0), jnp.full((1, 3, 64), -40.0)
    at_x, at_y = at_x.at[0, 1, 83].set(9.0), at_y.at[0, 1, 41].set(9.0)
    at_x, at_y = at_x.at[0, 2, 5].set(9.0), at_y.at[0, 2, 5].set(9.0)
    given = stage(3)
    given = Stage(
        given.features, BallLogits(at_x, at_y), given.origin_px, given.cell_px
    )
    variables = jax.jit(module.init)(jax.random.key(0), (given,), SOURCE_WH)

    @jax.jit
    def touched(maps):
        def loss(maps):
            view = Stage({8: maps}, given.ball, given.origin_px, given.cell_px)
            return module.apply(variables, (view,), SOURCE_WH)[0, 0]

        return jax.grad(loss)(maps)

    gradient = np.abs(np.asarray(touched(given.features[8]))).sum(axis=(0, 3))
    assert np.unravel_index(gradient.argmax(), gradient.shape) == (41 // 8, 83 // 8)
    assert gradient.max() > 0.999 * gradient.sum()
