import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import athletes, court
from ttjax.sim.draws import Uniforms

HW = (97, 129)


@pytest.fixture(scope="module")
def draw():
    return jax.jit(court.draw)


@pytest.fixture(scope="module")
def arena(draw):
    return draw(jax.random.key(1))


@pytest.fixture(scope="module")
def view(arena):
    run = jax.jit(lambda arena, at: court.camera(arena, at, jnp.float32(9.0), HW))
    return run(arena, jnp.array([9.0, 1.0, 1.0]))


def test_an_arena_is_a_function_of_its_key(draw, arena):
    for again, same in ((draw(jax.random.key(1)), True), (draw(jax.random.key(2)), 0)):
        pairs = zip(jax.tree.leaves(arena), jax.tree.leaves(again), strict=True)
        equal = [np.array_equal(a, b) for a, b in pairs]
        assert all(equal) if same else not any(equal)


def test_settings_are_told_apart_by_value(arena):
    assert court.Court() == court.Court(people=(2, 12))
    assert court.Court() != court.Court(people=(2, 3))
    assert isinstance(arena, court.Arena)


def test_colours_are_grey_levels_and_teams_are_told_apart(draw):
    for seed in range(8):
        arena = draw(jax.random.key(seed))
        for colour in (arena.floor, arena.kits, arena.adverts, arena.ball):
            assert (np.asarray(colour) >= 0).all()
            assert (np.asarray(colour) <= 255).all()
        light, dark = np.asarray(arena.kits)[:2, 0]
        assert np.abs(light - dark).sum() > 60
        assert arena.position_m[1] < -court.WIDTH_M / 2 - 5


def test_the_camera_looks_at_its_target_with_the_scale_asked_for(arena, view):
    target = np.array([9.0, 1.0, 1.0], np.float32)
    at, _ = pinhole.project(view, jnp.asarray(target))
    np.testing.assert_allclose(at, [HW[1] / 2, HW[0] / 2], atol=1e-2)
    beside = target + 0.5 * np.asarray(view.rotation)[0]
    other, _ = pinhole.project(view, jnp.asarray(beside))
    length = np.linalg.norm(np.asarray(other) - np.asarray(at))
    assert length == pytest.approx(0.5 * HW[1] / 9.0, rel=1e-3)


def test_distance_is_measured_along_the_floor(view):
    forward = np.asarray(view.rotation)[2, :2]
    forward = forward / np.linalg.norm(forward)
    points = np.array([[0.0, 0.0], [9.0, 1.0], [-3.0, 6.0]], np.float32)
    want = (points - np.asarray(view.position_m)[:2]) @ forward
    np.testing.assert_allclose(court.distance_m(view, jnp.asarray(points)), want, 1e-5)


def test_baskets_hang_where_the_rules_say(view):
    shapes, distance = jax.jit(lambda view: court.basket(view, 1.0))(view)
    assert shapes.alpha.shape == (court.BASKET_PARTS,)
    ring = jnp.array([court.LENGTH_M / 2 - court.BASKET_M, 0.0, court.RIM_HEIGHT_M])
    at = np.asarray(pinhole.project(view, ring)[0])
    box = np.asarray(shapes.box)
    assert (box[:, :2].min(axis=0) < at).all()
    assert (box[:, 2:].max(axis=0) > at).all()
    floor = court.distance_m(view, ring[None, :2])[0]
    assert distance == pytest.approx(float(floor))
    assert (np.asarray(shapes.value)[:, 3] == 0).all()


def test_adverts_stand_behind_the_far_side_line(arena, view):
    shapes = jax.jit(court.adverts)(arena, view)
    assert shapes.alpha.shape == (court.ADVERTS * (1 + court.LETTERS),)
    line = jnp.array([[9.0, court.WIDTH_M / 2, 0.0]])
    lowest = np.asarray(shapes.box)[:, 3].min()
    assert lowest < np.asarray(pinhole.project(view, line)[0])[0, 1]


def test_people_wear_the_kit_of_their_team(arena):
    team = jnp.array([0, 1, 2, 0])
    run = jax.jit(
        lambda arena, team: court.people(Uniforms(jax.random.key(0), 100), arena, team)
    )
    looks = run(arena, team)
    assert looks.shape == (4, len(athletes.LOOKS), 3)
    shirt = athletes.LOOKS.index("shirt")
    want = np.asarray(arena.kits)[np.array([0, 1, 2, 0]), 0]
    np.testing.assert_array_equal(looks[:, shirt], want)
    # Referees wear long trousers.
    leg, shorts = athletes.LOOKS.index("leg"), athletes.LOOKS.index("shorts")
    np.testing.assert_array_equal(looks[2, leg], looks[2, shorts])


def test_a_pick_is_near_one_of_its_colours():
    table = ((200, 100, 50), (20, 40, 60))
    uniform = jnp.array([[0.1, 0.5, 0.5, 0.5, 0.5], [0.9, 0.5, 0.5, 0.5, 0.5]])
    np.testing.assert_allclose(court.pick(table, uniform), np.array(table), atol=1e-4)
