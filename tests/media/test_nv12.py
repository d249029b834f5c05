import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.media import nv12


@pytest.fixture(scope="module")
def frame():
    """Smooth, with every colour."""
    y, x = np.mgrid[:24, :32] / 32
    colours = np.stack([x, y, (1 - x) * (1 - y)], axis=-1)
    return (255 * colours).astype(np.uint8)


def test_colours_are_those_of_opencv(frame):
    import cv2

    planes = nv12.pack(frame, nv12.BT601)
    want = cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_NV12)
    found = np.asarray(jax.jit(nv12.rgb, static_argnums=1)(planes, nv12.BT601))
    assert np.abs(found.astype(int) - want).max() <= 1


@pytest.mark.parametrize("matrix", [nv12.BT601, nv12.BT709])
def test_what_is_packed_comes_back(frame, matrix):
    """As far as chroma of 2 x 2 pixels can tell it."""
    even = frame[::2, ::2].repeat(2, 0).repeat(2, 1)
    back = np.asarray(nv12.rgb(jnp.asarray(nv12.pack(even, matrix)), matrix))
    assert np.abs(back.astype(int) - even).max() <= 3


@pytest.mark.parametrize(
    ("rgb", "luma"), [((255, 255, 255), 235), ((0, 0, 0), 16), ((0, 255, 0), 173)]
)
def test_levels_are_those_of_the_standard(rgb, luma):
    """BT.709: white, black, and green's share of .7152."""
    planes = nv12.pack(np.full((2, 2, 3), rgb, np.uint8))
    assert planes.shape == (3, 2)
    assert np.all(planes[:2] == luma)


def test_a_matrix_is_the_shares_of_luma():
    assert nv12.Matrix(0.299, 0.114) == nv12.BT601
    planes = nv12.pack(np.full((2, 2, 3), (255, 0, 0), np.uint8), nv12.BT601)
    assert planes[0, 0] == round(16 + 219 * 0.299)


def test_batches_are_frames_one_by_one(frame):
    planes = jnp.asarray(np.stack([nv12.pack(frame), nv12.pack(frame[::-1])]))
    both = nv12.rgb(planes)
    for row, alone in zip(both, planes, strict=True):
        np.testing.assert_array_equal(row, nv12.rgb(alone))


def test_odd_sizes_are_refused(frame):
    with pytest.raises(ValueError, match="even h and w, got 36 x 31"):
        nv12.pack(frame[:, :31])
    with pytest.raises(ValueError, match="got 23 x 32"):
        nv12.pack(frame[:23])
    with pytest.raises(ValueError, match="got 35 x 32"):
        nv12.rgb(jnp.zeros((35, 32), jnp.uint8))
    nv12.check((36, 32))
