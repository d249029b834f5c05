import jax
import numpy as np
import pytest

from ttjax.sim import play
from ttjax.sim.play import CONTROL_HZ, Moments, Play

FIRST = 3
"""From this step on there is a ball."""


@pytest.fixture(scope="module")
def flight() -> Play:
    """A parabola in every sub-step, with the second ball beside it."""
    n, s = 40, 8
    end = (np.arange(n * s) + 1) / (s * CONTROL_HZ)
    ball = np.stack([4 * end, 0 * end, 1 + end - 4.905 * end**2], axis=-1)
    step_end = (np.arange(n) + 1) / CONTROL_HZ
    happened, seconds = np.zeros((n, 5), bool), np.zeros((n, 5), np.float32)
    happened[7, 0], seconds[7, 0] = True, 0.003
    zeros = np.zeros(n, np.int8)
    values = {
        "ball_m": ball.reshape(n, s, 3),
        "other_m": ball.reshape(n, s, 3) + 1,
        "root_m": np.broadcast_to(step_end[:, None, None], (n, 2, 2)),
        "hand_m": np.broadcast_to(2 * step_end[:, None, None], (n, 2, 3)),
        "swing": np.broadcast_to(step_end[:, None], (n, 2)),
        "event_s": seconds,
        "event_m": np.zeros((n, 5, 2)),
    }
    values = {name: value.astype(np.float32) for name, value in values.items()}
    return Play(
        present=np.arange(n) >= FIRST,
        other_present=np.arange(n) < FIRST,
        phase=np.where(np.arange(n) < FIRST, play.GONE, play.PLAY).astype(np.int8),
        happened=happened,
        kind=zeros,
        point=np.zeros(n, np.int32),
        server=zeros,
        reason=zeros,
        winner=zeros,
        **values,
    )


def test_moments_lie_on_the_flight_at_any_frame_rate(flight):
    for fps, exposure in ((120.0, 1 / 240), (25.0, 1 / 30), (240.0, 1e-4)):
        times = np.arange(0.05, 0.3, 1 / fps).astype(np.float32)
        seen: Moments = jax.jit(play.moments)(flight, times, exposure)
        ends = exposure * np.array([-0.5, 0.0, 0.5], np.float32)[None]
        at = times[:, None] + ends
        exact = np.stack([4 * at, 0 * at, 1 + at - 4.905 * at**2], axis=-1)
        np.testing.assert_allclose(seen.path_m, exact, atol=1e-5)
        np.testing.assert_allclose(seen.other_path_m, exact + 1, atol=1e-5)
        np.testing.assert_allclose(seen.root_m[:, 0, 0], times, atol=1e-5)
        np.testing.assert_allclose(seen.hand_m[:, 1, 2], 2 * times, atol=1e-5)
        np.testing.assert_allclose(seen.swing[:, 1], times, atol=1e-5)
        step = np.floor(times * CONTROL_HZ)
        np.testing.assert_array_equal(seen.present, step >= FIRST)
        np.testing.assert_array_equal(seen.other_present, step < FIRST)
        np.testing.assert_array_equal(seen.phase == play.PLAY, step >= FIRST)


def test_the_path_of_a_ball_ends_where_it_appears(flight):
    times = (FIRST + np.array([0.25, -0.25], np.float32)) / CONTROL_HZ
    seen = play.moments(flight, times, 1 / CONTROL_HZ)
    x = 4 * FIRST / CONTROL_HZ
    np.testing.assert_array_equal(seen.present, [True, False])
    assert float(seen.path_m[0, 0, 0]) == pytest.approx(x, abs=1e-4)
    assert float(seen.path_m[0, 2, 0]) == pytest.approx(x + 3 / CONTROL_HZ, abs=1e-4)
    assert float(seen.path_m[1, 2, 0]) == pytest.approx(x, abs=1e-4)


def test_times_outside_the_play_give_its_ends(flight):
    seen = play.moments(flight, np.array([-1.0, 9.0], np.float32), 0.0)
    np.testing.assert_array_equal(seen.path_m[0, 1], flight.ball_m[0, 0])
    np.testing.assert_allclose(seen.path_m[1, 1], flight.ball_m[-1, -1], rtol=1e-6)


def test_event_times_are_those_of_the_steps_they_fell_into(flight):
    times = np.asarray(play.event_times(flight, "bounce"))
    assert times[7] == pytest.approx(7 / CONTROL_HZ + 0.003)
    assert np.isinf(np.delete(times, 7)).all()
    assert np.isinf(play.event_times(flight, "net")).all()
    assert set(play.EVENTS) < set(play.KINDS)
    with pytest.raises(ValueError, match="not in"):
        play.event_times(flight, "volley")


def test_frames_of_a_simulated_rally_see_its_bounces_on_the_table(plays):
    """The straight line between sub-steps cuts the corner of a bounce."""
    one = jax.tree.map(lambda leaf: leaf[1], plays)
    times = np.asarray(play.event_times(one, "bounce"))
    happened = np.isfinite(times)
    seen = play.moments(one, times[happened].astype(np.float32), 0.0)
    where = np.asarray(one.event_m)[happened, 0]
    at = np.asarray(seen.path_m)[:, 1]
    assert happened.sum() > 5
    assert np.abs(at[:, :2] - where).max() < 0.01
    assert np.abs(at[:, 2] - 0.78).max() < 0.012
    assert np.median(np.abs(at[:, 2] - 0.78)) < 0.004
