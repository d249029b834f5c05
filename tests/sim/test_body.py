import jax
import jax.numpy as jnp
import numpy as np

from ttjax.geometry import camera as pinhole
from ttjax.sim import body


def test_a_player_reaches_for_the_ball_and_stands_on_the_floor(hall_scene):
    view = hall_scene.camera
    root, hand = jnp.array([1.8, 0.2]), jnp.array([1.5, -0.05, 1.0])
    colours = jnp.full((len(body.LOOKS), 3), 90.0)
    draw = jax.jit(
        lambda hand: body.player(
            view,
            root,
            hand,
            jnp.float32(1.0),
            jnp.float32(0.4),
            colours,
            height=jnp.float32(1.0),
        )
    )
    shapes = draw(hand)
    assert shapes.alpha.shape == (body.PLAYER_SHAPES,)
    assert bool(jnp.isfinite(shapes.geometry).all())
    at = np.asarray(pinhole.project(view, hand[None])[0][0])
    forearm_ends = np.asarray(shapes.geometry)[:, 2:4]
    assert np.linalg.norm(forearm_ends - at, axis=1).min() < 5.0
    feet = np.asarray(pinhole.project(view, jnp.array([[1.8, 0.2, 0.0]]))[0][0])
    assert abs(np.asarray(shapes.box)[:, 3].max() - feet[1]) < 90.0
    far = draw(jnp.array([-3.0, 0.0, 1.0]))
    assert bool(jnp.isfinite(far.geometry).all())


def test_an_official_sits_at_the_seat(hall_scene):
    colours = jnp.full((len(body.LOOKS), 3), 90.0)
    seat = jnp.array([0.0, 2.8, 0.62])
    shapes = body.official(hall_scene.camera, seat, colours)
    at = np.asarray(pinhole.project(hall_scene.camera, seat[None])[0][0])
    box = np.asarray(shapes.box)
    assert box[:, 0].min() < at[0] < box[:, 2].max()
    assert box[:, 1].min() < at[1]
