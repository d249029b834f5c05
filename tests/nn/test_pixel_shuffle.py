import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import pixel_shuffle


def test_space_to_depth_orders_channels_by_row_column_channel():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    out = np.asarray(pixel_shuffle.space_to_depth(jnp.asarray(x), 2))
    for dy in range(2):
        for dx in range(2):
            for c in range(3):
                np.testing.assert_array_equal(
                    out[..., (2 * dy + dx) * 3 + c], x[:, dy::2, dx::2, c]
                )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_depth_to_space_inverts_space_to_depth(dtype):
    x = np.random.RandomState(0).randint(0, 256, (2, 8, 12, 5)).astype(dtype)
    deep = pixel_shuffle.space_to_depth(jnp.asarray(x), 4)
    assert deep.dtype == dtype
    np.testing.assert_array_equal(pixel_shuffle.depth_to_space(deep, 4), x)


def test_depth_to_line_interleaves_sub_positions():
    x = jnp.arange(2 * 3 * 8).reshape(2, 3, 8)
    out = pixel_shuffle.depth_to_line(x, 4)
    for sub in range(4):
        np.testing.assert_array_equal(out[:, sub::4], x[..., 2 * sub : 2 * sub + 2])


def test_sizes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiples of the patch size 2, got 3x4"):
        pixel_shuffle.space_to_depth(jnp.zeros((1, 3, 4, 1)), 2)
    with pytest.raises(ValueError, match="multiple of 4 channels, got 6"):
        pixel_shuffle.depth_to_space(jnp.zeros((1, 2, 2, 6)), 2)
    with pytest.raises(ValueError, match="multiple of 4 channels, got 6"):
        pixel_shuffle.depth_to_line(jnp.zeros((1, 2, 6)), 4)


def test_channels_in_pytorchs_order_find_their_places():
    c, factor = 3, 2
    channels = np.arange(c * factor**2)
    x = jnp.asarray(np.broadcast_to(channels, (1, 2, 3, len(channels))))
    out = pixel_shuffle.depth_to_space_by_channel(x, factor)
    for row, column, channel in np.ndindex(4, 6, c):
        place = factor * (row % factor) + column % factor
        assert out[0, row, column, channel] == channel * factor**2 + place
    with pytest.raises(ValueError, match="multiple of 4 channels, got 3"):
        pixel_shuffle.depth_to_space_by_channel(x[..., :3], 2)
