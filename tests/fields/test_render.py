import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.fields import render


def test_gaussian_1d_is_the_closed_form_at_bin_centres():
    got = render.gaussian_1d(jnp.float32(3.2), jnp.float32(1.5), length=8)
    expected = [np.exp(-0.5 * ((i + 0.5 - 3.2) / 1.5) ** 2) for i in range(8)]
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    jitted = jax.jit(render.gaussian_1d, static_argnames="length")
    np.testing.assert_allclose(jitted(3.2, 1.5, length=8), got, rtol=1e-6)


@pytest.mark.parametrize("sigma", [0.6, 0.889, 1.25, 7.5])
def test_one_bin_reaches_a_half_wherever_the_centre_is(sigma):
    """A normalised density has a peak of at most 0.4 / sigma: it never could."""
    centres = jnp.linspace(0.0, 20.0, 2001)
    curves = jax.vmap(lambda c: render.gaussian_1d(c, sigma, length=20))(centres)
    assert curves.max(axis=1).min() >= 0.7
    assert curves.max() <= 1.0


def test_the_peak_is_symmetric_and_not_truncated():
    curve = np.asarray(
        render.gaussian_1d(jnp.float32(5.0), jnp.float32(0.8), length=10)
    )
    np.testing.assert_allclose(curve, curve[::-1], rtol=1e-6)
    assert curve[4] == curve[5]
