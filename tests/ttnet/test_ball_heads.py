from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import cost
from ttjax.ttnet import ball_heads

RATES = (0.011, 0.017)
HW = (64, 128)


def build(head, frames=1, hw=HW, width=1.0, dropout=0.5, rates=RATES) -> Any:
    return head.build(
        frames=frames,
        at=frames - 1,
        hw=hw,
        base_rate=rates,
        width=width,
        dropout=dropout,
        dtype=jnp.float32,
    )


def features(seed=0, b=2, hw=HW, channels=8):
    random = np.random.RandomState(seed)
    return {
        s: jnp.asarray(random.rand(b, hw[0] // s, hw[1] // s, channels), jnp.float32)
        for s in (4, 8, 16, 32, 64)
    }


HEADS = [ball_heads.Dense(), ball_heads.Marginal(channels=12)]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("frames", [1, 3])
def test_both_heads_give_columns_and_rows_near_the_base_rate(head, frames):
    module = build(head, frames, width=0.1, dropout=0.0)
    maps = features()
    variables = jax.jit(module.init)(jax.random.key(0), maps)
    out = jax.jit(module.apply)(variables, maps)
    assert out.x.shape == (2, frames, 128)
    assert out.y.shape == (2, frames, 64)
    assert out.x.dtype == jnp.float32
    for logits, rate in ((out.x, RATES[0]), (out.y, RATES[1])):
        np.testing.assert_allclose(jax.nn.sigmoid(logits).mean(), rate, rtol=0.3)


def test_the_dense_head_is_table_3_with_a_shared_first_layer_and_two_tails():
    module = build(ball_heads.Dense(), hw=(128, 320))
    assert isinstance(module, ball_heads.DenseHead)
    maps = {64: jax.ShapeDtypeStruct((1, 2, 5, 256), jnp.float32)}
    params = jax.eval_shape(module.init, jax.random.key(0), maps)["params"]
    assert {name: layer["kernel"].shape for name, layer in params.items()} == {
        "fc1": (2560, 1792),
        "fc2_x": (1792, 640),
        "fc3_x": (640, 320),
        "fc2_y": (1792, 256),
        "fc3_y": (256, 128),
    }
    assert cost.parameters(params) == 7_618_112 - 1_184_256


def test_the_dense_head_drops_single_units_in_training_only():
    module = build(ball_heads.Dense(), width=0.05)
    maps = features()
    variables = jax.jit(module.init)(jax.random.key(0), maps)

    @jax.jit
    def run(key):
        return [
            module.apply(variables, maps, train, rngs={"dropout": key}).x
            for train in (False, True)
        ]

    (still, dropped), (same, other) = run(jax.random.key(1)), run(jax.random.key(2))
    np.testing.assert_array_equal(still, same)
    assert (np.asarray(dropped) != np.asarray(other)).mean() > 0.9


def test_marginals_move_with_the_ball():
    # A shift by the deepest stride moves the answer by as much, away from the borders.
    module = build(ball_heads.Marginal(channels=6), hw=(128, 256))
    assert isinstance(module, ball_heads.MarginalHead)
    empty = {s: jnp.zeros((1, 128 // s, 256 // s, 4)) for s in (4, 32)}
    variables = jax.jit(module.init)(jax.random.key(0), empty)
    run = jax.jit(module.apply)

    def at(row, column):
        maps = dict(empty)
        maps[4] = maps[4].at[0, 8 * row + 3, 8 * column + 5].set(3.0)
        maps[32] = maps[32].at[0, row, column].set(2.0)
        return run(variables, maps)

    here, there = at(1, 2), at(2, 5)
    assert np.ptp(here.x) > 1e-4
    np.testing.assert_allclose(here.x[..., 32:128], there.x[..., 128:224], atol=1e-6)
    np.testing.assert_allclose(here.y[..., 24:72], there.y[..., 56:104], atol=1e-6)


def test_marginals_keep_frames_and_sub_cells_apart():
    module = ball_heads.MarginalHead(3, RATES, channels=6)
    maps = features()
    variables: Any = jax.jit(module.init)(jax.random.key(0), maps)
    # One bias per (sub-cell, frame): each must come out at its own place.
    bias = jnp.arange(12.0)
    last = {"kernel": variables["params"]["conv2_x"]["kernel"] * 0, "bias": bias}
    params = variables["params"] | {"conv2_x": last}
    out = jax.jit(module.apply)(variables | {"params": params}, maps)
    for frame in range(3):
        for sub in range(4):
            np.testing.assert_array_equal(out.x[:, frame, sub::4], 3 * sub + frame)


def test_logit_inverts_the_sigmoid():
    np.testing.assert_allclose(
        jax.nn.sigmoid(ball_heads.logit(0.017)), 0.017, rtol=1e-5
    )


def test_line_logits_begin_at_the_base_rate_and_name_their_layers():
    class Line(nn.Module):
        @nn.compact
        def __call__(self, x):
            return ball_heads.line_logits(
                x, "x", channels=6, frames=2, rate=0.02, dtype=jnp.float32
            )

    x = jnp.asarray(np.random.RandomState(0).randn(3, 5, 4), jnp.float32)
    out, variables = Line().init_with_output(jax.random.key(0), x)
    assert set(variables["params"]) == {"conv1_x", "conv2_x"}
    assert out.shape == (3, 2, 20)
    np.testing.assert_allclose(jax.nn.sigmoid(out).mean(), 0.02, rtol=0.3)


@pytest.fixture(scope="module")
def path_head():
    """The head with a path, for 4 frames of which frame 2 is scored."""
    module = ball_heads.Marginal(channels=6, path_channels=5).build(
        frames=4,
        at=2,
        hw=HW,
        base_rate=RATES,
        width=1.0,
        dropout=0.0,
        dtype=jnp.float32,
    )
    assert isinstance(module, ball_heads.MarginalPathHead)
    maps = features()
    variables: Any = jax.jit(module.init)(jax.random.key(0), maps)
    return jax.jit(module.apply), variables, maps


@pytest.mark.parametrize(("branch", "frames"), [("scored", [2]), ("others", [0, 1, 3])])
def test_the_scored_frame_has_layers_of_its_own(path_head, branch, frames):
    run, variables, maps = path_head
    params = dict(variables["params"])
    params[branch] = jax.tree.map(lambda leaf: leaf + 0.1, params[branch])
    changed = run(variables | {"params": params}, maps)
    before = run(variables, maps)
    for one, other in ((changed.x, before.x), (changed.y, before.y)):
        moved = np.abs(one - other).max(axis=(0, 2)) > 1e-4
        assert np.flatnonzero(moved).tolist() == frames


def test_one_frame_needs_no_path():
    one = build(ball_heads.Marginal())
    assert isinstance(one, ball_heads.MarginalHead)
