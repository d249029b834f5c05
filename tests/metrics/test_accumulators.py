import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.metrics.accumulators import Mean, Mergeable, Ratio, RootMean

RNG = np.random.default_rng(0)
A, B = RNG.uniform(0, 5, (2, 12)).astype(np.float32)
WEIGHTS = (RNG.uniform(0, 1, 12) > 0.4).astype(np.float32)

CASES = [
    (Mean, lambda a, w: (a * w).sum() / w.sum()),
    (RootMean, lambda a, w: np.sqrt((a * w).sum() / w.sum())),
    (Ratio, lambda a, w: a.sum() / w.sum()),
]


@pytest.mark.parametrize(("accumulator", "expected"), CASES)
def test_values_are_those_of_numpy(accumulator, expected):
    got = accumulator.of(jnp.array(A), jnp.array(WEIGHTS))
    np.testing.assert_allclose(got.compute(), expected(A, WEIGHTS), rtol=1e-5)
    assert isinstance(got, Mergeable)


@pytest.mark.parametrize(("accumulator", "expected"), CASES)
def test_merged_batches_and_summed_devices_equal_one_batch(accumulator, expected):
    whole = expected(A, WEIGHTS)
    parts = [
        accumulator.of(jnp.array(A[part]), jnp.array(WEIGHTS[part]))
        for part in (slice(0, 3), slice(3, 7), slice(7, 12))
    ]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    np.testing.assert_allclose(merged.compute(), whole, rtol=1e-5)

    def on_a_device(values, weights):
        return jax.lax.psum(accumulator.of(values, weights), "device").compute()

    summed = jax.vmap(on_a_device, axis_name="device")(
        jnp.array(A).reshape(3, 4), jnp.array(WEIGHTS).reshape(3, 4)
    )
    np.testing.assert_allclose(summed, whole, rtol=1e-5)


@pytest.mark.parametrize("accumulator", [Mean, RootMean, Ratio])
def test_nothing_counted_is_not_a_number(accumulator):
    assert np.isnan(accumulator.of(jnp.zeros(3), jnp.zeros(3)).compute())
