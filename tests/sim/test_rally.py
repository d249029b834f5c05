import jax
import jax.numpy as jnp
import numpy as np

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics, rally

FPS = 120.0


def test_play_is_as_busy_as_real_play(play: rally.Rally):
    frames = play.present.size
    assert 40 < frames / play.bounce.sum() < 90
    assert play.net.sum() / (frames / FPS) > 0.5
    assert play.touch.sum() / (frames / FPS) > 0.08
    assert 0.03 < 1 - play.present.mean() < 0.25
    assert (play.phase == rally.PLAY).mean() > 0.5
    assert play.stroke.sum() > 40
    assert play.ball_m.shape == (4, 1200, 3)
    assert bool(jnp.isfinite(play.ball_m).all())


def test_bounces_lie_on_the_table_and_net_events_at_the_net(play):
    at = np.asarray(play.ball_m)[np.asarray(play.bounce)]
    assert (abs(at[:, 0]) < field.TABLE_LENGTH_M / 2 + 0.15).all()
    assert (abs(at[:, 2] - physics.SURFACE_Z_M) < 0.12).all()
    at = np.asarray(play.ball_m)[np.asarray(play.net)]
    assert (abs(at[:, 0]) < 0.3).all()
    touches = np.asarray(play.touch)
    assert (np.asarray(play.net)[touches]).all()


def test_the_racket_is_at_the_ball_when_it_is_struck(play):
    stroke = np.asarray(play.stroke)
    gap = np.asarray(play.hand_m)[stroke] - np.asarray(play.ball_m)[stroke][:, None]
    nearest = np.linalg.norm(gap, axis=-1).min(axis=1)
    assert np.median(nearest) < 0.2


def test_players_stay_behind_their_ends(play):
    x = np.asarray(play.root_m)[..., 0]
    assert (x[..., 0] < -1.3).all()
    assert (x[..., 1] > 1.3).all()
    assert abs(np.diff(x, axis=1)).max() < 0.05


def test_one_key_gives_one_rally_and_any_number_of_frames():
    run = jax.jit(lambda key: rally.simulate(key, 40, FPS))
    first, again = run(jax.random.key(5)), run(jax.random.key(5))
    other = run(jax.random.key(6))
    np.testing.assert_array_equal(first.ball_m, again.ball_m)
    assert (np.asarray(first.ball_m) != np.asarray(other.ball_m)).any()
    assert rally.EVENTS == ("bounce", "net")
    assert {rally.GONE, rally.TOSS, rally.PLAY, rally.DEAD} == {0, 1, 2, 3}


def test_a_racket_meets_the_ball_and_does_not_ride_along(play):
    gap = np.asarray(play.hand_m) - np.asarray(play.ball_m)[..., None, :]
    nearest = np.linalg.norm(gap, axis=-1).min(axis=-1)
    assert (nearest[np.asarray(play.present)] < 0.25).mean() < 0.2
