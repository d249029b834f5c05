import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import court, court_play
from ttjax.sim.court import Court

HW = (97, 129)
SETTINGS = Court(people=(2, 7))
COUNT = 400


@pytest.fixture(scope="module")
def run():
    def one(key):
        return court_play.draw(key, court.draw(jax.random.key(0)), HW, SETTINGS)

    return jax.jit(lambda keys: jax.lax.map(one, keys))


@pytest.fixture(scope="module")
def keys():
    return jax.random.split(jax.random.key(1), COUNT)


@pytest.fixture(scope="module")
def plays(run, keys):
    return run(keys)


def test_as_many_people_as_settings_say(plays):
    assert isinstance(plays, court_play.Play)
    shown = np.asarray(plays.shown).sum(axis=1)
    assert shown.min() == 2
    assert shown.max() == 7
    assert np.bincount(shown)[2:].min() > 0.5 * COUNT / 6


def test_people_stand_on_or_beside_the_court_and_some_are_marked(plays):
    root = np.asarray(plays.root_m)
    assert (np.abs(root[..., 0]) <= court.LENGTH_M / 2 + 1.0).all()
    assert (np.abs(root[..., 1]) <= court.WIDTH_M / 2 + 0.8).all()
    gap = np.linalg.norm(root[:, 1] - root[:, 0], axis=-1)
    close = (gap < 1.15).mean()
    assert court_play.MARKED * 0.8 < close < court_play.MARKED * 1.4
    joints = np.asarray(plays.bodies.joints)
    hips = 0.5 * (joints[:, :, 11] + joints[:, :, 12])
    np.testing.assert_allclose(hips[..., :2], root, atol=1e-4)


def test_teams_and_referees_have_their_shares(plays):
    team = np.asarray(plays.team)
    official = (team == court.TEAMS - 1)[:, 1:]
    assert official.mean() == pytest.approx(court_play.REFEREES, abs=0.03)
    assert (team[:, 0] == 0).all()


def test_the_ball_is_in_a_hand_below_it_in_the_air_or_absent(plays):
    hands, ball = np.asarray(plays.bodies.hands)[:, 0], np.asarray(plays.ball_m)
    gap = np.linalg.norm(hands[..., :2] - ball[:, None, :2], axis=-1).min(1)
    at_hand = gap < 0.12
    level = np.abs(hands[..., 2] - ball[:, None, 2]).min(axis=1) < 1e-3
    held, dribbled, flying, absent = court_play.BALL_SHARES
    # Without a ball its place is anywhere, so that absent ones count with flying ones.
    assert at_hand.mean() == pytest.approx(held + dribbled, abs=0.07)
    assert (at_hand & level).mean() == pytest.approx(held, abs=0.07)
    assert plays.ball_shown.mean() == pytest.approx(1 - absent, abs=0.05)
    assert ball[:, 2].min() > 0.9 * court.BALL_RADIUS_M
    assert ball[:, 2].max() > 3.0
    assert flying > 0.3


def test_what_the_camera_looks_at_is_where_people_are(plays):
    at, depth = jax.vmap(pinhole.project)(plays.camera, plays.bodies.head)
    assert (np.asarray(depth) > 2.0).all()
    inside = (
        (at >= 0) & (at < jnp.array([HW[1], HW[0]], jnp.float32)[None, None])
    ).all(-1)
    assert np.asarray(inside).mean() > 0.7


def test_an_instant_depends_on_its_key_alone(run, keys, plays):
    again = run(keys[::-1])
    pairs = zip(jax.tree.leaves(again), jax.tree.leaves(plays), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(np.asarray(one)[::-1], other)
