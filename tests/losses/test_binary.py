import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses import binary

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (4, 5)).astype(np.float32)
TARGETS = RNG.uniform(0, 1, (4, 5)).astype(np.float32)


def test_cross_entropy_is_the_closed_form():
    z, t = LOGITS.astype(np.float64), TARGETS.astype(np.float64)
    p = 1 / (1 + np.exp(-z))
    expected = -t * np.log(p) - (1 - t) * np.log(1 - p)
    got = binary.cross_entropy(jnp.array(LOGITS), jnp.array(TARGETS))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    jitted = jax.jit(binary.cross_entropy)(jnp.array(LOGITS), jnp.array(TARGETS))
    np.testing.assert_allclose(jitted, got, rtol=1e-6)


def test_divergence_is_zero_at_the_target_and_positive_elsewhere():
    targets = jnp.array(TARGETS)
    at_target = jnp.log(targets) - jnp.log1p(-targets)
    best = binary.divergence(at_target, targets)
    np.testing.assert_allclose(best, 0, atol=1e-6)
    assert (binary.divergence(at_target + 0.5, targets) > 1e-5).all()
    hard = jnp.array([0.0, 1.0])
    np.testing.assert_allclose(
        binary.divergence(jnp.zeros(2), hard), np.log(2), rtol=1e-6
    )


@pytest.mark.parametrize("loss", [binary.cross_entropy, binary.divergence])
@pytest.mark.parametrize("logit", [-1e4, -40.0, -17.0, 0.0, 21.0, 40.0, 1e4])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_extreme_logits_keep_the_gradient_p_minus_t(loss, logit, target):
    """With log(p + 1e-9) on float32 sigmoids it vanishes beyond about 17 to 21."""
    value, slope = jax.value_and_grad(loss)(jnp.float32(logit), jnp.float32(target))
    assert np.isfinite(value)
    expected = 1 / (1 + np.exp(-np.clip(logit, -500, 500))) - target
    np.testing.assert_allclose(slope, expected, atol=1e-6)


def test_half_precision_logits_are_scored_in_single():
    got = binary.cross_entropy(jnp.array(LOGITS, jnp.bfloat16), jnp.array(TARGETS))
    assert got.dtype == jnp.float32


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_the_focal_factor_is_the_probability_of_the_other_answer(gamma):
    z, t = LOGITS.astype(np.float64), TARGETS > 0.5
    p = 1 / (1 + np.exp(-z))
    right = np.where(t, p, 1 - p)
    got = binary.focal_cross_entropy(jnp.array(LOGITS), jnp.array(t), gamma=gamma)
    np.testing.assert_allclose(got, -((1 - right) ** gamma) * np.log(right), rtol=1e-4)


@pytest.mark.parametrize("logit", [-1e4, -40.0, 0.0, 40.0, 1e4])
@pytest.mark.parametrize("target", [False, True])
def test_the_gradient_flows_through_the_focal_factor(logit, target):
    """Of (1 - p) * -log p with respect to the logit: (1 - p) (p log p + p - 1)."""

    def loss(z):
        return binary.focal_cross_entropy(z, jnp.array(target))

    value, slope = jax.value_and_grad(loss)(jnp.float32(logit))
    assert np.isfinite(value)
    sign = 1.0 if target else -1.0
    right = 1 / (1 + np.exp(-np.clip(sign * logit, -500, 500)))
    wrong = 1 / (1 + np.exp(np.clip(sign * logit, -500, 500)))
    expected = sign * wrong * (right * np.log(right) - wrong)
    np.testing.assert_allclose(slope, expected, atol=1e-6)
