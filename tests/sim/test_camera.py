import jax
import jax.numpy as jnp
import numpy as np

from ttjax.geometry import camera as pinhole
from ttjax.geometry import fields_of_play as field
from ttjax.sim import camera
from ttjax.sim.draws import Uniforms


def _corners(seed, source_hw):
    drawn = camera.draw(Uniforms(jax.random.key(seed), 8), source_hw)
    x, y = field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2
    corners = jnp.array([[-x, -y], [-x, y], [x, y], [x, -y]])
    corners = jnp.concatenate([corners, jnp.full((4, 1), 0.76)], axis=1)
    return np.asarray(pinhole.project(drawn, corners)[0])


def test_the_table_stands_where_it_stands_in_real_side_views():
    # Ranges over the public clips of OpenTTGames, widened by 60 px.
    low = np.array([[230, 480], [440, 400], [1190, 400], [1310, 570]])
    high = np.array([[520, 850], [690, 700], [1440, 700], [1600, 850]])
    for seed in range(12):
        corners = _corners(seed, camera.SOURCE_HW)
        assert (corners > low).all(), corners
        assert (corners < high).all(), corners


def test_another_frame_size_sees_the_same():
    np.testing.assert_allclose(
        _corners(1, (540, 960)) * 2, _corners(1, camera.SOURCE_HW), atol=0.01
    )
