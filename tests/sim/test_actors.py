import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import actors, rally, scene


def _film(scene, **changes):
    values = {name: jnp.asarray(value, jnp.float32) for name, value in changes.items()}
    return dataclasses.replace(scene, film=dataclasses.replace(scene.film, **values))


def _at(moment, *xyz, **changes):
    path = jnp.broadcast_to(jnp.array(xyz, jnp.float32), (3, 3))
    return dataclasses.replace(moment, path_m=path, **changes)


def test_the_label_is_the_projection_of_the_middle_of_the_exposure(
    hall_scene, moment, number, act
):
    _, seen = act(hall_scene, moment, number)
    exact, _ = pinhole.project(hall_scene.camera, moment.path_m)
    np.testing.assert_allclose(seen.xy_px, exact[1], atol=0.01)
    np.testing.assert_allclose(seen.blur_px, exact[2] - exact[0], atol=0.01)
    assert bool(seen.visible)
    streak: actors.Streak = actors.streak(hall_scene, moment.path_m)
    assert 4.5 < float(streak.radius_px) < 9.5
    np.testing.assert_allclose(streak.path_px, exact, atol=1e-3)
    assert "middle of the exposure" in actors.LABEL_CONVENTION


def test_lens_and_shake_move_the_label(hall_scene, moment, number, act):
    bent = dataclasses.replace(
        hall_scene,
        camera=hall_scene.camera.replace(distortion=jnp.array([-0.1, 0.02])),
    )
    shake = [[0.003, 9.0, 1.0], [0.002, 7.0, 0.5]]
    _, seen = act(_film(bent, shake=shake), moment, number)
    assert isinstance(seen, actors.Seen)
    ideal, _ = pinhole.project(hall_scene.camera, moment.path_m[1])
    out = np.asarray(ideal, np.float64) - [960.0, 540.0]
    squared = (out**2).sum() / (960.0**2 + 540.0**2)
    due = [960.0, 540.0] + out * (1 - 0.1 * squared + 0.02 * squared**2)
    seconds = number / 120.0
    for axis, (size, pace, phase) in enumerate(shake):
        angle = pace * seconds + phase
        wave = (np.sin(angle) + 0.5 * np.sin(2.7 * angle + 1.0)) / 1.5
        due[axis] -= 1920.0 * size * wave
    np.testing.assert_allclose(seen.xy_px, due, atol=0.02)


def test_a_hidden_ball_is_absent(hall_scene, moment, number, act):
    glimpse = jax.jit(actors.glimpse)

    def seen(*xyz, **changes):
        there = _at(moment, *xyz, **changes)
        visible = bool(act(hall_scene, there, number)[1].visible)
        assert bool(glimpse(hall_scene, there, jnp.int32(number))) == visible
        return visible

    assert seen(0.5, 0.0, 1.0)
    assert not seen(0.5, 0.0, 0.72)
    assert seen(0.5, -1.2, 0.1)
    assert not seen(9.0, 0.0, 1.0)
    assert not seen(0.5, 0.0, 1.0, present=jnp.bool_(False))
    root = np.append(np.asarray(moment.root_m[1]), 1.05)
    beyond = root + 0.08 * (root - np.asarray(hall_scene.camera.position_m))
    assert not seen(*beyond)


@pytest.mark.parametrize("rig", ["behind", "far_side", "broadcast"])
def test_it_is_hidden_behind_who_is_nearer_from_every_side(
    draw_scene, moment, number, act, rig
):
    scene = draw_scene(jax.random.key(5), rig=rig)
    root = np.append(np.asarray(moment.root_m[1]), 1.0)
    way = root - np.asarray(scene.camera.position_m)
    beyond, before = root + 0.1 * way, root - 0.15 * way
    assert not bool(act(scene, _at(moment, *beyond), number)[1].visible)
    ideal, _ = pinhole.project(scene.camera, jnp.asarray(before))
    inside = ((ideal >= 0) & (ideal < jnp.array([1920.0, 1080.0]))).all()
    assert bool(act(scene, _at(moment, *before), number)[1].visible) == bool(inside)
    near, far = actors.depth_m(scene.camera, jnp.asarray(np.stack([before, beyond])))
    assert float(near) < float(far)


def test_the_ball_is_one_shape_and_a_second_one_has_no_label(
    hall_scene, moment, number, act
):
    with_ball, label = act(hall_scene, moment, number)
    without, _ = act(hall_scene, moment, number, 0.0)
    assert float(with_ball.alpha.sum()) == float(without.alpha.sum()) + 1.0
    other = dataclasses.replace(
        moment,
        other_present=jnp.bool_(True),
        other_path_m=jnp.broadcast_to(jnp.array([0.8, 0.2, 1.1]), (3, 3)),
    )
    two, same = act(hall_scene, other, number)
    assert float(two.alpha.sum()) == float(with_ball.alpha.sum()) + 1.0
    np.testing.assert_array_equal(same.xy_px, label.xy_px)
    assert bool(same.visible) == bool(label.visible)
    toned = actors.toned(hall_scene, two)
    np.testing.assert_array_equal(toned.value, two.value)


def test_far_things_are_painted_first(hall_scene, moment, number, act):
    shapes, _ = act(hall_scene, _at(moment, 0.5, -1.2, 1.0), number)
    near = np.asarray(shapes.value[-1, :3])
    shapes, _ = act(hall_scene, _at(moment, 0.5, 3.0, 1.0), number)
    np.testing.assert_array_equal(near, hall_scene.ball_colour)
    assert (np.asarray(shapes.value[-1, :3]) != near).any()


def test_lures_are_spots_that_sway_feet_and_rackets(hall_scene, moment):
    lures = np.asarray(actors.lures(hall_scene, moment, jnp.int32(17)))
    rackets, _ = pinhole.project(hall_scene.camera, moment.hand_m)
    np.testing.assert_allclose(lures[-2:], rackets, atol=1e-3)
    assert lures.shape == (scene.DISTRACTORS + 4 + 2, 2)
    floor, _ = pinhole.project(
        hall_scene.camera, jnp.pad(moment.root_m, ((0, 0), (0, 1)))
    )
    feet = lures[scene.DISTRACTORS : -2].reshape(2, 2, 2).mean(axis=1)
    assert np.linalg.norm(feet - floor, axis=1).max() < 60.0
    spots = lures[: scene.DISTRACTORS]
    still = actors.lures(hall_scene, moment, jnp.int32(0))[: scene.DISTRACTORS]
    assert np.abs(spots - still).max() > 1.0
    assert np.abs(spots - hall_scene.distractors[:, :2]).max() < 0.04 * 1920
    # Nothing behind the court is as fast as a ball.
    after = actors.lures(hall_scene, moment, jnp.int32(18))[: scene.DISTRACTORS]
    assert np.linalg.norm(spots - after, axis=1).max() < 150.0 / 120.0


def test_frames_are_as_far_apart_as_the_rate_says(hall_scene, play, see):
    numbers = np.arange(0, 1080)
    slow = _film(hall_scene, fps=30.0, exposure_s=0.01)
    got = see(slow, play, numbers)
    track = np.asarray(play.ball_m, np.float64).reshape(-1, 3)
    at = (np.arange(len(track)) + 1) / (rally.CONTROL_HZ * play.ball_m.shape[1])
    for shift, which in ((-0.005, 0), (0.0, 1), (0.005, 2)):
        due = [
            np.interp(numbers[:290] / 30.0 + shift, at, track[:, k]) for k in range(3)
        ]
        np.testing.assert_allclose(
            got.path_m[:290, which], np.stack(due, axis=-1), atol=2e-3
        )
    np.testing.assert_allclose(actors.times(slow, jnp.array([60])), 2.0)


def test_a_rolling_shutter_sees_the_ball_when_its_row_is_exposed(
    hall_scene, play, see, act
):
    """Closed form of a ball that falls at a constant speed: row = y0 + v t."""
    speed, readout, fps = -3.0, 0.02, 30.0
    seconds = (np.arange(play.ball_m.size // 3) + 1) / (
        rally.CONTROL_HZ * play.ball_m.shape[1]
    )
    # In front of a level camera the picture of a fall is a straight line in time.
    camera = pinhole.look(
        jnp.array([0.0, -4.0, 1.0]),
        yaw=jnp.float32(0.0),
        pitch=jnp.float32(0.0),
        roll=jnp.float32(0.0),
        focal_px=jnp.float32(1400.0),
        centre_px=jnp.array([960.0, 540.0]),
    )
    track = np.stack([0 * seconds, 0 * seconds, 4.0 + speed * seconds], axis=-1)
    fall = dataclasses.replace(
        play,
        ball_m=jnp.asarray(track.reshape(play.ball_m.shape), jnp.float32),
        present=jnp.ones_like(play.present),
    )
    rolled = _film(
        hall_scene.replace(camera=camera), fps=fps, exposure_s=0.004, readout_s=readout
    )
    frames = np.arange(26, 36)
    numbers = np.zeros(1080, np.int64)
    numbers[: len(frames)] = frames
    moments = see(rolled, fall, numbers)
    moments = jax.tree.map(lambda leaf: leaf[: len(frames)], moments)
    # y = 540 - f z / d with z = 3 + v t, and t = n / fps + readout (y / 1080 - 1/2).
    gain = 1400.0 / 4.0
    middle = frames / fps
    pace = -gain * speed
    start = 540.0 - gain * (4.0 - 1.0) + pace * (middle - readout / 2)
    row = start / (1.0 - pace * readout / 1080.0)
    assert ((row > 0) & (row < 1080)).sum() >= 5
    path, _ = pinhole.project(camera, moments.path_m)
    inside = (row > 0) & (row < 1080)
    np.testing.assert_allclose(path[inside, 1, 1], row[inside], atol=0.05)
    # The label is that of the row.
    one = int(np.flatnonzero(inside)[2])
    moment = jax.tree.map(lambda leaf: leaf[one], moments)
    _, seen = act(rolled, moment, frames[one])
    np.testing.assert_allclose(seen.xy_px[1], row[one], atol=0.05)


def test_a_pushed_table_takes_the_ball_along_and_then_the_people(hall_scene, play, see):
    numbers = np.arange(0, 1080)
    pushed = dataclasses.replace(
        hall_scene, push_m=jnp.array([0.1, -0.05]), push_s=jnp.float32(2.0)
    )
    before, after = see(hall_scene, play, numbers), see(pushed, play, numbers)
    way = np.asarray(after.path_m - before.path_m)
    np.testing.assert_array_equal(way[:240], 0.0)
    np.testing.assert_allclose(
        way[240:], np.broadcast_to([0.1, -0.05, 0.0], way[240:].shape), atol=1e-5
    )
    roots = np.asarray(after.root_m - before.root_m)
    assert np.abs(np.diff(roots, axis=0)).max() < 0.01
    np.testing.assert_allclose(
        roots[400:], np.broadcast_to([0.1, -0.05], roots[400:].shape), atol=1e-5
    )
