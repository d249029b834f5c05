import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import flights, physics
from ttjax.sim.physics import Ball, Physics

NOISE_M = 0.002
TRUTH = dataclasses.replace(
    Physics(), drag_per_m=0.13, restitution=0.91, friction=0.2, magnus=0.002
)
NAMES = ("drag_per_m", "magnus", "restitution", "friction")


@pytest.fixture(scope="module")
def measured():
    return flights.made(np.random.default_rng(0), 8, TRUTH, NOISE_M)


@pytest.fixture(scope="module")
def fitted(measured):
    return flights.fit(measured[0], flights.defaults(NAMES), steps=6)


def test_a_flight_is_simulated_as_by_small_sub_steps(measured):
    _, start = measured
    one = jax.tree.map(lambda leaf: leaf[0], start)
    seconds = jnp.arange(66) / 120
    found = jax.jit(lambda s: flights.simulate(TRUTH, one, s))(seconds)
    fine = jnp.repeat(seconds, 6) - jnp.tile(jnp.arange(6)[::-1], 66) / 720
    fine = jnp.maximum(fine, 0.0)
    expected = jax.jit(lambda s: flights.simulate(TRUTH, one, s))(fine)[5::6]
    np.testing.assert_allclose(found[0], one.position, atol=1e-6)
    np.testing.assert_allclose(found, expected, atol=5e-4)


def test_made_flights_bounce_beyond_the_net(measured):
    held, start = measured
    height = held.position_m[..., 2]
    assert (height.min(axis=1) < physics.SURFACE_Z_M + 0.03).all()
    assert (start.position[:, 0] * held.position_m[:, -1, 0] < 0).all()
    assert held.known.all()
    assert len(held) == 8
    assert len(held[2:5]) == 3


@pytest.mark.slow
def test_constants_and_starts_of_noisy_flights_are_recovered(measured, fitted):
    _, start = measured
    for name, tolerance in zip(NAMES, (0.01, 0.0004, 0.01, 0.02), strict=True):
        assert fitted.constants[name] == pytest.approx(
            getattr(TRUTH, name), abs=tolerance
        )
        assert getattr(fitted.physics, name) == fitted.constants[name]
    np.testing.assert_allclose(fitted.start.position, start.position, atol=3e-3)
    np.testing.assert_allclose(fitted.start.velocity, start.velocity, atol=0.1)
    across = np.asarray(fitted.start.spin - start.spin)[:, 1]
    assert np.abs(across).max() < 40
    # Three coordinates of noise; no more is left.
    assert fitted.rms_m.max() < 1.15 * np.sqrt(3) * NOISE_M
    error = fitted.error_m
    np.testing.assert_allclose(
        fitted.rms_m, np.sqrt((error**2).sum(-1).mean(-1)), rtol=1e-4
    )


@pytest.mark.slow
def test_wrong_constants_explain_less(measured, fitted):
    wrong = flights.defaults(NAMES) | {"restitution": 0.8, "friction": 0.1}
    found = flights.explain(measured[0], wrong, steps=6)
    assert np.median(found.rms_m) > 2 * np.median(fitted.rms_m)
    assert found.constants == wrong


def test_what_is_read_is_what_was_written(tmp_path):
    rng = np.random.default_rng(1)
    rows = {"b.csv": rng.uniform(0, 1, (7, 4)), "a.csv": rng.uniform(0, 1, (4, 4))}
    for name, values in rows.items():
        np.savetxt(
            tmp_path / name, values, "%.9f", ",", header="Timestamp,X,Y,Z", comments=""
        )
    held = flights.read(tmp_path)
    assert held.known.sum(axis=1).tolist() == [4, 7]
    for flight, name in enumerate(("a.csv", "b.csv")):
        values = rows[name][rows[name][:, 0].argsort()]
        known = held.known[flight]
        np.testing.assert_allclose(
            held.seconds[flight][known], values[:, 0] - values[0, 0], atol=1e-6
        )
        world = np.stack([values[:, 2], -values[:, 1], values[:, 3] + 0.76], axis=-1)
        np.testing.assert_allclose(held.position_m[flight][known], world, atol=1e-6)
    # Filled up with the last position at the last time: nothing happens there.
    np.testing.assert_array_equal(held.position_m[0, 4:] - held.position_m[0, 3:4], 0.0)
    assert np.diff(held.seconds, axis=1).min() >= 0
    with pytest.raises(ValueError, match="name their directory"):
        flights.read(tmp_path / "none")


@pytest.mark.slow
def test_positions_filled_up_change_nothing(measured, fitted):
    held, _ = measured
    count = 50
    cut = held[:8]
    short = flights.stack(
        [s[:count] for s in cut.seconds], [p[:count] for p in cut.position_m]
    )
    longer = flights.Flights(
        cut.seconds,
        np.where((np.arange(66) < count)[None, :, None], cut.position_m, 99.0),
        cut.known & (np.arange(66) < count)[None],
    )
    assert short.known.all()
    values = jnp.array(list(fitted.constants.values()))
    starts = np.concatenate(jax.tree.leaves(fitted.start), axis=1)
    assert starts.shape == (8, 9)
    found = flights.explain(longer, fitted.constants, steps=2)
    assert found.error_m[:, count:].max() == 0.0
    assert values.shape == (4,)
    assert (found.rms_m < 2 * np.sqrt(3) * NOISE_M).all()


def test_defaults_are_those_of_the_simulator():
    found = flights.defaults()
    assert tuple(found) == flights.SHARED
    assert found["drag_per_m"] == Physics().drag_per_m
    assert isinstance(found["friction"], float)


@pytest.mark.slow
def test_the_simulator_explains_measured_flights(real_data):
    held = flights.read(real_data / "trajectories_3d")
    assert len(held) == 100
    scored = held[np.arange(100) % 10 == 9]
    found = flights.explain(scored, flights.defaults(), steps=8)
    assert np.median(found.rms_m) < 0.010
    assert np.percentile(found.rms_m, 90) < 0.020
    assert isinstance(found.start, Ball)


@pytest.mark.slow
def test_a_fit_tells_the_error_of_every_known_moment(measured, fitted):
    assert isinstance(fitted, flights.Fit)
    known = np.asarray(measured[0].known)
    assert (np.asarray(fitted.error_m)[~known] == 0).all()
    square = (np.asarray(fitted.error_m) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(
        fitted.rms_m, np.sqrt(square / known.sum(axis=1)), rtol=1e-5
    )
