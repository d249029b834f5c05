import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ttjax.geometry import camera as pinhole
from ttjax.sim import actors

FPS = 120.0
SOURCE_HW = (1080, 1920)


@jax.jit
def _ball_label(scene, moment):
    return actors.ball_label(scene, moment, FPS, SOURCE_HW)


def _label(scene, moment):
    xy, seen = _ball_label(scene, moment)
    return np.asarray(xy), bool(seen)


def test_the_label_is_the_projection_of_the_ball(hall_scene, moment):
    xy, seen = _label(hall_scene, moment)
    exact, _ = pinhole.project(hall_scene.camera, moment.ball_m[None])
    np.testing.assert_allclose(xy, exact[0], atol=0.2)
    assert seen
    streak: actors.Streak = actors.streak(hall_scene, moment, FPS)
    assert 4.5 < float(streak.radius_px) < 9.5
    np.testing.assert_array_equal(streak.centre_px, xy)


def test_a_hidden_ball_is_absent(hall_scene, moment):
    def at(*xyz, **changes):
        return dataclasses.replace(
            moment, ball_m=jnp.array(xyz, jnp.float32), **changes
        )

    assert _label(hall_scene, at(0.5, 0.0, 1.0))[1]
    assert not _label(hall_scene, at(0.5, 0.0, 0.72))[1]
    assert _label(hall_scene, at(0.5, -1.2, 0.1))[1]
    assert not _label(hall_scene, at(9.0, 0.0, 1.0))[1]
    assert not _label(hall_scene, at(0.5, 0.0, 1.0, present=jnp.bool_(False)))[1]
    root = moment.root_m[1]
    behind = at(float(root[0]) + 0.06, float(root[1]) + 0.3, 1.0)
    assert not _label(hall_scene, behind)[1]


def test_under_the_table_is_below_its_top_and_behind_its_front():
    points = jnp.array([[0.0, 0.0, 0.5], [0.0, -1.0, 0.5], [0.0, 0.0, 0.9]])
    np.testing.assert_array_equal(actors.under_table(points), [True, False, False])


def test_the_ball_is_one_shape_at_the_depth_where_it_is(hall_scene, moment):
    run = jax.jit(
        lambda ball: actors.shapes(hall_scene, moment, jnp.int32(0), FPS, ball=ball)
    )
    with_ball, without = run(jnp.float32(1.0)), run(jnp.float32(0.0))
    assert float(with_ball.alpha.sum()) == float(without.alpha.sum()) + 1.0


def test_lures_are_rackets_and_the_spots_that_are_painted(hall_scene, moment):
    number = jnp.int32(17)
    lures = np.asarray(actors.lures(hall_scene, moment, number))
    rackets, _ = pinhole.project(hall_scene.camera, moment.hand_m)
    np.testing.assert_array_equal(lures[-2:], rackets)
    spots = actors.shapes(hall_scene, moment, number, FPS)
    still = actors.lures(hall_scene, moment, jnp.int32(0))
    assert spots.alpha.shape[0] > len(lures)
    assert np.abs(lures[:-2] - still[:-2]).max() > 1.0
    assert np.abs(lures[:-2] - hall_scene.distractors[:, :2]).max() < 0.06 * 1920
