import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.deepsportlab import loops
from ttjax.deepsportlab import candidates, dense
from ttjax.fields import splat

HW = (40, 52)


@pytest.fixture(scope="module")
def votes():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-9, 61, (2, 2, 20)).astype(np.float32)
    x[0, 0], y[0, 0] = 1e4, -1e4
    return candidates.Votes(
        confidence=jnp.array(rng.uniform(0, 1, (2, 20)), jnp.float32),
        x_px=jnp.array(x),
        y_px=jnp.array(y),
        sigma_px=jnp.array(rng.uniform(1, 6, (2, 20)), jnp.float32),
        near=jnp.ones((2, 20), jnp.bool_),
        overflow=jnp.array(False),
    )


@jax.jit
def peaks(values):
    return dense.peaks(values, count=40, nms_radius_px=6.0, threshold=0.1)


def by_loop(of, kind, density):
    of_kind = (of.confidence, of.x_px, of.y_px, 2.0 * of.sigma_px)
    voted = list(zip(*(np.asarray(a[kind], np.float64) for a in of_kind), strict=True))
    return loops.density_map(voted, HW, density)


@pytest.mark.parametrize("truncate", [None, 1.0])
def test_maps_are_the_sum_over_votes_at_every_pixel(votes, truncate):
    density = splat.Splat(truncate_sigma=truncate)
    got = jax.jit(lambda of: dense.maps(of, HW, density=density))(votes)
    for kind in (0, 1):
        expected = by_loop(votes, kind, density)
        # Single precision decides otherwise where a pixel lies on the circle.
        close = np.abs(got[kind] - expected) <= 1e-4
        assert close.mean() > 0.999
        assert close.all() or truncate is not None


def test_both_ways_to_draw_agree_and_the_gradient_is_finite(votes):
    wide = splat.Splat(truncate_sigma=8.0)
    drawn = jax.jit(lambda of: dense.windowed(of, HW, density=wide))(votes)
    np.testing.assert_allclose(
        drawn, dense.separable(votes, HW, density=splat.Splat()), atol=1e-5
    )

    def total(x):
        of = votes.replace(x_px=x)
        return dense.separable(of, HW, density=splat.Splat()).sum()

    assert np.isfinite(jax.grad(total)(votes.x_px)).all()


def test_a_vote_wider_than_its_window_is_said(votes):
    narrow = splat.Splat(truncate_sigma=1.0)
    assert not dense.beyond_reach(votes, density=narrow)
    assert dense.beyond_reach(votes, density=narrow, reach_px=2)
    assert not dense.beyond_reach(votes, density=splat.Splat(), reach_px=2)
    assert dense.REACH_PX >= 34


def test_peaks_are_those_of_the_loop_and_a_plateau_is_one(votes):
    values = np.zeros((2, 40, 52), np.float32)
    values[0] = by_loop(votes, 0, splat.Splat())
    values[1, 10:12, 20:22] = 0.7
    got = peaks(jnp.array(values))
    for kind in (0, 1):
        expected = loops.peaks(values[kind], radius_px=9.0, threshold=0.02)
        at = np.flatnonzero(got.peak[kind])
        ours = {(float(got.x_px[kind, q]), float(got.y_px[kind, q])) for q in at}
        assert {(x, y) for _, x, y in expected} <= ours
    assert got.peak[1].sum() == 1
    assert (got.x_px[1, 0], got.y_px[1, 0]) == (20.5, 10.5)
    assert not got.overflow
    assert peaks(jnp.ones((2, 40, 52))).overflow


def test_the_highest_pixel_of_each_mask(votes):
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 1, (2, 9, 11)).astype(np.float32)
    mask = rng.integers(-1, 3, (9, 11)).astype(np.int32)
    mask[mask == 1] = -1
    got = dense.highest_in_masks(jnp.array(values), jnp.array(mask), players=3)
    for kind in (0, 1):
        for row in (0, 2):
            own = np.where(mask == row, values[kind], -1.0)
            i, j = np.unravel_index(own.argmax(), own.shape)
            assert got.score[kind, row] == own.max()
            assert (got.x_px[kind, row], got.y_px[kind, row]) == (j + 0.5, i + 0.5)
        assert got.score[kind, 1] == 0
        assert not got.peak[kind, 1]
