from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.ttnet import ball_path
from ttjax.ttnet.arrays import BallLogits


def logits_of(centres, bins, sigma, low=-9.0):
    """Logits of unit-height Gaussians, as a trained head gives them."""
    offsets = np.arange(bins) + 0.5 - np.asarray(centres)[..., None]
    p = np.exp(-0.5 * (offsets / sigma) ** 2) * 0.98
    return jnp.asarray(np.maximum(np.log(p / (1 - p) + 1e-9), low), jnp.float32)


def stage(xy, sigma_xy, bins_xy, cell=(1.0, 1.0), corner=(0.0, 0.0), low=-9.0):
    xy = (np.asarray(xy) - np.asarray(corner)) / np.asarray(cell)
    b = xy.shape[0]
    ball = BallLogits(
        x=logits_of(xy[..., 0], bins_xy[0], sigma_xy[0], low),
        y=logits_of(xy[..., 1], bins_xy[1], sigma_xy[1], low),
    )
    broadcast = [
        jnp.broadcast_to(jnp.array(v, jnp.float32), (b, 2)) for v in (corner, cell)
    ]
    return ball_path.Stage({}, ball, *broadcast)


@pytest.mark.parametrize(("sigma", "reach"), [(1.25, 2.5), (7.5, 15.0)])
def test_soft_bins_are_sub_bin_and_ignore_a_second_ball(sigma, reach):
    centres = np.linspace(80.0, 82.0, 21)[:, None]
    logits = logits_of(centres, 320, sigma)
    second = logits_of(np.full_like(centres, 250.0), 320, sigma) - 1
    found = jax.jit(ball_path.soft_bin)(
        jnp.maximum(logits, second), jnp.full(21, reach)
    )
    np.testing.assert_allclose(found, centres, atol=0.05)


def test_soft_bins_stay_finite_at_extreme_logits():
    for value in (-1e4, 0.0, 1e4):
        logits = jnp.full((1, 1, 50), value)
        found, grad = jax.value_and_grad(
            lambda x: ball_path.soft_bin(x, jnp.ones(1)).sum()
        )(logits)
        assert 0 <= found <= 50
        assert np.isfinite(grad).all()


def test_positions_come_out_in_source_pixels():
    truth = np.array([[[700.0, 300.0], [720.0, 310.0]]])
    coarse = stage(truth, (1.25, 0.9), (320, 128), cell=(6.0, 8.4375))
    fine = stage(truth, (7.5, 7.5), (320, 128), corner=(560.0, 250.0))
    np.testing.assert_allclose(ball_path.soft_xy_px(coarse), truth, atol=1.0)
    np.testing.assert_allclose(ball_path.soft_xy_px(fine), truth, atol=0.1)
    sure = ball_path.confidence(fine.required_ball())
    np.testing.assert_allclose(sure, 0.98, atol=0.01)


def test_the_fine_stage_leads_where_it_sees_the_ball_and_else_the_coarse_one():
    truth = np.array([[[700.0, 300.0], [90.0, 310.0]]])
    coarse = stage(truth + 5, (1.25, 0.9), (320, 128), cell=(6.0, 8.4375))
    fine = stage(truth, (7.5, 7.5), (320, 128), corner=(560.0, 250.0), low=-6.0)
    merged = np.asarray(ball_path.merged_xy_px((coarse, fine)))
    np.testing.assert_allclose(merged[0, 0], truth[0, 0], atol=1.0)
    # Left of the crop: the fine stage is unsure there.
    np.testing.assert_allclose(merged[0, 1], truth[0, 1] + 5, atol=2.0)


def test_a_stage_without_a_ball_head_says_so():
    bare = ball_path.Stage({}, None, jnp.zeros((1, 2)), jnp.ones((1, 2)))
    with pytest.raises(ValueError, match="add its head"):
        ball_path.soft_xy_px(bare)


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_the_path_is_told_as_differences(frames):
    event_at = frames // 2
    t = np.arange(frames, dtype=np.float32)
    xy = np.stack([8 * t + 500, 4 * np.abs(t - event_at) + 600], axis=-1)[None]
    sure = jnp.ones((1, frames, 2))
    source_wh = jnp.array([[1920.0, 1080.0]])
    path = ball_path.describe_path(jnp.asarray(xy), sure, source_wh, event_at)
    steps = frames * 2, (frames - 1) * 2, max(frames - 2, 0) * 2
    place, velocity, change, rest = np.split(np.asarray(path[0]), np.cumsum(steps))
    np.testing.assert_allclose(place.reshape(-1, 2)[event_at], 0, atol=1e-5)
    np.testing.assert_allclose(velocity.reshape(-1, 2)[:, 0], 8 / 16, rtol=1e-4)
    # A bounce: the only frame whose velocity changes is the event's.
    turns = np.abs(change.reshape(-1, 2)[:, 1]) > 1e-3
    assert turns.nonzero()[0].tolist() == ([event_at - 1] if frames > 2 else [])
    np.testing.assert_allclose(rest[2:], 1)
    # Moving the whole path changes nothing but its place in the picture.
    moved = ball_path.describe_path(jnp.asarray(xy) + 90, sure, source_wh, event_at)
    np.testing.assert_allclose(moved[0, : sum(steps)], path[0, : sum(steps)], atol=1e-3)


def test_no_gradient_flows_back_into_the_ball_heads():
    truth = np.array([[[70.0, 30.0], [72.0, 31.0]]])
    given = stage(truth, (2.0, 2.0), (128, 64))
    layer: Any = ball_path.BallPath(event_at=1, units=4)
    source_wh = jnp.array([[128.0, 64.0]])
    variables = jax.jit(layer.init)(jax.random.key(0), (given,), source_wh)

    def loss(ball):
        view = ball_path.Stage({}, ball, given.origin_px, given.cell_px)
        return jnp.square(layer.apply(variables, (view,), source_wh)).sum()

    value, grads = jax.jit(jax.value_and_grad(loss))(given.ball)
    assert value > 0
    for grad in jax.tree.leaves(grads):
        np.testing.assert_array_equal(grad, 0)


def test_a_map_has_its_mass_where_its_peak_is():
    logits = jnp.full((1, 4, 6, 2), -40.0).at[0, 2, 5, 0].set(0.0)
    logits = logits.at[0, 0, 1:3, 1].set(0.0)
    found = ball_path.centres_px(
        logits, jnp.array([[10.0, 20.0]]), jnp.array([[8.0, 4.0]])
    )
    np.testing.assert_allclose(found[0], [[54, 30], [26, 22]], rtol=1e-5)


def test_the_ball_is_seen_from_landmarks_in_thirtieths_of_the_width():
    away = ball_path.from_landmarks(
        jnp.array([[100.0, 50.0]]),
        jnp.array([[[96.0, 58.0], [300.0, 42.0]]]),
        jnp.array([[120.0, 60.0]]),
    )
    np.testing.assert_allclose(away, [[1, -2, -4, 2]])


def test_the_path_is_measured_from_landmarks_and_they_learn():
    truth = np.array([[[70.0, 30.0], [72.0, 31.0]]])
    maps = jnp.asarray(np.random.RandomState(0).rand(1, 8, 16, 3), jnp.float32)
    given = stage(truth, (2.0, 2.0), (128, 64))
    given = ball_path.Stage({8: maps}, given.ball, given.origin_px, given.cell_px)
    layer: Any = ball_path.BallPath(event_at=1, units=4, landmarks=2)
    source_wh = jnp.array([[256.0, 128.0]])
    variables = jax.jit(layer.init)(jax.random.key(0), (given,), source_wh)
    assert variables["params"]["landmarks"]["kernel"].shape == (3, 2)

    def loss(params):
        return jnp.square(layer.apply({"params": params}, (given,), source_wh)).sum()

    grads = jax.jit(jax.grad(loss))(variables["params"])
    assert np.abs(grads["landmarks"]["kernel"]).max() > 0
