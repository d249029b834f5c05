import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import brightest
from ttjax.predictor import ring
from ttjax.samples import Window


@pytest.mark.parametrize("window", [Window(1), Window(3), Window(4, stride=2)], ids=str)
@pytest.mark.parametrize("canvas", [True, False])
def test_a_ring_holds_the_last_frames_in_order(window, canvas):
    """Against a list that grows."""
    sample = brightest.Task(brightest.Config(window, canvas=canvas)).sample
    videos = np.stack([brightest.video(11, seed=seed)[0] for seed in (0, 1)], axis=1)
    frames = jnp.asarray(videos)
    state = ring.full_of(sample, frames[0])
    assert isinstance(state, ring.Ring)
    seen = [videos[0]] * window.span
    push = jax.jit(lambda state, frame: ring.pushed(state, sample, frame))
    for number in range(1, 11):
        state = push(state, frames[number])
        seen.append(videos[number])
        last = np.stack(seen[-window.span :: window.stride], axis=1)
        views, pool = ring.window_of(state, window)
        b, t = last.shape[:2]
        want = sample.view(jnp.asarray(last.reshape(b * t, *last.shape[2:])))
        np.testing.assert_array_equal(views.reshape(want.shape), want)
        assert (pool is not None) == canvas
        if pool is not None:
            np.testing.assert_array_equal(pool.pixels[pool.at], last)
