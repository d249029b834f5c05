import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses.weighting import Fixed, LearntSigmas, LogSigmas, Sum

VALID = {"a": jnp.array(True), "b": jnp.array(True)}
VALUES = {"a": jnp.float32(2.0), "b": jnp.float32(0.5)}


def test_learnt_sigmas_are_equation_6():
    weighting = LearntSigmas()
    sigmas: LogSigmas = {"a": jnp.log(3.0), "b": jnp.log(0.5)}
    expected = 2.0 / 9 + 0.5 / 0.25 + np.log(3.0) + np.log(0.5)
    np.testing.assert_allclose(weighting.total(VALUES, VALID, sigmas), expected, 1e-6)
    jitted = jax.jit(weighting.total)(VALUES, VALID, sigmas)
    np.testing.assert_allclose(jitted, expected, 1e-6)
    start = weighting.init(["a", "b"])
    np.testing.assert_allclose(weighting.total(VALUES, VALID, start), 2.5)


@pytest.mark.parametrize("loss", [1e-2, 0.3, 40.0])
def test_log_sigma_is_stationary_where_sigma_squared_equals_twice_the_loss(loss):
    weighting = LearntSigmas(floor=1e-3)
    values, valid = {"a": jnp.float32(loss)}, {"a": jnp.array(True)}
    slope = jax.grad(weighting.total, argnums=2)
    stationary = 0.5 * np.log(2 * loss)
    at = slope(values, valid, {"a": jnp.float32(stationary)})["a"]
    np.testing.assert_allclose(at, 0, atol=1e-5)
    assert slope(values, valid, {"a": jnp.float32(stationary + 0.1)})["a"] > 0.1
    assert slope(values, valid, {"a": jnp.float32(stationary - 0.1)})["a"] < -0.1


def test_the_floor_bounds_the_weight_of_a_loss_that_goes_to_zero():
    weighting = LearntSigmas(floor=0.1)
    valid = {"a": jnp.array(True)}
    total = lambda loss, s: weighting.total({"a": loss}, valid, {"a": s})  # noqa: E731
    for log_sigma in (-3.0, -50.0, -1e4):
        value, (by_loss, by_sigma) = jax.value_and_grad(total, argnums=(0, 1))(
            jnp.float32(0.0), jnp.float32(log_sigma)
        )
        np.testing.assert_allclose(value, np.log(0.1), rtol=1e-6)
        np.testing.assert_allclose(by_loss, 100.0, rtol=1e-5)
        assert by_sigma == 0
    # A loss that asks for a larger sigma frees it again.
    assert jax.grad(total, argnums=1)(jnp.float32(1.0), jnp.float32(-3.0)) < -1
    with pytest.raises(ValueError, match="floor of a sigma is positive"):
        LearntSigmas(floor=0.0)


@pytest.mark.parametrize(
    "weighting", [LearntSigmas(), Fixed({"a": 2.0, "b": 5.0}), Sum()], ids=str
)
def test_a_term_without_labels_drops_out_of_both_parts(weighting):
    sigmas = {"a": jnp.float32(0.3), "b": jnp.float32(-0.7)}
    both = {"a": jnp.array(True), "b": jnp.array(False)}

    def total(values, sigmas):
        valid = {name: both[name] for name in values}
        return weighting.total(values, valid, sigmas)

    alone = total({"a": VALUES["a"]}, sigmas)
    for anything in (0.5, np.nan):
        values = {"a": VALUES["a"], "b": jnp.float32(anything)}
        value, slopes = jax.value_and_grad(total, argnums=(0, 1))(values, sigmas)
        np.testing.assert_array_equal(value, alone)
        assert slopes[0]["b"] == 0
        assert slopes[1]["b"] == 0


def test_fixed_weights_and_the_sum():
    fixed = Fixed({"a": 2.0, "b": 10.0, "c": 1.0})
    assert fixed.init(["a", "b"]) == {}
    assert fixed.total(VALUES, VALID, {}) == 9.0
    assert Sum().init(["a"]) == {}
    assert Sum().total(VALUES, VALID, {}) == 2.5
    with pytest.raises(ValueError, match="needs a weight"):
        fixed.init(["a", "d"])
    with pytest.raises(ValueError, match="needs a learnt sigma"):
        LearntSigmas().total(VALUES, VALID, {"a": jnp.float32(0)})


def test_a_non_finite_loss_shows():
    values = {"a": jnp.float32(np.nan), "b": jnp.float32(1)}
    for weighting in (LearntSigmas(), Sum()):
        total = weighting.total(values, VALID, LearntSigmas().init(["a", "b"]))
        assert np.isnan(total)
