import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.fields import grouping


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-10, 110, (2, 9, 7)).astype(np.float32)
    centres = rng.uniform(0, 100, (5, 2)).astype(np.float32)
    return x, y, centres, np.array([True, True, False, True, True])


def by_loop(x, y, centres, present, *, limit):
    group = np.full(x.shape, grouping.ALONE)
    for at in np.ndindex(x.shape):
        least = limit
        for index, (cx, cy) in enumerate(centres):
            distance = math.hypot(x[at] - cx, y[at] - cy)
            if present[index] and distance < least:
                least, group[at] = distance, index
    return group


@pytest.mark.parametrize("limit", [None, 20.0])
def test_each_point_finds_its_nearest_present_centre(case, limit):
    nearest = functools.partial(grouping.nearest, max_distance=limit)
    got = jax.jit(nearest)(*map(jnp.array, case))
    np.testing.assert_array_equal(got, by_loop(*case, limit=limit or math.inf))
    np.testing.assert_array_equal(got, nearest(*map(jnp.array, case)))
    assert (got == grouping.ALONE).any() == (limit is not None)


@pytest.mark.parametrize("count", [1, grouping.UNROLLED, grouping.UNROLLED + 3])
def test_the_loop_visits_every_centre(count):
    centres = jnp.stack([jnp.arange(count) * 3.0, jnp.zeros(count)], axis=1)
    got = grouping.nearest(
        centres[:, 0] + 0.5, centres[:, 1], centres, jnp.ones(count, jnp.bool_)
    )
    np.testing.assert_array_equal(got, np.arange(count))


def test_of_equal_distances_the_first_wins_and_nothing_finds_nothing(case):
    x = jnp.zeros((1,))
    centres = jnp.array([[1.0, 0.0], [-1.0, 0.0]])
    assert grouping.nearest(x, x, centres, jnp.array([True, True]))[0] == 0
    none = jnp.array([False, False])
    assert grouping.nearest(x, x, centres, none)[0] == grouping.ALONE
    far = jnp.array([1e30, jnp.inf])
    got = grouping.nearest(far, far, centres, jnp.array([True, True]))
    assert (got == grouping.ALONE).all()


def test_no_buffer_of_points_times_centres_is_made():
    shaped = jax.ShapeDtypeStruct
    n, p = 32, 1000
    lowered = jax.make_jaxpr(grouping.nearest)(
        shaped((p,), jnp.float32),
        shaped((p,), jnp.float32),
        shaped((n, 2), jnp.float32),
        shaped((n,), jnp.bool_),
    )
    assert f"{n},{p}" not in str(lowered)
    assert f"{p},{n}" not in str(lowered)
