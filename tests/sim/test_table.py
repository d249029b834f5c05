import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import camera, primitives, table
from ttjax.sim.draws import Uniforms


@pytest.fixture(scope="module")
def views():
    """A camera of every rig."""

    def draw(rig):
        draws = Uniforms(jax.random.key(2), 100)
        return camera.draw(draws, camera.SOURCE_HW, rig, jnp.float32(1.0))

    rigs = jnp.arange(len(camera.RIGS))
    drawn = jax.jit(jax.vmap(draw))(rigs)
    return [jax.tree.map(lambda leaf, k=k: leaf[k], drawn) for k in range(len(rigs))]


def test_a_line_of_sight_crosses_the_table_where_one_of_its_points_is_inside(views):
    points = np.asarray(
        jax.random.uniform(
            jax.random.key(0),
            (400, 3),
            minval=jnp.array([-2.2, -1.6, 0.0]),
            maxval=jnp.array([2.2, 1.6, 1.6]),
        )
    )
    run = jax.jit(table.behind_table)
    half = np.array([table.HALF_X, table.HALF_Y])
    share = np.linspace(0.0, 1.0, 4001)[:, None, None]
    for view in views:
        hidden = np.asarray(run(view, jnp.asarray(points)))
        way = points[None] - np.asarray(view.position_m)
        along = np.asarray(view.position_m) + share * way

        def inside(slack, along=along):
            flat = (np.abs(along[..., :2]) < half + slack).all(axis=-1)
            low, high = table.TOP_Z - table.APRON_M - slack, table.TOP_Z + slack
            return (flat & (along[..., 2] > low) & (along[..., 2] < high)).any(axis=0)

        # Up to the distance between two samples, which may miss an edge.
        assert (hidden | ~inside(-0.004)).all()
        assert (~hidden | inside(0.004)).all()
        assert 0.05 < hidden.mean() < 0.95


def test_beyond_the_net_is_the_other_half(views):
    points = jnp.array([[1.0, 0.0, 0.8], [-1.0, 0.0, 0.8]])
    for view in views:
        beyond = np.asarray(table.behind_net(view, points))
        assert beyond.sum() == 1
        assert beyond[0] == (float(view.position_m[0]) < 0.0)


def test_a_table_has_a_top_lines_and_a_net_whatever_the_camera(views):
    zero, one = jnp.zeros(()), jnp.ones(())
    palette = table.colours(Uniforms(jax.random.key(0), 20), one, zero)
    draw = jax.jit(lambda view: table.shapes(view, palette, jnp.float32(0.8)))
    planes = {name: primitives.PLANES.index(name) for name in primitives.PLANES}
    counts = set()
    for view in views:
        shapes = draw(view)
        value = np.asarray(shapes.value)
        counts.add(len(value))
        assert np.isfinite(np.asarray(shapes.geometry)).all()
        assert (value[:, planes["humans"]] == 0.0).all()
        is_table = value[:, planes["table"]] == primitives.SOLID
        is_net = value[:, planes["net"]] == primitives.SOLID
        assert is_table.sum() > 15
        assert is_net.sum() == 5
        # The box of the first plate is that of the projected corners of the top.
        corners = [
            (x * table.HALF_X, y * table.HALF_Y, table.TOP_Z)
            for x in (-1, 1)
            for y in (-1, 1)
        ]
        at = np.asarray(pinhole.project(view, jnp.array(corners, jnp.float32))[0])
        box = np.asarray(shapes.box)[is_table][0]
        np.testing.assert_allclose(box[:2], at.min(axis=0), atol=0.05)
        np.testing.assert_allclose(box[2:], at.max(axis=0), atol=0.05)
    assert len(counts) == 1


def test_struts_are_bars_of_their_own_width(views):
    ends = jnp.array([[[1.0, 0.0, 0.0], [1.0, 0.0, 0.7]]])
    value = primitives.material(jnp.zeros((1, 3)))
    shapes = table.struts(views[0], ends, jnp.array([0.05]), value)
    at, depth = pinhole.project(views[0], ends)
    wide = float(shapes.box[0, 2] - shapes.box[0, 0])
    lean = abs(float(at[0, 0, 0] - at[0, 1, 0]))
    expected = 0.1 * float(views[0].focal_px) / float(depth[0, 0]) + lean
    assert abs(wide - expected) < 0.15 * expected


def test_facing_sides_are_those_nearer_to_the_camera(views):
    for view in views:
        signs = [float(sign) for sign in table.facing(view)]
        np.testing.assert_array_equal(signs, np.sign(np.asarray(view.position_m)[:2]))
    assert len(table.BLUES) == 3
    assert min(min(c) for c in table.MORE + table.LEGS) >= 0
