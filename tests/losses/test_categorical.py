import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses import categorical

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (5, 7, 3)).astype(np.float32)
CLASSES = RNG.integers(0, 3, (5, 7)).astype(np.int32)


def softmax(logits):
    e = np.exp(logits.astype(np.float64))
    return e / e.sum(-1, keepdims=True)


def test_cross_entropy_is_minus_the_logarithm_of_the_softmax():
    p = np.take_along_axis(softmax(LOGITS), CLASSES[..., None], -1)[..., 0]
    got = categorical.cross_entropy(jnp.array(LOGITS), jnp.array(CLASSES))
    np.testing.assert_allclose(got, -np.log(p), rtol=1e-4, atol=1e-6)
    jitted = jax.jit(categorical.cross_entropy)(jnp.array(LOGITS), jnp.array(CLASSES))
    np.testing.assert_allclose(jitted, got, rtol=1e-5, atol=1e-6)


def test_each_class_against_the_rest_is_a_binary_question():
    p = softmax(LOGITS)[..., 1:]
    here = CLASSES[..., None] == np.arange(1, 3)
    expected = -np.where(here, np.log(p), np.log1p(-p)).sum(-1)
    got = categorical.one_against_rest(jnp.array(LOGITS), jnp.array(CLASSES))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "one_against_rest"])
@pytest.mark.parametrize("logit", [-1e4, 0.0, 1e4])
def test_extreme_logits_have_finite_values_and_gradients(loss, logit):
    def total(logits):
        return getattr(categorical, loss)(logits, jnp.array([0, 1, 2])).sum()

    value, slope = jax.jit(jax.value_and_grad(total))(
        jnp.full((3, 3), logit) * jnp.eye(3)
    )
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


hardest = jax.jit(categorical.hardest, static_argnames="share")
sloped = jax.jit(jax.grad(categorical.hardest), static_argnames="share")


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 1.0])
def test_the_hardest_share_is_the_mean_of_a_sorted_head(share):
    values = RNG.exponential(1.0, 203).astype(np.float32)
    values[::7] = 0
    known = RNG.uniform(size=203) < 0.7
    count = max(1, int(np.float32(share) * known.sum()))
    order = np.argsort(-values[known])[:count]
    got = hardest(jnp.array(values), jnp.array(known), share=share)
    np.testing.assert_allclose(got, values[known][order].mean(), rtol=1e-5)
    slope = sloped(jnp.array(values), jnp.array(known), share=share)
    np.testing.assert_allclose(slope.sum(), 1, rtol=1e-5)
    assert not np.asarray(slope)[~known].any()


def test_equal_values_share_their_place():
    values, known = (
        jnp.array([3.0, 1.0, 1.0, 1.0, 9.0]),
        jnp.array([True] * 4 + [False]),
    )
    got = hardest(values, known, share=0.5)
    np.testing.assert_allclose(got, 2.0)
    slope = sloped(values, known, share=0.5)
    np.testing.assert_allclose(slope, [1 / 2, 1 / 6, 1 / 6, 1 / 6, 0], rtol=1e-6)


def test_nothing_known_costs_nothing():
    assert hardest(jnp.ones(5), jnp.zeros(5, bool), share=0.2) == 0
