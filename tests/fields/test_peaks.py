import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.fields import peaks

jitted_peak = jax.jit(peaks.subpixel_peak)


def logits_of(curve):
    curve = np.clip(np.asarray(curve, np.float64), 1e-12, 1 - 1e-7)
    return jnp.array(np.log(curve) - np.log1p(-curve), jnp.float32)


def gaussian(center, sigma, bins):
    return np.exp(-0.5 * ((np.arange(bins) + 0.5 - center) / sigma) ** 2)


@pytest.mark.parametrize("sigma", [0.6, 1.25, 7.5])
def test_a_sampled_gaussian_is_found_exactly_also_at_the_borders(sigma):
    for center in np.concatenate([np.linspace(0, 2, 21), np.linspace(14, 15.99, 21)]):
        got = jitted_peak(logits_of(gaussian(center, sigma, 16)))
        np.testing.assert_allclose(got, center, atol=0.01)


def test_eager_equals_jitted_and_the_answer_stays_in_the_highest_bin():
    fields = np.random.default_rng(0).normal(0, 4, (50, 12)).astype(np.float32)
    for field in jnp.array(fields):
        eager = peaks.subpixel_peak(field)
        np.testing.assert_allclose(eager, jitted_peak(field), atol=1e-5)
        assert abs(eager - (int(field.argmax()) + 0.5)) <= 0.5


def test_a_second_peak_does_not_drag_the_first():
    curve = np.maximum(gaussian(3.3, 0.8, 40), 0.8 * gaussian(30.0, 0.8, 40))
    np.testing.assert_allclose(jitted_peak(logits_of(curve)), 3.3, atol=0.01)


@pytest.mark.parametrize("level", [-1e4, -30.0, 0.0, 30.0, 1e4])
def test_plateaus_and_extreme_logits_stay_finite(level):
    flat = jnp.full((9,), level, jnp.float32)
    assert jitted_peak(flat) == 0.5
    bump = flat.at[4].add(abs(level) + 1.0)
    assert abs(float(jitted_peak(bump)) - 4.5) <= 0.5
    assert np.isfinite(jax.grad(peaks.subpixel_peak)(bump)).all()


def test_two_bins_give_a_bin_centre():
    assert peaks.subpixel_peak(jnp.array([0.0, 1.0])) == 1.5


def test_temporal_peaks_keep_the_highest_within_the_gap():
    series = np.zeros(40)
    series[[5, 7, 20, 24, 33]] = [0.6, 0.9, 0.8, 0.7, 0.4]
    found = peaks.temporal_peaks(series, threshold=0.5, gap=4)
    np.testing.assert_array_equal(found, [7, 20, 24])
    found = peaks.temporal_peaks(series, threshold=0.5, gap=5)
    np.testing.assert_array_equal(found, [7, 20])
    assert len(peaks.temporal_peaks(series, threshold=0.95, gap=1)) == 0
    assert len(peaks.temporal_peaks(np.zeros(0), threshold=0.5, gap=1)) == 0


def test_a_plateau_counts_once_per_gap():
    found = peaks.temporal_peaks(np.ones(10), threshold=0.5, gap=4)
    np.testing.assert_array_equal(found, [0, 4, 8])


def test_an_event_shape_gives_its_own_frame_also_at_the_ends():
    frames = np.arange(30)
    for event in (0, 3, 15, 29):
        distance = np.abs(frames - event)
        series = np.where(distance < 4, np.cos(distance * np.pi / 8), 0.0)
        found = peaks.temporal_peaks(series, threshold=0.5, gap=8)
        np.testing.assert_array_equal(found, [event])
