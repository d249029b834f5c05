import functools

import jax
import pytest

from ttjax.samples import ClipSpec, Window
from ttjax.sim import rally, sample, scene

FPS = 120.0
SOURCE_HW = (1080, 1920)


@pytest.fixture(scope="session")
def draw_scene():
    """Compiled once: a key to a hall."""
    return jax.jit(lambda key: scene.draw(key, SOURCE_HW))


@pytest.fixture(scope="session")
def hall_scene(draw_scene):
    return draw_scene(jax.random.key(3))


@pytest.fixture(scope="session")
def play():
    """4,800 frames of 4 rallies."""
    simulate = functools.partial(rally.simulate, frames=1200, fps=FPS)
    keys = jax.random.split(jax.random.key(1), 4)
    return jax.jit(jax.vmap(lambda key: simulate(key)))(keys)


@pytest.fixture(scope="session")
def moment(play):
    """A frame of play with a fast ball over the table."""
    fast = (play.phase == rally.PLAY) & (abs(play.ball_m[..., 0]) < 0.7)
    fast &= abs(play.velocity_m_s[..., 0]) > 4.0
    row, column = (int(index[0]) for index in fast.nonzero())
    return jax.tree.map(lambda leaf: leaf[row, column], play)


@pytest.fixture(scope="session")
def spec():
    return ClipSpec(
        window=Window(3),
        frame_hw=(48, 96),
        canvas_hw=(48, 96),
        events=("bounce", "net"),
        masks=("table", "humans", "scoreboard"),
    )


@pytest.fixture(scope="session")
def small_hall():
    """A source frame of a quarter of the size."""
    return sample.Hall(source_hw=(270, 480))
