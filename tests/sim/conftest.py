import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import ClipSpec, Window
from ttjax.sim import actors, rally, raster, render, sample, scene
from ttjax.sim import camera as rigs

SOURCE_HW = (1080, 1920)
"""Of the pictures below."""
STEPS = 1200
"""Of each of four plays."""


@pytest.fixture(scope="session")
def draw_scene():
    """Compiled once: a key, and what else a hall may be, to a hall."""
    run = jax.jit(
        lambda key, hw, rig, variety, fps: scene.draw(key, hw, rig, variety, (fps, fps))
    )

    def draw(key, *, source_hw=SOURCE_HW, rig="side", variety=0.0, fps=120.0):
        return run(
            key,
            jnp.array(source_hw, jnp.int32),
            jnp.int32(rigs.RIGS.index(rig)),
            jnp.float32(variety),
            jnp.float32(fps),
        )

    return draw


@pytest.fixture(scope="session")
def hall_scene(draw_scene):
    return draw_scene(jax.random.key(3))


@pytest.fixture(scope="session")
def quiet(hall_scene):
    """The hall without noise, seen without exposure."""
    zero = jnp.zeros(())
    film = dataclasses.replace(hall_scene.film, noise=zero, flicker=zero)
    return dataclasses.replace(hall_scene, film=film)


@pytest.fixture(scope="session")
def plays():
    """Four plays of ten seconds."""
    keys = jax.random.split(jax.random.key(1), 4)
    return jax.jit(jax.vmap(lambda key: rally.simulate(key, STEPS)))(keys)


@pytest.fixture(scope="session")
def play(plays):
    return jax.tree.map(lambda leaf: leaf[0], plays)


@pytest.fixture(scope="session")
def see():
    """Compiled once: a scene, a play and numbers of nine frames to moments."""
    run = jax.jit(actors.moments)
    return lambda scene, play, numbers: run(scene, play, jnp.asarray(numbers))


@pytest.fixture(scope="session")
def act():
    """Compiled once: a scene, a moment, its number to shapes and label."""
    run = jax.jit(lambda s, m, n, ball: actors.act(s, m, n, ball=ball))
    return lambda scene, moment, number, ball=1.0: run(
        scene, moment, jnp.int32(number), jnp.float32(ball)
    )


@pytest.fixture(scope="session")
def number(hall_scene, play, see):
    """Number of a frame with a fast ball in play over the table, far from its ends."""
    numbers = np.arange(0, 1080)
    found = see(hall_scene, play, numbers)
    path = np.asarray(found.path_m)
    speed = np.linalg.norm(path[:, 2] - path[:, 0], axis=-1)
    fast = speed / float(hall_scene.film.exposure_s) > 4.0
    fast &= np.asarray(found.phase) == rally.PLAY
    fast &= (np.abs(path[:, 1, 0]) < 0.7) & (path[:, 1, 2] > 0.85)
    return int(numbers[fast][0])


@pytest.fixture(scope="session")
def moment(hall_scene, play, see, number):
    """That frame."""
    found = see(hall_scene, play, np.arange(0, 1080))
    return jax.tree.map(lambda leaf: leaf[number], found)


@pytest.fixture(scope="session")
def paint_frame():
    """Compiled once per view: planes, picture and masks of one frame."""
    compiled = {}

    def run(view, scene, shapes, number, origin=(0, 0), step=(1.0, 1.0)):
        if view not in compiled:

            def picture(scene, shapes, number, origin, step):
                still = render.static(scene, view, origin, step)
                planes = render.frame(scene, still, shapes, number, view)
                image = render.expose(scene, still, planes, number, view)
                return planes, image, render.masks(planes)

            compiled[view] = jax.jit(picture)
        made = compiled[view](
            scene,
            shapes,
            jnp.int32(number),
            jnp.array(origin, jnp.int32),
            jnp.array(step, jnp.float32),
        )
        return tuple(np.asarray(part) for part in made)

    return run


@pytest.fixture(scope="session")
def window():
    """A window of the source frame that may be shaken."""
    return raster.crop((96, 160), tiled=True, shaken=True)


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
    """A source frame of a quarter of the size, two stacks of each rally."""
    return sample.Hall(sizes=((270, 480),), stacks_per_hall=2)
