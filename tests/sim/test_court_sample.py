import collections
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import (
    BALL_ID,
    HIDDEN,
    IGNORED,
    SEEN,
    UNLABELLED,
    SceneSpec,
)
from ttjax.sim import court, court_ground, court_play, court_sample
from ttjax.sim.court import Court

HW = (97, 129)
SPEC = SceneSpec(HW, players=8)
SETTINGS = Court(people=(2, 6), span_m=(5.0, 9.0))
COUNT = 48


@pytest.fixture(scope="module")
def run():
    return jax.jit(
        lambda arenas, keys: court_sample.scenes(arenas, keys, SPEC, SETTINGS)
    )


@pytest.fixture(scope="module")
def keys():
    return tuple(jax.random.split(jax.random.key(seed), COUNT) for seed in (0, 1))


@pytest.fixture(scope="module")
def scenes(run, keys):
    return jax.tree.map(np.asarray, run(*keys))


@pytest.fixture(scope="module")
def draw():
    def run(key):
        arena = court.draw(key)
        return arena, court_play.draw(key, arena, HW, SETTINGS)

    return jax.jit(run)


def each_player(labels):
    for n, row in zip(*np.nonzero(labels.players), strict=True):
        yield n, row, labels.ids[n]


def test_a_batch_is_what_the_spec_says(scenes):
    jax.tree.map(
        lambda leaf, want: np.testing.assert_equal(
            (leaf.shape, leaf.dtype), (want.shape, want.dtype)
        ),
        scenes,
        SPEC.batch(COUNT),
    )
    assert (scenes.valid_hw == HW).all()
    assert not scenes.labels.crowd.any()


def test_a_joint_is_seen_exactly_where_its_pixel_is_its_own_persons(scenes):
    labels, counts = scenes.labels, collections.Counter()
    for n, row, ids in each_player(labels):
        for xy, state in zip(
            labels.joints_px[n, row], labels.joint_state[n, row], strict=True
        ):
            counts[int(state)] += 1
            if state != UNLABELLED:
                column, line = np.floor(xy).astype(int)
                own = ids[line, column] == row + 1
                assert state == (SEEN if own else HIDDEN)
    assert counts[SEEN] > 5 * counts[HIDDEN] > 0
    assert counts[UNLABELLED] > 0


def test_rows_are_people_of_whom_enough_is_seen(scenes):
    labels = scenes.labels
    for n in range(COUNT):
        ids, areas = np.unique(labels.ids[n], return_counts=True)
        owners = dict(zip(ids.tolist(), areas.tolist(), strict=True))
        for row in range(SPEC.players):
            area = owners.get(row + 1, 0)
            assert labels.players[n, row] == (area >= court_sample.FEWEST_PX)
            assert area == 0 or labels.players[n, row]
    empty = ~labels.players
    assert (labels.joint_state[empty] == UNLABELLED).all()
    assert (labels.box_px[empty] == 0).all()
    assert (labels.players.sum(axis=1) >= 1).mean() > 0.9


def test_a_box_holds_all_pixels_of_its_person(scenes):
    labels, tight = scenes.labels, 0
    for n, row, ids in each_player(labels):
        lines, columns = np.nonzero(ids == row + 1)
        x0, y0, x1, y1 = labels.box_px[n, row]
        # Half covered pixels are a person's: up to half a pixel beyond.
        assert columns.min() >= x0 - 0.6
        assert lines.min() >= y0 - 0.6
        assert columns.max() + 1 <= x1 + 0.6
        assert lines.max() + 1 <= y1 + 0.6
        found = np.array(
            [columns.min(), lines.min(), columns.max() + 1, lines.max() + 1]
        )
        tight += np.abs(found - labels.box_px[n, row]).max() < 1.6
    assert tight > 0.4 * labels.players.sum()


def test_the_ball_is_painted_where_it_is_labelled(scenes):
    labels = scenes.labels
    assert set(np.unique(labels.ball_state)) == {ABSENT, VISIBLE, UNKNOWN}
    for n in range(COUNT):
        lines, columns = np.nonzero(labels.ids[n] == BALL_ID)
        state = labels.ball_state[n]
        assert (state == ABSENT) == (len(lines) == 0)
        if state != VISIBLE:
            assert labels.ball_diameter_px[n] == 0
            continue
        (x, y), radius = labels.ball_xy_px[n], labels.ball_diameter_px[n] / 2
        assert 0 <= x < HW[1]
        assert 0 <= y < HW[0]
        reach = np.hypot(columns + 0.5 - x, lines + 0.5 - y)
        assert reach.max() < 1.6 * radius + 1.0
        area = np.pi * radius**2
        assert court_sample.SEEN_SHARE * area <= len(lines) < 1.6 * area + 4
        red, _, blue = scenes.image[n, lines, columns].astype(float).mean(axis=0)
        assert red > blue + 20


def test_a_scene_depends_on_its_own_keys_alone(run, keys, scenes):
    order = np.roll(np.arange(COUNT), 5)
    swapped = run(keys[0][order], keys[1][order])
    np.testing.assert_array_equal(swapped.image, scenes.image[order])
    np.testing.assert_array_equal(swapped.labels.ids, scenes.labels.ids[order])
    other = run(keys[1], keys[1])
    assert (np.asarray(other.image) != scenes.image).any(axis=(1, 2, 3)).all()


def test_people_hide_those_behind_them(draw):
    """Against everyone painted alone: the nearest of all silhouettes owns a pixel."""
    arena, instant = draw(jax.random.key(3))
    paint = jax.jit(lambda one: court_sample.picture(arena, one, HW))
    bare = dataclasses.replace(instant, ball_shown=jnp.array(False))
    rows = np.arange(SETTINGS.people[1])
    everyone = np.ones(len(rows), bool)
    # Side by side towards the camera, so that they overlap for sure.
    place = jnp.asarray(0.25 * np.stack([rows % 2, 2.0 * rows], 1), jnp.float32)
    move = jnp.concatenate([place - bare.root_m, jnp.zeros((len(rows), 1))], axis=1)
    bodies = jax.tree.map(
        lambda points: (
            points
            + jnp.broadcast_to(
                move.reshape(len(rows), *(1,) * (points.ndim - 2), 3), points.shape
            )
        ),
        bare.bodies,
    ).replace(face=bare.bodies.face)
    view = court.camera(arena, jnp.array([0.0, 1.0, 1.0]), jnp.float32(7.0), HW)
    bare = dataclasses.replace(bare, bodies=bodies, root_m=place, camera=view)

    def owners(shown):
        found = paint(dataclasses.replace(bare, shown=jnp.asarray(shown)))
        assert isinstance(found, court_sample.Picture)
        return np.asarray(found.planes[3])

    together = owners(everyone)
    alone = np.stack([owners(rows == row) == row + 1 for row in rows])
    assert (alone.sum(axis=0) > 1).sum() > 100
    near_first = np.argsort(np.asarray(court.distance_m(view, place)))
    want = np.zeros(HW, int)
    for row in near_first[::-1]:
        want[alone[row]] = row + 1
    np.testing.assert_array_equal(together, want)


def test_exposure_keeps_colours_up_to_light_and_noise(draw):
    arena, _ = draw(jax.random.key(5))
    plain = dataclasses.replace(
        arena,
        light=jnp.zeros(3),
        gain=jnp.ones(()),
        tint=jnp.ones(3),
        noise=jnp.float32(3.0),
    )
    colour = jnp.full((3, *HW), 120.0)
    image = np.asarray(court_sample.expose(jax.random.key(0), plain, colour))
    assert image.mean() == pytest.approx(120.0, abs=0.1)
    assert image.std() == pytest.approx(3.0, abs=0.1)
    quiet = dataclasses.replace(plain, noise=jnp.zeros(()))
    again = court_sample.expose(jax.random.key(0), quiet, colour)
    assert (np.asarray(again) == 120).all()


def test_painting_everywhere_equals_painting_in_tiles(draw):
    arena, instant = draw(jax.random.key(8))
    tiled, whole = (
        jax.jit(lambda one, t=t: court_sample.picture(arena, one, HW, tiled=t))(instant)
        for t in (True, False)
    )
    gap = np.abs(np.asarray(tiled.planes[:3], int) - np.asarray(whole.planes[:3]))
    assert gap.max() <= court_ground.FIXED
    same = np.asarray(tiled.planes[3]) == np.asarray(whole.planes[3])
    assert same.mean() > 0.999


@pytest.mark.slow
def test_eager_equals_jitted(run, keys, scenes):
    eager = court_sample.scene(keys[0][0], keys[1][0], SPEC, SETTINGS)
    assert eager.labels is not None
    gap = np.abs(np.asarray(eager.image, int) - scenes.image[0])
    assert gap.max() <= 2
    assert (np.asarray(eager.labels.ids) == scenes.labels.ids[0]).mean() > 0.999
    joints = np.asarray(eager.labels.joints_px)
    np.testing.assert_allclose(joints, scenes.labels.joints_px[0], atol=0.01)


def test_what_has_no_room_is_refused():
    with pytest.raises(ValueError, match="a row for each of 12 people"):
        court_sample.check(SPEC, Court())
    with pytest.raises(ValueError, match="ascending"):
        court_sample.check(SPEC, Court(people=(4, 3)))
    assert IGNORED not in range(SPEC.players + 1)
