import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench import made_fields
from tests.deepsportlab import loops, players
from ttjax.deepsportlab import candidates
from ttjax.fields import splat

SPLATS = {"literal": splat.Splat(), "released": splat.Splat(truncate_sigma=1.0)}
HW = (145, 161)


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(1)
    return made_fields.fields(
        players.crowd(rng, HW, count=5, pairs=1, height_px=(55.0, 70.0)), noise=rng
    )


@functools.cache
def decoder(name, shifts):
    def run(confidence, vector, log_scale):
        of = candidates.votes(
            confidence,
            vector,
            log_scale,
            stride=8.0,
            density=SPLATS[name],
            threshold=0.1,
            count=96,
        )
        found = candidates.find(
            of, density=SPLATS[name], count=24, nms_radius_px=6.0, shifts=shifts
        )
        return of, found

    return run, jax.jit(run)


def arrays(pif):
    return tuple(jnp.array(a[0]) for a in (pif.confidence, pif.vector, pif.log_scale))


def peaks_of(found, kind):
    at = np.flatnonzero(found.peak[kind])
    return np.stack([found.score[kind], found.x_px[kind], found.y_px[kind]], 1)[at]


@pytest.mark.parametrize("name", SPLATS)
def test_peaks_are_those_of_the_map_and_scores_are_its_values(made, name):
    density = SPLATS[name]
    of, found = decoder(name, 1)[1](*arrays(made.parts))
    assert isinstance(of, candidates.Votes)
    assert isinstance(found, candidates.Candidates)
    assert not of.overflow
    assert not found.overflow
    for kind in range(0, 17, 3):
        voted = loops.votes(made.parts, kind, stride=8, threshold=0.1)
        values = loops.density_map(voted, HW, density)
        expected = loops.peaks(values, radius_px=6.0, threshold=0.3)
        ours = peaks_of(found, kind)
        for score, x, y in expected:
            assert np.hypot(ours[:, 1] - x, ours[:, 2] - y).min() <= 1.0
            got = candidates.score(
                of,
                jnp.full((17, 1), x, jnp.float32),
                jnp.full((17, 1), y, jnp.float32),
                density=density,
            )[0][kind, 0]
            assert abs(got - score) <= 1e-3
        for score, x, y in ours:
            assert abs(loops.density(voted, x, y, density) - score) <= 1e-3
        # Between pixels a peak is higher than on them.
        lower = np.array(loops.peaks(values, radius_px=6.0, threshold=0.1))
        for _, x, y in ours[ours[:, 0] > 0.3]:
            assert np.hypot(lower[:, 1] - x, lower[:, 2] - y).min() <= 1.0


@pytest.mark.parametrize("name", SPLATS)
def test_a_mean_shift_never_lowers_a_score(made, name):
    before = decoder(name, 0)[1](*arrays(made.parts))[1]
    after = decoder(name, 1)[1](*arrays(made.parts))[1]
    assert (after.score >= before.score).all()
    assert (after.score > before.score).any()


def test_a_batch_equals_its_pictures(made):
    run, jitted = decoder("literal", 1)
    one = arrays(made.parts)
    two = tuple(jnp.stack([a, a[::-1]]) for a in one)
    together = jax.jit(jax.vmap(run))(*two)
    for index in (0, 1):
        alone = jitted(*(a[index] for a in two))
        jax.tree.map(
            lambda b, a: np.testing.assert_allclose(b, a, atol=1e-4),
            jax.tree.map(lambda a, index=index: a[index], together),
            alone,
        )


def test_of_two_points_a_cell_apart_each_is_asked_for():
    """`NEAR_CELLS` says so: by brute force over both, the cells taken by the nearer."""
    rng = np.random.default_rng(0)
    cells = np.stack(np.meshgrid(np.arange(9), np.arange(9)), -1).reshape(-1, 2)
    for _ in range(3000):
        first = rng.uniform(3, 5, 2)
        angle, apart = rng.uniform(0, 2 * np.pi), rng.uniform(1.0, 1.3)
        second = first + apart * np.array([np.cos(angle), np.sin(angle)])
        away = first - cells
        nearer = np.hypot(*away.T) < np.hypot(*(second - cells).T)
        near = (np.abs(away) <= candidates.NEAR_CELLS).all(1)
        assert (near & nearer).any()


def field(points_px, *, logit=4.0):
    """One kind of points, exactly."""
    points = np.array(points_px, np.float64).reshape(-1, 2)
    known, vector, scale = made_fields.pif(points, np.ones(len(points)), (12, 12), 8)
    confidence = np.where(known > 0, logit, -20.0)
    made = (confidence[..., None], vector[:, :, None], np.log(scale)[..., None])
    return tuple(jnp.array(a, jnp.float32) for a in made)


def test_points_nine_pixels_apart_are_two_and_equal_peaks_are_one():
    _, found = decoder("literal", 1)[1](*field([[40.2, 41.0], [46.8, 47.0]]))
    got = peaks_of(found, 0)
    assert len(got) == 2
    np.testing.assert_allclose(sorted(got[:, 1]), [40.2, 46.8], atol=0.5)
    _, found = decoder("literal", 1)[1](*field([[44.5, 44.5]]))
    np.testing.assert_allclose(peaks_of(found, 0)[:, 1:], [[44.5, 44.5]], atol=1e-3)


@functools.partial(jax.jit, static_argnums=3)
def votes(confidence, vector, log_scale, count):
    return candidates.votes(
        confidence,
        vector,
        log_scale,
        stride=8.0,
        density=splat.Splat(),
        threshold=0.1,
        count=count,
    )


@functools.partial(jax.jit, static_argnums=1)
def find(of, count):
    return candidates.find(
        of, density=splat.Splat(), count=count, nms_radius_px=6.0, shifts=0
    )


def test_more_cells_or_places_than_room_are_said():
    one, two = field([[36.5, 36.5]]), field([[28.5, 28.5], [68.5, 68.5]])
    tight, enough = votes(*one, 15), votes(*one, 16)
    assert tight.overflow
    assert not enough.overflow
    assert enough.near.sum() == 4
    both = votes(*two, 32)
    assert not both.overflow
    assert both.near.sum() == 8
    found = find(both, 8)
    assert not found.overflow
    assert find(both, 7).overflow
    # The rows of one kind are what they are among all.
    np.testing.assert_array_equal(found.kinds(0, 1).x_px, found.x_px)


def test_the_most_confident_cells_are_those_that_are_kept():
    _, vector, log_scale = field([[40.0, 40.0]])
    order = np.arange(144).reshape(12, 12, 1) / 100.0
    kept = votes(jnp.array(order, jnp.float32), vector, log_scale, 15)
    expected = 1 / (1 + np.exp(-np.arange(143, 128, -1) / 100.0))
    np.testing.assert_allclose(kept.confidence[0], expected, rtol=1e-5)


@pytest.mark.parametrize("level", [-1e30, -1e4, 1e4, 1e30])
def test_extreme_outputs_stay_finite(level):
    run = decoder("literal", 1)[1]
    for extreme in range(3):
        made = list(field([[40.0, 40.0]]))
        made[extreme] = jnp.full_like(made[extreme], level)
        leaves = jax.tree.leaves(run(*made))
        assert all(np.isfinite(leaf).all() for leaf in leaves)


def test_an_empty_field_has_no_peak():
    _, found = decoder("literal", 1)[1](*field(np.zeros((0, 2))))
    assert not found.peak.any()
    assert (found.score == 0).all()


def test_the_logit_of_a_probability():
    for p in (0.01, 0.1, 0.5, 0.999):
        np.testing.assert_allclose(jax.nn.sigmoid(candidates.logit(p)), p, rtol=1e-5)


def test_outdone_is_the_loop_over_pairs():
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, 20, (2, 3, 12)).astype(np.float32)
    height = rng.integers(0, 4, (3, 12)).astype(np.float32)
    got = candidates.outdone(*map(jnp.array, (x, y, height)), radius_px=6.0)
    for f, q in np.ndindex(3, 12):
        rivals = [
            r
            for r in range(12)
            if np.hypot(x[f, q] - x[f, r], y[f, q] - y[f, r]) <= 6.0
            and (height[f, r], -r) > (height[f, q], -q)
        ]
        assert got[f, q] == bool(rivals)
