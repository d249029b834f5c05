import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import primitives

GREY = primitives.material(jnp.array([[90.0, 90.0, 90.0]]), "humans")


@functools.cache
def _coverage(samples):
    """Compiled once per number of points: the step is traced."""
    return jax.jit(
        lambda shape, x, y, step: primitives.coverage(
            shape, x, y, (step[0], step[1]), samples
        )
    )


def _cover(shape, size_hw, step=(1.0, 1.0), samples=(2, 2)):
    one = jax.tree.map(lambda leaf: leaf[0], shape)
    y, x = jnp.mgrid[: size_hw[0], : size_hw[1]]
    x, y = (x + 0.5) * step[0], (y + 0.5) * step[1]
    return np.asarray(_coverage(samples)(one, x, y, jnp.array(step))[0])


def _quad(corners):
    return primitives.quads(jnp.array([corners], jnp.float32), GREY)


def test_the_cover_of_a_quad_sums_to_its_area_also_where_it_is_thinner_than_a_pixel():
    for thickness in (9.0, 1.0, 0.2):
        quad = _quad(
            [[3.3, 4.1], [23.3, 4.1], [23.3, 4.1 + thickness], [3.3, 4.1 + thickness]]
        )
        assert _cover(quad, (40, 50)).sum() == pytest.approx(20 * thickness, rel=1e-3)


def test_the_order_of_the_corners_does_not_matter():
    corners = [[4.0, 3.0], [20.0, 5.0], [22.0, 15.0], [3.0, 12.0]]
    np.testing.assert_allclose(
        _cover(_quad(corners), (40, 50)),
        _cover(_quad(corners[::-1]), (40, 50)),
        atol=1e-5,
    )


def test_a_capsule_covers_disc_and_rectangle():
    capsule = primitives.capsules(
        jnp.array([[12.0, 20.0]]),
        jnp.array([[32.0, 20.0]]),
        jnp.array([[6.0, 6.0]]),
        GREY,
    )
    cover = _cover(capsule, (40, 50))
    assert cover.sum() == pytest.approx(np.pi * 36 + 12 * 20, rel=0.01)
    assert cover.max() <= 1.0


@pytest.mark.parametrize(
    ("step", "samples"), [((1.0, 1.0), (2, 2)), ((6.0, 8.4375), (3, 4))]
)
def test_a_streak_exposes_the_area_of_its_disc_at_its_centre(step, samples):
    centre, path = (101.3, 77.8), (11.0, 4.0)
    streak = primitives.streaks(
        jnp.array([centre]), jnp.array([path]), jnp.array([7.0]), GREY
    )
    size = (round(160 / step[1]), round(200 / step[0]))
    cover = _cover(streak, size, step, samples)
    area = step[0] * step[1]
    assert cover.sum() * area == pytest.approx(np.pi * 49, rel=0.03)
    y, x = np.mgrid[: size[0], : size[1]]
    mean_x = (cover * (x + 0.5)).sum() / cover.sum() * step[0]
    mean_y = (cover * (y + 0.5)).sum() / cover.sum() * step[1]
    np.testing.assert_allclose([mean_x, mean_y], centre, atol=0.2)


@pytest.mark.parametrize(
    "path",
    [
        ((20.3, 15.2), (44.1, 31.7), (59.0, 12.4)),
        ((20.0, 20.0), (36.0, 24.0), (52.0, 28.0)),
        ((30.0, 20.0), (30.0, 20.0), (47.0, 20.0)),
    ],
)
def test_a_path_equals_discs_counted_along_it(path):
    radius = 6.2
    shape = primitives.paths(jnp.array([path]), jnp.array([radius]), GREY)
    cover = _cover(shape, (44, 80), samples=(4, 4))
    first, knot, last = np.array(path)
    share = (np.arange(500) + 0.5)[:, None] / 500
    centres = np.concatenate(
        [first + share * (knot - first), knot + share * (last - knot)]
    )
    fine = (np.arange(4) + 0.5) / 4
    y = (np.arange(44)[:, None] + fine[None]).reshape(-1)
    x = (np.arange(80)[:, None] + fine[None]).reshape(-1)
    oracle = np.zeros((len(y), len(x)))
    for at in centres:
        oracle += (x[None] - at[0]) ** 2 + (y[:, None] - at[1]) ** 2 <= radius**2
    oracle = oracle.reshape(44, 4, 80, 4).mean(axis=(1, 3)) / len(centres)
    # Discs at rest are given soft edges.
    moving = np.abs(np.diff(np.array(path), axis=0)).sum(axis=1).min() > 0
    np.testing.assert_allclose(cover, oracle, atol=0.012 if moving else 0.15)
    assert cover.sum() == pytest.approx(np.pi * radius**2, rel=0.01)


def test_a_knot_in_the_middle_of_a_straight_way_changes_nothing():
    centre, half = np.array([40.3, 20.8]), np.array([17.0, 6.0])
    radius = jnp.array([7.0])
    straight = primitives.streaks(
        jnp.array([centre], jnp.float32), jnp.array([half], jnp.float32), radius, GREY
    )
    path = jnp.array([[centre - half, centre, centre + half]], jnp.float32)
    knotted = primitives.paths(path, radius, GREY)
    for one, other in zip(
        jax.tree.leaves(straight), jax.tree.leaves(knotted), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_shapes_join_and_the_transparent_ones_are_hidden():
    quad = _quad([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    clear = primitives.streaks(
        jnp.zeros((1, 2)), jnp.zeros((1, 2)), jnp.ones(1), GREY, alpha=0.0
    )
    both = primitives.concatenate(quad, clear)
    np.testing.assert_array_equal(primitives.hidden(both), [False, True])
    np.testing.assert_array_equal(both.kind, [primitives.QUAD, primitives.STREAK])
    assert primitives.CAPSULE not in np.asarray(both.kind)


def test_a_material_is_of_one_class():
    classes = np.asarray(GREY[0, 3:])
    names = primitives.PLANES[3:]
    assert classes[names.index("humans")] == primitives.SOLID
    assert classes.sum() == primitives.SOLID
    assert set(primitives.MASKS) < set(primitives.PLANES)
    assert isinstance(_quad([[0, 0], [1, 0], [1, 1], [0, 1]]), primitives.Shapes)
