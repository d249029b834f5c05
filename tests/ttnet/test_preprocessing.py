import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.ttnet import preprocessing


def frames(t, seed=0):
    shape = (2, t, 4, 5, 3)
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def test_mean_and_std_are_tiled_over_the_frames():
    # Repeating each value nine times gives the first three frames the mean of red.
    x = frames(9)
    out = np.asarray(preprocessing.Normalise().apply(jnp.asarray(x)))
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    for t in range(9):
        for colour in range(3):
            expected = (x[:, t, :, :, colour] / 255 - mean[colour]) / std[colour]
            np.testing.assert_allclose(out[..., 3 * t + colour], expected, atol=1e-5)


def test_stack_bytes_keeps_bytes_in_frame_major_order():
    x = frames(4)
    out = preprocessing.stack_bytes(jnp.asarray(x))
    assert out.dtype == jnp.uint8
    for t in range(4):
        np.testing.assert_array_equal(out[..., 3 * t : 3 * t + 3], x[:, t])


@pytest.mark.parametrize("t", [1, 2, 9, 64])
@pytest.mark.parametrize(
    "rule", [preprocessing.Normalise(), preprocessing.Whiten(gain=5.0)]
)
def test_matrix_and_offset_are_the_same_map_as_apply(rule, t):
    x = frames(t)
    stack = x.transpose(0, 2, 3, 1, 4).reshape(2, 4, 5, 3 * t).astype(np.float64)
    expected = stack @ rule.matrix(t).astype(np.float64) + rule.offset(t)
    np.testing.assert_allclose(rule.apply(jnp.asarray(x)), expected, atol=1e-4)


def test_whitening_keeps_what_stands_and_amplifies_what_moves():
    x = np.full((1, 3, 1, 1, 3), 100, np.uint8)
    still = preprocessing.Whiten().apply(jnp.asarray(x))
    plain = preprocessing.Whiten().normalise.apply(jnp.asarray(x))
    np.testing.assert_allclose(still, plain, atol=1e-6)
    x[0, 2] = 103
    moved = np.asarray(preprocessing.Whiten(gain=8.0).apply(jnp.asarray(x)))
    steps = (moved[..., 6:] - moved[..., :3]) * 0.25 * 255
    np.testing.assert_allclose(steps, 8 * 3, rtol=1e-4)
    # Invertible: the functions that can be learnt stay the same.
    assert np.linalg.matrix_rank(preprocessing.Whiten().matrix(9)) == 27
