import jax
import numpy as np
import pytest

from ttjax.sim import draws


def test_numbers_are_handed_out_once_in_order_and_within_bounds():
    key = jax.random.key(0)
    source = draws.Uniforms(key, 7)
    first, second = source.take(2, 2), source.take(3, low=-2.0, high=-1.0)
    all_of_them = np.asarray(jax.random.uniform(key, (7,)))
    np.testing.assert_array_equal(np.ravel(first), all_of_them[:4])
    np.testing.assert_allclose(second, all_of_them[4:] - 2.0, atol=1e-6)
    with pytest.raises(ValueError, match="raise `count`"):
        source.take()
