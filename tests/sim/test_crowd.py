import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ttjax.sim import crowd
from ttjax.sim.draws import Uniforms


@jax.jit
def _drawn(key, variety):
    return crowd.draw(Uniforms(key, 4), jnp.float32(1.0), variety)


def _full(tiers):
    someone: crowd.Crowd = _drawn(jax.random.key(0), jnp.float32(1.0))
    return dataclasses.replace(someone, full=jnp.float32(2.0), tiers=jnp.float32(tiers))


def test_nobody_comes_without_variety_and_some_halls_are_full_with_it():
    keys = [jax.random.key(k) for k in range(30)]
    assert max(float(_drawn(key, jnp.float32(0.0)).tiers) for key in keys) == 0.0
    tiers = [float(_drawn(key, jnp.float32(1.0)).tiers) for key in keys]
    assert 0.0 in tiers
    assert max(tiers) <= crowd.TIERS
    assert len(set(tiers)) > 2


def test_heads_are_above_shoulders_and_hair_on_top():
    along, height = jnp.meshgrid(
        jnp.linspace(0.0, 4.0, 200), jnp.linspace(0.0, 3.0, 150), indexing="xy"
    )
    soft = jnp.full_like(along, 0.01)
    run = jax.jit(crowd.seats)
    person, there, head, hair = (
        np.asarray(v) for v in run(_full(1.0), along, height, soft)
    )
    z = np.asarray(height)
    assert (there[z > crowd.FIRST_M + 0.45] == 0.0).all()
    assert len(np.unique(person)) > 5
    on_head = (there > 0.5) & (head > 0.5)
    on_body = (there > 0.5) & (head < 0.5)
    assert z[on_head].mean() > z[on_body].mean()
    assert z[on_head & (hair > 0.5)].mean() > z[on_head & (hair < 0.5)].mean()
    more = np.asarray(run(_full(3.0), along, height, soft)[1])
    assert more.mean() > there.mean()
    assert (np.asarray(run(_full(0.0), along, height, soft)[1]) == 0.0).all()
    assert crowd.RISE_M < crowd.SEAT_M


def test_a_channel_is_that_of_what_is_seen():
    someone = _full(1.0)
    bits = jnp.full((1, 3), 2**32 - 1, jnp.uint32)
    head = jnp.array([[0.0, 1.0, 1.0]])
    hair = jnp.array([[0.0, 0.0, 1.0]])
    face = jnp.float32(crowd.FACE[0])
    shift = jnp.uint32(crowd.SHIFTS[0])
    seen = crowd.channel(someone, face, shift, bits, head, hair)
    expected = float(someone.dim) * np.array([[170.0, crowd.FACE[0], 84.0]])
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
