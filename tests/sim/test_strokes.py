import functools

import jax
import jax.numpy as jnp
import numpy as np

from ttjax.sim import physics, strokes
from ttjax.sim.physics import Physics


@functools.cache
def _flights(frames=110):
    def run(ball):
        def body(ball, _):
            ball, contacts = physics.step(Physics(), ball, 1 / 120)
            return ball, (ball.position, contacts)

        return jax.lax.scan(body, ball, None, length=frames)[1]

    return jax.jit(jax.vmap(run))


def _first_bounce(position, contacts):
    happened = np.asarray(contacts.table_speed > 0)
    first = happened.argmax(axis=1)
    x = np.asarray(position)[np.arange(len(first)), first, 0]
    return np.where(happened.any(axis=1), x, np.nan), first


def test_most_drives_land_on_the_other_half_from_either_side():
    uniform = jax.random.uniform(jax.random.key(0), (200, 8))
    for side in (-1.0, 1.0):
        start = jnp.array([side * 1.6, 0.1, 0.95])
        draw = jax.vmap(
            lambda u, s=side, p=start: strokes.drive(Physics(), p, jnp.float32(s), u)
        )
        position, contacts = _flights()(draw(uniform))
        x, _ = _first_bounce(position, contacts)
        assert (x * side < 0).mean() > 0.65
        assert 0.02 < np.asarray(contacts.touch).any(axis=1).mean() < 0.4


def test_a_serve_bounces_on_the_own_half_then_on_the_other():
    uniform = jax.random.uniform(jax.random.key(1), (200, 8))
    for side in (-1.0, 1.0):
        draw = jax.vmap(lambda u, s=side: strokes.serve(Physics(), jnp.float32(s), u))
        position, contacts = _flights()(draw(uniform))
        own, first = _first_bounce(position, contacts)
        assert (own * side > 0).mean() > 0.95
        later = np.array(contacts.table_speed > 0)
        later[np.arange(200), first] = False
        second = later.argmax(axis=1)
        x = np.asarray(position)[np.arange(200), second, 0]
        assert (later.any(axis=1) & (x * side < 0)).mean() > 0.65
