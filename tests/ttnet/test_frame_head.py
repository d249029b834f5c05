import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.ttnet import config as configs
from ttjax.ttnet import encoders, frame_head

RATES = (0.011, 0.017)


@pytest.fixture(scope="module")
def head():
    module = frame_head.EveryFrame(channels=4, line_channels=6).build(
        frames=3,
        hw=(64, 96),
        base_rate=RATES,
        width=1.0,
        dropout=0.5,
        dtype=jnp.float32,
    )
    assert isinstance(module, frame_head.EveryFrameHead)
    random = np.random.RandomState(0)
    maps = {
        encoders.FRAMES: jnp.asarray(random.randn(2, 3, 16, 24, 5), jnp.float32),
        4: jnp.asarray(random.randn(2, 16, 24, 7), jnp.float32),
        32: jnp.asarray(random.randn(2, 2, 3, 8), jnp.float32),
    }
    out, variables = jax.jit(module.init_with_output)(jax.random.key(0), maps)
    return jax.jit(module.apply), variables, maps, out


def test_every_frame_gets_columns_and_rows_near_the_base_rate(head):
    _, _, _, out = head
    assert out.x.shape == (2, 3, 96)
    assert out.y.shape == (2, 3, 64)
    for logits, rate in ((out.x, RATES[0]), (out.y, RATES[1])):
        assert logits.dtype == jnp.float32
        np.testing.assert_allclose(jax.nn.sigmoid(logits).mean(), rate, rtol=0.3)


def test_frames_share_their_weights_and_so_swap_with_their_maps(head):
    run, variables, maps, _ = head
    # Without the maps of the whole stack no frame is special.
    alone = maps | {4: jnp.zeros_like(maps[4]), 32: jnp.zeros_like(maps[32])}
    order = jnp.array([2, 0, 1])
    turned = alone | {encoders.FRAMES: alone[encoders.FRAMES][:, order]}
    straight, swapped = run(variables, alone), run(variables, turned)
    assert np.ptp(straight.x, axis=1).max() > 1e-4
    np.testing.assert_allclose(swapped.x, straight.x[:, order], atol=1e-5)
    np.testing.assert_allclose(swapped.y, straight.y[:, order], atol=1e-5)


def test_the_maps_of_the_whole_stack_tell_frames_apart(head):
    run, variables, maps, out = head
    alone = maps | {4: jnp.zeros_like(maps[4]), 32: jnp.zeros_like(maps[32])}
    assert np.abs(run(variables, alone).x - out.x).max(axis=(0, 2)).min() > 1e-4


@pytest.mark.parametrize(
    "fields",
    [
        {"event_ball": False},
        {"encoder": encoders.VGG()},
        {"encoder": encoders.Nano(frame_channels=0)},
    ],
)
def test_it_needs_maps_of_each_frame_and_answers_for_each(fields):
    with pytest.raises(ValueError, match="`EveryFrame` needs maps of each frame"):
        configs.nano(ball_head=frame_head.EveryFrame(), **fields)
