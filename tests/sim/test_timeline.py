import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import timeline
from ttjax.sim.timeline import Schedule


def test_rows_depend_on_the_key_and_their_ordinal_alone():
    few = timeline.rows(jax.random.key(0), 5, 3)
    many = timeline.rows(jax.random.key(0), 50, 3)
    np.testing.assert_array_equal(few, many[:5])
    assert len(np.unique(many)) == 150


def test_pauses_grow_with_variety():
    uniform = timeline.rows(jax.random.key(1), 2000, 7)
    plain: Schedule = timeline.schedule(uniform, 0.0, 120)
    varied = timeline.schedule(uniform, 1.0, 120)
    assert 24 <= plain.pause[1:].min() <= plain.pause.max() <= 84
    assert plain.pause[0] <= 14
    assert not plain.warm_up.any()
    assert np.mean(varied.pause > 120) == pytest.approx(0.2, abs=0.03)
    assert np.mean(varied.linger > 60) == pytest.approx(0.35, abs=0.04)
    assert np.mean(varied.warm_up) == pytest.approx(timeline.WARM_UP_SHARE, abs=0.03)
    assert abs(np.mean(plain.server)) < 0.1
    assert (np.asarray(plain.toss) >= 20).all()


def hopping(height, climb, until, steps=40_000):
    """Semi-implicit Euler with tiny steps."""
    z, v, track, dt = height, climb, [], until / steps
    for _ in range(steps):
        v -= 9.81 * dt
        z += v * dt
        if z < 0:
            z, v = -z * timeline.OTHER_FLOOR, -v * timeline.OTHER_FLOOR
        track.append(z)
    return np.array(track)


@pytest.mark.parametrize(("height", "climb"), [(0.8, 0.0), (1.2, 2.5)])
def test_hops_in_closed_form_are_those_of_small_steps(height, climb):
    expected = hopping(height, climb, 2.0)
    times = np.arange(1, 40_001) * (2.0 / 40_000)
    up = timeline.hops(
        jnp.float32(times), jnp.float32(height), jnp.float32(climb), 9.81
    )
    assert np.median(np.abs(np.asarray(up) - expected)) < 0.005
    assert np.asarray(up).min() >= 0.0
    late = timeline.hops(jnp.float32(60.0), jnp.float32(0.5), jnp.float32(0.0), 9.81)
    assert float(late) == 0.0


def test_a_second_ball_crosses_the_hall_beside_the_table():
    numbers = timeline.rows(jax.random.key(3), 60, 9)
    times = jnp.arange(60_000) / 100.0
    run = jax.jit(lambda variety: timeline.other_ball(numbers, variety, times, 9.81))
    xyz, there = map(np.asarray, run(1.0))
    assert 0.1 < there.mean() < 0.5
    seen = xyz[there]
    assert seen[:, 2].min() >= 0.02 - 1e-6
    assert seen[:, 2].max() < 2.5
    assert (np.abs(seen[:, 1]) > 0.9).all()
    both = there[1:] & there[:-1]
    step = np.linalg.norm(np.diff(xyz, axis=0), axis=-1)[both]
    assert step.max() * 100 < 9.0
    assert not np.asarray(run(0.0)[1]).any()
