import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import VISIBLE, Window
from ttjax.ttnet import decode, targets
from ttjax.ttnet.arrays import BallLogits, Outputs

HW = (128, 320)
FRAME = np.array([1920.0, 1080.0], np.float32)
CELL = FRAME / np.array(HW[::-1], np.float32)


@jax.jit
def logits_of(made):
    """Logits whose sigmoids are the targets."""

    def of(curve):
        curve = jnp.clip(curve, 1e-12, 1 - 1e-6)
        return jnp.log(curve) - jnp.log1p(-curve)

    return BallLogits(x=of(made.x), y=of(made.y))


@jax.jit
def made_for(points, origin, scale):
    points = jnp.array(points, jnp.float32)[:, None]
    count = len(points)
    return targets.ball_targets(
        points,
        jnp.full((count, 1), VISIBLE, jnp.int8),
        origin_xy=jnp.broadcast_to(jnp.array(origin, jnp.float32), (count, 2)),
        scale_xy=jnp.broadcast_to(jnp.array(scale, jnp.float32), (count, 2)),
        radius_px=jnp.full((count,), 7.5),
        size_hw=HW,
    )


def dense(low, high, count=1501):
    """Points that visit every part of both axes, borders and near-borders included."""
    steps = np.linspace(0, 1, count)
    edge = np.concatenate([np.linspace(0, 0.01, 60), np.linspace(0.99, 0.999999, 60)])
    steps = np.concatenate([steps[:-1], edge])
    xs = low[0] + steps * (high[0] - low[0])
    ys = low[1] + np.random.default_rng(0).permutation(steps) * (high[1] - low[1])
    return np.stack([xs, ys], axis=1).astype(np.float32)


def test_decode_inverts_targets_for_every_ball_inside_the_frame():
    points = dense((0, 0), FRAME)
    logits = logits_of(made_for(points, np.zeros(2, np.float32), CELL))
    source_hw = jnp.tile(jnp.array([[1080, 1920]], jnp.int32), (len(points), 1))
    got = decode.global_ball(logits, source_hw)
    error_px = np.abs(np.asarray(got.xy_px) - points) / CELL
    assert error_px.max() < 0.25
    assert np.quantile(error_px, 0.99) < 0.01
    assert got.present.all()
    jitted = jax.jit(decode.global_ball)(logits, source_hw)
    np.testing.assert_allclose(jitted.xy_px, got.xy_px, atol=2e-3)


jitted_local_ball = jax.jit(decode.local_ball)


@pytest.mark.parametrize("crop", [(0, 0), (1600, 952), (0, 952), (777, 333)])
def test_the_local_stage_is_exact_also_where_the_crop_was_moved_at_a_border(crop):
    """Crops at borders, decoded by Eq. 1, put the ball where it is not."""
    high = (crop[0] + 320, crop[1] + 128)
    points = dense(crop, high, 701)
    logits = logits_of(made_for(points, np.array(crop), np.ones(2)))
    crop_xy = jnp.tile(jnp.array([crop], jnp.int32), (len(points), 1))
    got = jitted_local_ball(logits, crop_xy)
    assert np.abs(np.asarray(got.xy_px) - points).max() < 0.25
    assert got.present.all()


def bump(level_x, level_y):
    x = jnp.full((1, 1, 320), -8.0).at[0, 0, 40].set(level_x)
    y = jnp.full((1, 1, 128), -8.0).at[0, 0, 20].set(level_y)
    return BallLogits(x=x, y=y)


def test_present_needs_both_vectors():
    source_hw = jnp.array([[128, 320]], jnp.int32)
    for x, y, present in [(0.1, 0.1, 1), (5, -0.1, 0), (-0.1, 5, 0), (-3, -3, 0)]:
        got = decode.global_ball(bump(x, y), source_hw)
        assert bool(got.present[0]) is bool(present)
        expected = 1 / (1 + np.exp(-min(x, y)))
        np.testing.assert_allclose(got.probability[0], expected, rtol=1e-5)
    low = decode.global_ball(bump(-0.1, 5.0), source_hw, threshold=0.4)
    assert low.present.all()
    # Nothing anywhere is not a ball at (0, 0).
    nothing = BallLogits(x=jnp.full((1, 1, 320), -13.8), y=jnp.full((1, 1, 128), -13.8))
    assert not decode.global_ball(nothing, source_hw).present.any()


def test_ball_is_origin_plus_bin_times_scale():
    got = decode.ball(
        bump(3.0, 3.0),
        origin_xy=jnp.array([[100.0, 10.0]]),
        scale_xy=jnp.array([[6.0, 2.0]]),
    )
    np.testing.assert_allclose(got.xy_px, [[100 + 40.5 * 6, 10 + 20.5 * 2]], atol=1e-3)


def test_predictions_take_the_frame_that_counts_and_keep_the_global_answer():
    def stage(k, at):
        x = jnp.full((1, k, 32), -5.0).at[0, at, 7].set(4.0)
        y = jnp.full((1, k, 16), -5.0).at[0, at, 3].set(4.0)
        return BallLogits(x=x, y=y)

    window = Window(frames=5, ball_at=2)
    outputs = Outputs(
        ball_global=stage(5, 2),
        ball_local=stage(1, 0),
        events=jnp.array([[0.0, 100.0]], jnp.bfloat16),
        masks=jnp.array([-1e4, 0.0, 1e4]).reshape(1, 1, 3, 1),
        crop_xy=jnp.array([[500, 200]], jnp.int32),
    )
    source_hw = jnp.array([[160, 320]], jnp.int32)
    made = jax.jit(lambda o, s: decode.predictions(o, s, window=window))(
        outputs, source_hw
    )
    np.testing.assert_allclose(made.ball_global.xy_px, [[75.0, 35.0]], atol=1e-3)
    np.testing.assert_allclose(made.ball_local.xy_px, [[507.5, 203.5]], atol=1e-3)
    assert made.ball is made.ball_local
    assert made.ball_global.present.all()
    np.testing.assert_allclose(made.events, [[0.5, 1.0]])
    assert made.events.dtype == jnp.float32
    np.testing.assert_allclose(made.masks.ravel(), [0, 0.5, 1])
    np.testing.assert_array_equal(made.source_hw, source_hw)
    empty = decode.predictions(Outputs(), source_hw, window=window)
    assert empty.ball is None
    assert empty.masks is None
