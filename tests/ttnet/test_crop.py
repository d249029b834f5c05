import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import FramePool
from ttjax.ttnet import crop
from ttjax.ttnet.arrays import BallLogits

CANVAS_HW, CROP_HW = (12, 20), (4, 6)


def origin(centre, canvas_xy=(0, 0)):
    return crop.origin(
        jnp.array([centre], jnp.float32),
        jnp.array([canvas_xy], jnp.int32),
        canvas_hw=CANVAS_HW,
        crop_hw=CROP_HW,
    )[0].tolist()


@pytest.fixture(scope="module")
def canvas():
    shape = (9, 3, *CANVAS_HW, 3)
    return np.random.RandomState(0).randint(0, 256, shape, dtype=np.uint8)


def test_the_crop_is_centred_where_there_is_room():
    # The centre of pixel 10 is 10.5; a crop of 6 around it spans 8 to 14 (or 7 to 13).
    assert origin((10.0, 6.0)) == [7, 4]
    assert origin((10.4, 6.4)) == [7, 4]
    assert origin((10.5, 6.6)) == [8, 5]


@pytest.mark.parametrize(
    ("centre", "corner"),
    [
        ((-500.0, -500.0), [0, 0]),
        ((0.0, 6.0), [0, 4]),
        ((19.9, 11.9), [14, 8]),
        ((1e30, -1e30), [14, 0]),
    ],
)
def test_the_crop_stays_inside_the_canvas(centre, corner):
    assert origin(centre) == corner
    shifted = (centre[0] + 100, centre[1] + 50)
    assert origin(shifted, canvas_xy=(100, 50)) == [corner[0] + 100, corner[1] + 50]


def test_a_canvas_smaller_than_the_crop_is_refused():
    with pytest.raises(
        ValueError, match=r"4x6 pixels is cut .* only 3x20: give larger"
    ):
        crop.origin(
            jnp.zeros((1, 2)),
            jnp.zeros((1, 2), jnp.int32),
            canvas_hw=(3, 20),
            crop_hw=CROP_HW,
        )


@pytest.mark.parametrize("ring", [False, True])
def test_the_crop_is_numpys_slice_at_every_border(canvas, ring):
    xs, ys = np.meshgrid([0, 5, 14], [0, 3, 8])
    corners = np.stack([xs.ravel(), ys.ravel()], axis=-1).astype(np.int32)
    whole = jnp.asarray(canvas)
    given = whole
    if ring:
        b, t, *size = whole.shape
        at = jnp.arange(b * t, dtype=jnp.int32).reshape(b, t)
        given = FramePool(whole.reshape(b * t, *size), at)
    assert crop.canvas_size(given) == CANVAS_HW
    cut = jax.jit(crop.cut, static_argnums=2)(given, jnp.asarray(corners), CROP_HW)
    assert cut.dtype == jnp.uint8
    for index, (x, y) in enumerate(corners):
        np.testing.assert_array_equal(
            cut[index], canvas[index, :, y : y + CROP_HW[0], x : x + CROP_HW[1]]
        )


def test_the_balls_centre_is_that_of_the_highest_bins_in_source_pixels():
    x, y = np.zeros((2, 1, 320), np.float32), np.zeros((2, 1, 128), np.float32)
    x[0, 0, 0] = y[0, 0, 127] = 1
    x[1, 0, 160] = y[1, 0, 10] = -0.5  # not the highest
    x[1, 0, 77] = y[1, 0, 33] = 0.5
    source_hw = jnp.array([[1080, 1920], [720, 1280]], jnp.int32)
    centre = crop.ball_centre(BallLogits(jnp.asarray(x), jnp.asarray(y)), source_hw)
    np.testing.assert_allclose(
        centre,
        [[0.5 * 6, 127.5 * 8.4375], [77.5 * 4, 33.5 * 5.625]],
        rtol=1e-6,
    )


def test_no_gradient_flows_through_the_place_of_the_crop():
    def loss(x):
        logits = BallLogits(x, x)
        return crop.ball_centre(logits, jnp.full((1, 2), 100, jnp.int32)).sum()

    x = jnp.asarray(np.random.RandomState(0).randn(1, 1, 10), jnp.float32)
    np.testing.assert_array_equal(jax.grad(loss)(x), 0)
