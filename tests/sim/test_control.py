import jax
import numpy as np
import pytest

from ttjax.sim import control, play, script
from ttjax.sim.control import Seen, State
from ttjax.sim.physics import Physics


@pytest.fixture(scope="module")
def run():
    """A script, its first state, and what is seen of 360 steps."""

    def record(key):
        drawn = script.draw(key, 3.0, 120, Physics(), 0.0)
        first = control.begin(drawn)

        def body(state, _):
            state, seen = control.advance(Physics(), drawn, state)
            return state, (state.left, seen)

        return drawn, first, jax.lax.scan(body, first, None, length=360)[1]

    return jax.jit(record)(jax.random.key(0))


def test_a_point_is_a_pause_a_toss_and_play_of_the_lengths_in_the_script(run):
    drawn, first, (_, seen) = run
    assert isinstance(first, State)
    assert isinstance(seen, Seen)
    assert int(first.phase) == play.GONE
    numbers = dict(zip(control.NUMBERS, np.asarray(seen.numbers).T, strict=False))
    phase = numbers["phase"]
    pause, toss = int(drawn.schedule.pause[0]), int(drawn.schedule.toss[0])
    begins = int((phase != play.GONE).argmax())
    assert begins == max(pause, 1)
    assert (phase[begins : begins + toss] == play.TOSS).all()
    assert phase[begins + toss] == play.PLAY
    flags = np.asarray(seen.numbers)[:, len(control.NUMBERS) :]
    assert flags[begins + toss - 1, play.KINDS.index("stroke")]
    assert numbers["server"][0] == numbers["target"][0] == drawn.schedule.server[0]
    assert numbers["target"][begins + toss] == -drawn.schedule.server[0]


def test_the_ball_waits_where_it_is_tossed_and_comes_back_there(run):
    drawn, first, (_, seen) = run
    track = np.asarray(seen.track_m)
    served = np.asarray(seen.numbers)[:, -2].argmax()
    np.testing.assert_array_equal(track[0, 0], first.ball.position)
    np.testing.assert_allclose(track[served, -1], first.ball.position, atol=5e-3)
    assert track[: served + 1, :, 2].max() > float(first.ball.position[2]) + 0.03
    assert drawn.schedule.toss[0] > 0
