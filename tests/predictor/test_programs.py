import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import brightest
from ttjax.media import nv12
from ttjax.predictor import programs
from ttjax.predictor.network import Network

HW = (24, 36)


@pytest.fixture(scope="module")
def network():
    return Network.of(brightest.Task(), brightest.VARIABLES)


def test_a_shape_says_what_a_frame_is():
    assert programs.Shape(HW).frame == (24, 36, 3)
    assert programs.Shape(HW, nv12.BT601).frame == (36, 36)
    with pytest.raises(ValueError, match="even h and w"):
        programs.Shape((24, 35), nv12.BT601).check()


def test_programs_are_compiled_ahead_and_once(network):
    made = programs.StreamPrograms(network, programs.Shape(HW))
    frames, xy = brightest.video(4)
    on_device = [jnp.asarray(frame)[None] for frame in frames]
    state = made.start(on_device[0])
    state = made.advance(state, on_device[1])
    state = made.advance(state, on_device[2])
    step = made.step(masks=False)
    assert made.step(masks=False) is step
    state, found = step(network.variables, state, on_device[3])
    np.testing.assert_allclose(found.xy_px[0], xy[3])
    with pytest.raises(ValueError, match="8 x 12 px, got 6 x 36"):
        programs.StreamPrograms(network, programs.Shape((6, 36)))


def test_windows_hand_on_what_the_next_ones_need(network):
    frames, xy = brightest.video(8)
    on_device = jnp.asarray(frames)
    tail = programs.seen(network, on_device[:2])
    run = jax.jit(
        lambda variables, tail, frames: programs.windows(
            network, variables, tail, frames, masks=False
        )
    )
    found = []
    for first in (2, 5):
        tail, part = run(network.variables, tail, on_device[first : first + 3])
        found.extend(np.asarray(part.xy_px))
    np.testing.assert_allclose(found, xy[2:])
    np.testing.assert_array_equal(tail[1], frames[6:])
