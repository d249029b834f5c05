import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.fields import splat


@pytest.mark.parametrize("truncate", [None, 1.0, 2.5])
@pytest.mark.parametrize("normaliser", [16.0, 1.0])
def test_the_kernel_is_the_closed_form(truncate, normaliser):
    made = splat.Splat(normaliser=normaliser, truncate_sigma=truncate)
    distance = np.linspace(0.0, 9.9, 34)
    for sigma in (1.0, 2.3):
        got = made.kernel(
            jnp.array(distance**2, jnp.float32), jnp.full((34,), sigma, jnp.float32)
        )
        expected = [
            0.0
            if truncate is not None and d > truncate * sigma
            else math.exp(-(d**2) / (2 * sigma**2)) / normaliser
            for d in distance
        ]
        np.testing.assert_allclose(got, expected, atol=1e-7, rtol=1e-5)


def test_sigma_is_half_the_scale_and_never_less_than_the_floor():
    made = splat.Splat(sigma_floor_px=1.5)
    got = jax.jit(made.sigma_px)(jnp.array([0.0, 2.9, 3.1, 40.0]))
    np.testing.assert_allclose(got, [1.5, 1.5, 1.55, 20.0], rtol=1e-6)


def test_values_and_gradients_are_finite_far_away_and_for_flat_votes():
    made = splat.Splat()

    def total(squared, sigma):
        return made.kernel(squared, sigma).sum()

    squared, sigma = jnp.array([0.0, 1e12, 1e30]), jnp.array([1e6, 1.0, 1.0])
    assert np.isfinite(made.kernel(squared, sigma)).all()
    for gradient in jax.grad(total, argnums=(0, 1))(squared, sigma):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "field", [{"normaliser": 0.0}, {"truncate_sigma": -1.0}, {"sigma_floor_px": 0.0}]
)
def test_what_is_not_positive_is_refused(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        splat.Splat(**field)
