import jax
import jax.numpy as jnp
import numpy as np

from ttjax.losses import overlap

RNG = np.random.default_rng(1)
P = RNG.uniform(0, 1, (2, 6, 8, 3)).astype(np.float32)
T = (RNG.uniform(0, 1, (2, 6, 8, 3)) > 0.7).astype(np.float32)


def test_dice_loss_is_counted_for_each_example_and_class():
    got = overlap.dice_loss(jnp.array(P), jnp.array(T))
    assert got.shape == (2, 3)
    for b in range(2):
        for m in range(3):
            p, t = P[b, ..., m].astype(np.float64), T[b, ..., m].astype(np.float64)
            expected = 1 - (2 * (p * t).sum() + 1e-4) / (p.sum() + t.sum() + 1e-4)
            np.testing.assert_allclose(got[b, m], expected, rtol=1e-5)
    np.testing.assert_allclose(
        jax.jit(overlap.dice_loss)(jnp.array(P), jnp.array(T)), got, rtol=1e-6
    )


def test_a_small_class_weighs_as_much_as_a_large_one():
    """One number over all classes would hide a missed scoreboard behind the players."""
    truth = np.zeros((1, 32, 32, 2), np.float32)
    truth[0, :30, :, 0] = 1
    truth[0, :2, :2, 1] = 1
    guess = truth.copy()
    guess[..., 1] = 0
    loss = overlap.dice_loss(jnp.array(guess), jnp.array(truth)).mean()
    np.testing.assert_allclose(loss, 0.5, atol=1e-4)
    merged = 1 - 2 * (guess * truth).sum() / (guess.sum() + truth.sum())
    assert merged < 0.01


def test_smoothing_makes_two_empty_masks_agree():
    empty = jnp.zeros((1, 4, 4, 1))
    np.testing.assert_allclose(overlap.dice_loss(empty, empty), 0)
    slope = jax.grad(lambda p: overlap.dice_loss(p, empty).sum())(empty)
    assert np.isfinite(slope).all()


def test_dice_of_areas_is_the_quotient_of_what_is_shared():
    got = overlap.dice_of_areas(
        jnp.array([3.0, 0.0]), jnp.array([8.0, 0.0]), smoothing=1e-4
    )
    np.testing.assert_allclose(got, [1 - 6.0001 / 8.0001, 0.0], rtol=1e-6)
