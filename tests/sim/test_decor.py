import jax
import jax.numpy as jnp
import numpy as np

from ttjax.sim import camera, decor, room
from ttjax.sim.draws import Uniforms

KEYS = 24


@jax.jit
def _rooms(rig, variety):
    def one(key):
        draws = Uniforms(key, 5600)
        view = camera.draw(draws, camera.SOURCE_HW, rig, variety)
        place = decor.place(draws, view, variety)
        return view, decor.draw(draws, place, jnp.float32(1.0), variety)

    return jax.vmap(one)(jax.random.split(jax.random.key(0), KEYS))


def test_the_camera_is_within_the_walls_and_looks_at_the_umpires_side():
    for rig in range(len(camera.RIGS)):
        for variety in (0.0, 1.0):
            view, made = _rooms(jnp.int32(rig), jnp.float32(variety))
            place: room.Place = made.place
            x, y, _ = np.asarray(view.position_m).T
            low_x, high_x, low_y, high_y = np.asarray(place.walls).T
            assert ((low_x < x) & (x < high_x)).all()
            assert ((low_y < y) & (y < high_y)).all()
            assert (np.asarray(place.umpire) * y <= 0.0).all()
            fence = np.asarray(place.fence)
            # The court has room for players all around the table.
            assert (np.abs(fence[:, :2]) > 6.0).all()
            assert (np.abs(fence[:, 2:]) > 2.5).all()
            assert (np.abs(fence) <= np.abs(np.asarray(place.walls)) + 1e-3).all()


def test_the_plain_hall_has_cloth_banners_and_one_floor():
    _, made = _rooms(jnp.int32(0), jnp.float32(0.0))
    np.testing.assert_array_equal(made.plain, 0.0)
    np.testing.assert_array_equal(made.decals, 0.0)
    np.testing.assert_array_equal(made.crowd.tiers, 0.0)
    floor = np.asarray(made.floor)
    np.testing.assert_array_equal(floor[:, 0], floor[:, 1])
    assert (np.asarray(made.place.fence_m) > 0.6).all()
    knots = np.asarray(made.wall_knots)
    assert knots.shape == (KEYS, *room.WALL_KNOTS)
    assert 0.1 < knots.std(axis=(1, 2)).mean() < 0.5
    assert 0.7 < knots.mean() < 1.3


def test_variety_brings_walls_words_and_people():
    _, made = _rooms(jnp.int32(0), jnp.float32(1.0))
    assert 0.2 < (np.asarray(made.plain) > 0.5).mean() < 1.0
    assert 0.0 < np.asarray(made.decals).mean() < 1.0
    assert 0.0 < (np.asarray(made.crowd.tiers) > 0).mean() < 1.0
    empty = np.asarray(made.place.fence_m) == 0.0
    assert (np.asarray(made.crowd.tiers)[empty] == 0.0).all()
    assert len(decor.PAPERS) == len(decor.INKS)
    assert len(decor.MORE_PAPERS) == len(decor.MORE_INKS)
