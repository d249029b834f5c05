import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses import regression

RNG = np.random.default_rng(0)
D = np.abs(RNG.normal(0, 3, (4, 5))).astype(np.float32)
L = RNG.normal(0, 2, (4, 5)).astype(np.float32)


def test_length_is_the_norm_and_has_the_gradient_0_at_0():
    vectors = RNG.normal(0, 3, (6, 2)).astype(np.float32)
    vectors[0] = 0
    got = jax.jit(regression.length)(jnp.array(vectors))
    np.testing.assert_allclose(got, np.linalg.norm(vectors, axis=-1), rtol=1e-6)
    np.testing.assert_allclose(regression.length(jnp.array(vectors)), got, rtol=1e-6)
    total = jax.jit(jax.grad(lambda v: regression.length(v).sum()))
    slope = total(jnp.array(vectors))
    np.testing.assert_array_equal(slope[0], 0)
    unit = vectors[1:] / np.linalg.norm(vectors[1:], axis=-1, keepdims=True)
    np.testing.assert_allclose(slope[1:], unit, rtol=1e-5)
    huge = jnp.array([3e30, -4e30])
    np.testing.assert_allclose(regression.length(huge), 5e30, rtol=1e-6)
    steep = total(huge)
    np.testing.assert_allclose(steep, [0.6, -0.8], rtol=1e-6)


def test_soft_clip_is_the_identity_near_0_and_never_beyond_the_limit():
    values = jnp.array([-1e9, -0.01, 0.0, 0.01, 1e9])
    got = regression.soft_clip(values)
    np.testing.assert_allclose(got, [-3, -0.01, 0, 0.01, 3], rtol=1e-4)
    np.testing.assert_allclose(regression.soft_clip(values, 2.0)[-1], 2, rtol=1e-6)


def test_likelihoods_are_their_closed_forms():
    spread = np.exp(3 * np.tanh(L.astype(np.float64) / 3))
    got = regression.laplace(jnp.array(D), jnp.array(L))
    np.testing.assert_allclose(got, np.log(2 * spread) + D / spread, rtol=1e-5)
    got = regression.gaussian(jnp.array(D), jnp.array(L))
    np.testing.assert_allclose(got, (D / spread) ** 2 + np.log(spread), rtol=1e-4)


def test_laplace_is_least_where_the_spread_is_the_distance():
    distance = jnp.float32(2.5)
    best = 3 * np.arctanh(np.log(2.5) / 3)
    slope = jax.grad(lambda log_spread: regression.laplace(distance, log_spread))
    np.testing.assert_allclose(slope(jnp.float32(best)), 0, atol=1e-6)
    assert slope(jnp.float32(best - 0.1)) < 0 < slope(jnp.float32(best + 0.1))


def test_sizes_are_compared_as_they_are_or_by_their_logarithms():
    size = jnp.array(np.exp(L))
    target = jnp.full_like(size, 1.5)
    ratio = regression.log_l1(jnp.array(L), target)
    np.testing.assert_allclose(ratio, np.abs(L - np.log(1.5)), rtol=1e-5)
    plain = regression.l1_of_log(jnp.array(L), target)
    np.testing.assert_allclose(plain, np.abs(np.exp(L) - 1.5), rtol=1e-5)


def test_the_exponential_goes_on_as_its_tangent():
    got = regression.bounded_exp(jnp.array([-2.0, 4.0, 5.0, 7.0]))
    np.testing.assert_allclose(
        got, [np.exp(-2), np.exp(4), np.exp(5), 3 * np.exp(5)], rtol=1e-6
    )


def test_squares_are_summed_over_the_last_axis():
    one, other = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    got = regression.squared(jnp.array(one), jnp.array(other))
    np.testing.assert_allclose(got, ((one - other) ** 2).sum(-1), rtol=1e-5)


@pytest.mark.parametrize("raw", [-1e4, -30.0, 0.0, 30.0, 1e4])
def test_extreme_logits_have_finite_values_and_gradients(raw):
    for loss in (
        lambda raw: regression.laplace(jnp.abs(raw), raw),
        lambda raw: regression.gaussian(jnp.abs(raw), raw),
        lambda raw: regression.log_l1(raw, jnp.float32(0.1)),
        lambda raw: regression.l1_of_log(raw, jnp.float32(0.1)),
    ):
        value, slope = jax.jit(jax.value_and_grad(loss))(jnp.float32(raw))
        assert np.isfinite(value)
        assert np.isfinite(slope)
