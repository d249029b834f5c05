import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import camera, decor, furniture, primitives
from ttjax.sim.draws import Uniforms


@pytest.fixture(scope="module")
def draw():
    def run(key, rig, variety):
        draws = Uniforms(key, 700)
        view = camera.draw(draws, camera.SOURCE_HW, rig, variety)
        place = decor.place(draws, view, variety)
        shapes = furniture.hall(draws, view, place, jnp.float32(1.0), variety)
        return view, place, shapes

    compiled = jax.jit(run)

    def one(seed, rig=0, variety=0.0):
        return compiled(jax.random.key(seed), jnp.int32(rig), jnp.float32(variety))

    return one


def test_a_hall_has_a_scoreboard_that_shows_digits_and_an_umpire(draw):
    for rig in range(len(camera.RIGS)):
        _, _, shapes = draw(0, rig)
        value, alpha = np.asarray(shapes.value), np.asarray(shapes.alpha)
        assert np.isfinite(np.asarray(shapes.geometry)).all()
        board = value[:, primitives.PLANES.index("scoreboard")] == primitives.SOLID
        assert (board & (alpha > 0)).sum() >= 5 + 4 * 2
        umpire = value[:, primitives.PLANES.index("humans")] == primitives.SOLID
        assert umpire.sum() == 8
        assert (value[:, primitives.PLANES.index("table")] == 0.0).all()
    shown = {tuple(np.asarray(draw(k)[2].alpha)[board]) for k in range(5)}
    assert len(shown) > 1


def test_the_scoreboard_is_turned_to_the_camera(draw):
    for rig in range(len(camera.RIGS)):
        for seed in range(4):
            view, _, shapes = draw(seed, rig)
            board = np.asarray(shapes.value)[:, -1] == primitives.SOLID
            box = np.asarray(shapes.box)[board][0]
            wide, tall = box[2] - box[0], box[3] - box[1]
            distance = np.linalg.norm(np.asarray(view.position_m) - [0, 2.7, 0.9])
            assert wide > 0.08 * float(view.focal_px) / distance
            assert tall > 0.03 * float(view.focal_px) / distance


def test_digits_differ():
    assert len({tuple(row) for row in furniture.SEGMENTS}) == 10
    assert furniture.SEGMENT_BOXES.shape == (7, 4)
    corners = np.zeros((4, 3), np.float32)
    assert furniture.Panel(corners, "line", "desk").shown == 0


def test_tapered_things_are_as_wide_as_they_are_told(draw):
    view, _, _ = draw(0)
    ends = jnp.array([[[0.0, 0.0, 0.5], [0.0, 0.0, 0.9]]])
    shapes = furniture.tapered(view, ends, np.array([[0.1, 0.3]]), jnp.ones((1, 3)))
    at, depth = pinhole.project(view, ends)
    wide = float(shapes.box[0, 2] - shapes.box[0, 0])
    expected = 0.6 * float(view.focal_px) / float(depth[0, 1])
    assert abs(wide - expected) < 0.02 * expected
    assert abs(float(shapes.box[0, 1]) - float(at[0, 1, 1])) < 2.0
