import jax
import numpy as np

from ttjax.sim import scene


def test_halls_differ_and_every_colour_can_be_shown(
    hall_scene: scene.Scene, draw_scene
):
    other = draw_scene(jax.random.key(4))
    told = jax.eval_shape(scene.draw, jax.random.key(4))
    assert told.static.alpha.shape == other.static.alpha.shape
    for name in ("curtain", "people", "seed", "distractors"):
        ours, theirs = (np.asarray(getattr(s, name)) for s in (hall_scene, other))
        assert (ours != theirs).any(), name
    for made in (hall_scene, other):
        for name in ("curtain", "floor", "people", "ball_colour"):
            values = np.asarray(getattr(made, name))
            assert (values >= 0).all()
            assert (values < 300).all()
        assert 0.1 < float(made.exposure) < 0.6
        assert made.distractors.shape == (scene.DISTRACTORS, 7)
        assert made.curtain_knots.shape == scene.CURTAIN_KNOTS
        assert made.floor_knots.shape == scene.FLOOR_KNOTS
        assert len(made.people) == 2
    assert len(scene.WARDROBE) == 7
    assert len(scene.CURTAINS) == len(scene.FLOORS) == 10
