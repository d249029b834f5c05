import jax
import numpy as np

from ttjax.sim import furniture, primitives
from ttjax.sim.draws import Uniforms


def test_a_hall_has_table_net_and_a_scoreboard_that_shows_digits(hall_scene):
    draw = jax.jit(
        lambda key: furniture.hall(Uniforms(key, 400), hall_scene.camera, 1.0)
    )
    shapes = draw(jax.random.key(0))
    value = np.asarray(shapes.value)
    for name in ("table", "net", "scoreboard"):
        assert (value[:, primitives.PLANES.index(name)] == primitives.SOLID).any()
    assert np.isfinite(np.asarray(shapes.geometry)).all()
    other = draw(jax.random.key(1))
    assert (np.asarray(other.alpha) != np.asarray(shapes.alpha)).any()


def test_digits_differ():
    assert len({tuple(row) for row in furniture.SEGMENTS}) == 10
    assert furniture.SEGMENT_BOXES.shape == (7, 4)
    corners = np.zeros((4, 3), np.float32)
    assert furniture.Panel(corners, "line").shown == 0
