import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import adverts, camera, decor, primitives, room
from ttjax.sim.draws import Uniforms

SOURCE_HW = (360, 640)
COLUMNS, ROWS = (40, 30)


@pytest.fixture(scope="module")
def halls():
    """A bare hall on every rig: one colour for each plane, no texture, no light."""

    def draw(rig):
        draws = Uniforms(jax.random.key(3), 5600)
        variety = jnp.float32(1.0)
        view = camera.draw(draws, SOURCE_HW, rig, variety)
        place = decor.place(draws, view, variety)
        made = decor.draw(draws, place, jnp.float32(1.0), variety)
        return view, made

    views, rooms = jax.jit(jax.vmap(draw))(jnp.arange(len(camera.RIGS)))
    halls = []
    for k in range(len(camera.RIGS)):
        view, made = jax.tree.map(lambda leaf, k=k: leaf[k], (views, rooms))
        ones = jnp.ones(3)
        bare = made.replace(
            plain=jnp.float32(1.0),
            skirting=jnp.array([1.0, 0.5]),
            curtain=20.0 * ones,
            floor=jnp.stack([60.0 * ones, 100.0 * ones]),
            floor_knots=jnp.ones(room.FLOOR_KNOTS),
            boards=jnp.array([0.2, 0.0, 0.0]),
            ceiling=140.0 * ones,
            papers=jnp.full((room.PANELS, 3), 200.0),
            words=jnp.full(room.PANELS, adverts.WORDS.index(""), jnp.int32),
            decals=jnp.float32(0.0),
            crowd=made.crowd.replace(tiers=jnp.float32(0.0)),
            shadow=jnp.array([0.0, 0.4]),
            light=jnp.zeros(3),
            place=made.place.replace(fence_m=jnp.float32(0.7)),
        )
        size = jnp.array(SOURCE_HW, jnp.int32)
        halls.append(types.SimpleNamespace(camera=view, room=bare, source_hw=size))
    return halls


@jax.jit
def _background(view, made, x, y):
    return room.background(types.SimpleNamespace(camera=view, room=made), x, y)


def _grid():
    x, y = np.meshgrid(
        np.linspace(1, SOURCE_HW[1] - 1, COLUMNS, dtype=np.float32),
        np.linspace(1, SOURCE_HW[0] - 1, ROWS, dtype=np.float32),
    )
    return x, y


def _march(start, way, place):
    """Follows a ray in small steps; the colour of what it meets, None near an edge."""
    low_x, high_x, low_y, high_y = (float(v) for v in place.fence)
    walls = [float(v) for v in place.walls]
    inside_before, step, above = None, 0.02, False
    for k in range(1, 3000):
        x, y, z = start + k * step * way / np.linalg.norm(way)
        inside = low_x < x < high_x and low_y < y < high_y
        if inside_before and not inside:
            if abs(z - 0.7) < 0.06 or abs(z) < 0.06:
                return None
            if 0.0 < z < 0.7:
                return 200.0
        inside_before = inside
        if z < 0.0:
            depth = k * step / np.linalg.norm(way)
            fade = 0.72 + 0.28 * np.clip(1.6 - depth / 12.0, 0.0, 1.0)
            near = min(abs(x - e) for e in (low_x, high_x))
            near = min(near, *(abs(y - e) for e in (low_y, high_y)))
            return None if near < 0.05 else fade * (60.0 if inside else 100.0)
        above = above or z > float(place.walls_m)
        if not (walls[0] < x < walls[1] and walls[2] < y < walls[3]):
            if abs(z) < 0.08 or abs(z - float(place.walls_m)) < 0.08:
                return None
            return 140.0 if above else 20.0
    return None


def test_pixels_show_what_a_march_along_their_rays_meets(halls):
    x, y = _grid()
    chosen = np.random.default_rng(0).choice(x.size, 40, replace=False)
    for hall in halls:
        planes = np.asarray(_background(hall.camera, hall.room, x, y))
        assert planes.shape == (len(primitives.PLANES), ROWS, COLUMNS)
        assert (planes[3:] == 0).all()
        shown = planes[0].reshape(-1) / room.FIXED
        at = np.stack([x.reshape(-1), y.reshape(-1)], -1)[chosen]
        half = np.array([x[0, 1] - x[0, 0], y[1, 0] - y[0, 0]]) / 2
        turns = np.array([[0, 0], [-1, -1], [-1, 1], [1, -1], [1, 1]])
        places = jnp.asarray((at[:, None] + turns * half).astype(np.float32))
        ways = np.asarray(pinhole.ray(hall.camera, places))
        start = np.asarray(hall.camera.position_m)
        known = 0
        for rays, value in zip(ways, shown[chosen], strict=True):
            met = [_march(start, way, hall.room.place) for way in rays]
            # Where the pixel's corners show something else there is an edge in it.
            if None not in met and np.ptp(np.array(met, float)) < 6.0:
                known += 1
                assert abs(value - met[0]) < 3.0, (value, met[0])
        assert known > 12


def test_a_part_of_a_picture_equals_that_part_of_the_whole(halls):
    hall = halls[1]
    x, y = _grid()
    whole = np.asarray(_background(hall.camera, hall.room, x, y))
    part = np.asarray(_background(hall.camera, hall.room, x[5:15, 7:20], y[5:15, 7:20]))
    np.testing.assert_array_equal(part, whole[:, 5:15, 7:20])


def test_banners_carry_words_that_soften_with_distance(halls):
    hall = halls[0]
    word = jnp.full(room.PANELS, adverts.WORDS.index("TOPSPIN CUP"), jnp.int32)
    inks = jnp.zeros((room.PANELS, 3))
    written = hall.room.replace(words=word, inks=inks)
    scene = types.SimpleNamespace(camera=hall.camera, room=written)
    x, y = jnp.meshgrid(
        jnp.arange(0, SOURCE_HW[1], 3, dtype=jnp.float32) + 0.5,
        jnp.arange(0, SOURCE_HW[0], 2, dtype=jnp.float32) + 0.5,
    )
    run = jax.jit(lambda step: room.background(scene, x, y, step))
    plain = np.asarray(_background(hall.camera, hall.room, x, y))[0]
    banner = plain == 200.0 * room.FIXED
    fine, coarse = (np.asarray(run(jnp.float32(s)))[0] for s in (0.3, 6.0))
    ink = [1.0 - v[banner].mean() / (200.0 * room.FIXED) for v in (fine, coarse)]
    assert 0.04 < ink[0] < 0.4
    assert abs(ink[1] - ink[0]) < 0.5 * ink[0] + 0.03
    assert fine[banner].std() > 1.2 * coarse[banner].std()


def test_a_room_has_its_place(halls):
    made = jax.eval_shape(
        lambda key: decor.place(
            Uniforms(key, 5600),
            camera.draw(Uniforms(key, 99), SOURCE_HW),
            jnp.float32(1.0),
        ),
        jax.random.key(0),
    )
    assert isinstance(made, room.Place)
    for hall in halls:
        assert isinstance(hall.room, room.Room)
        low_x, high_x, low_y, high_y = hall.room.place.fence
        walls = hall.room.place.walls
        assert walls[0] < low_x < high_x < walls[1]
        assert walls[2] < low_y < high_y < walls[3]
