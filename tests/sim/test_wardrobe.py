import jax
import jax.numpy as jnp
import numpy as np

from ttjax.sim import body, wardrobe
from ttjax.sim.draws import Uniforms

KEYS = 40


@jax.jit
def _people(variety):
    def one(key):
        return wardrobe.people(Uniforms(key, 200), jnp.float32(1.0), variety)

    return jax.vmap(one)(jax.random.split(jax.random.key(0), KEYS))


def test_people_have_a_colour_for_everything_they_wear():
    assert tuple(wardrobe.PLAIN) != ()
    assert set(wardrobe.PLAIN) == set(wardrobe.VARIED) == set(body.LOOKS)
    for variety in (0.0, 1.0):
        people = _people(jnp.float32(variety))
        colours = np.asarray(people.colours)
        assert colours.shape == (KEYS, 2, len(body.LOOKS), 3)
        assert colours.min() >= 0.0
        assert colours.max() <= 245.0
        height = np.asarray(people.height)
        assert 0.9 < height.min() < height.max() < 1.1


def test_shoes_of_bright_halls_are_as_white_as_the_ball():
    for name, share in wardrobe.WHITES.items():
        row = body.LOOKS.index(name)
        plain, varied = (
            np.asarray(_people(jnp.float32(variety)).colours)[:, :, row]
            for variety in (0.0, 1.0)
        )
        white = (varied > 0.74 * np.array(wardrobe.WHITE)).all(axis=-1)
        assert abs(white.mean() - share) < 0.15
        assert (plain.max(axis=-1) < 0.9 * max(wardrobe.WHITE)).all()
        assert (varied.max(axis=-1) > 0.9 * max(wardrobe.WHITE)).any()


def test_left_handers_come_with_variety():
    assert (np.asarray(_people(jnp.float32(0.0)).handed) == 1.0).all()
    handed = np.asarray(_people(jnp.float32(1.0)).handed)
    assert set(handed.ravel()) == {-1.0, 1.0}
    assert (handed < 0.0).mean() < 0.5


def test_a_colour_is_near_one_of_its_palette():
    table = jnp.array([[100.0, 0.0, 0.0], [0.0, 100.0, 0.0]])
    uniform = jax.random.uniform(jax.random.key(1), (50, 5))
    picked = np.asarray(wardrobe.pick(table[None], uniform))
    nearest = np.abs(picked[:, None] - np.asarray(table)).max(axis=-1).min(axis=1)
    assert nearest.max() <= 0.22 * 100.0 + 6.0
    assert len(np.unique(picked[:, 0] > picked[:, 1])) == 2
    flip = jnp.concatenate([jnp.full((50, 1), 0.5), uniform], axis=-1)
    other = jnp.full((2, 3), 200.0)
    dark, bright = (
        np.asarray(
            wardrobe.pick_either(
                table[None], other[None], flip, jnp.float32(share), 1.0
            )
        )
        for share in (0.0, 1.0)
    )
    np.testing.assert_allclose(dark, picked, rtol=1e-6)
    assert bright.min() > 60.0
