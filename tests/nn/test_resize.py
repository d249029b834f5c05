import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import resize


def box_average(image, out_hw):
    """The definition, pixel by pixel."""
    (h, w), (oh, ow) = image.shape[:2], out_hw
    out = np.zeros((oh, ow, image.shape[2]))
    for i in range(oh):
        for j in range(ow):
            total = 0.0
            for y in range(h):
                for x in range(w):
                    dy = min((i + 1) * h / oh, y + 1) - max(i * h / oh, y)
                    dx = min((j + 1) * w / ow, x + 1) - max(j * w / ow, x)
                    if dy > 0 and dx > 0:
                        out[i, j] += dy * dx * image[y, x]
                        total += dy * dx
            out[i, j] /= total
    return out


@pytest.mark.parametrize(
    ("in_hw", "out_hw"),
    [((12, 18), (4, 6)), ((11, 18), (4, 6)), ((9, 10), (6, 7)), ((40, 3), (2, 3))],
)
def test_area_is_the_mean_over_each_pixels_own_area(in_hw, out_hw):
    image = np.random.RandomState(0).randint(0, 256, (*in_hw, 3), dtype=np.uint8)
    expected = box_average(image, out_hw)
    for shrink in (resize.area, jax.jit(resize.area, static_argnums=1)):
        out = shrink(jnp.asarray(image), out_hw)
        assert out.dtype == jnp.float32
        np.testing.assert_allclose(out, expected, atol=1e-3)
    batched = resize.area(jnp.stack([jnp.asarray(image)] * 2)[None], out_hw)
    np.testing.assert_allclose(batched[0, 1], expected, atol=1e-3)


@pytest.mark.parametrize("in_hw", [(1080, 1920), (720, 1280)])
def test_area_equals_opencv_on_video_frames(in_hw):
    image = np.random.RandomState(1).randint(0, 256, (*in_hw, 3), dtype=np.uint8)
    ours = np.asarray(resize.area(image, (128, 320)))
    theirs = cv2.resize(image, (320, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(ours - theirs).max() <= 1.0
    # Beyond OpenCV's own rounding nothing is left.
    assert np.abs(ours - theirs).mean() < 0.3


def test_area_keeps_means_and_has_the_adjoint_of_a_mean_as_gradient():
    image = jnp.asarray(np.random.RandomState(2).rand(9, 10, 1), jnp.float32)
    np.testing.assert_allclose(
        resize.area(image, (4, 5)).mean(), image.mean(), rtol=1e-5
    )
    gradient = jax.grad(lambda x: resize.area(x, (4, 5)).sum())(image)
    np.testing.assert_allclose(gradient, 20 / 90, rtol=1e-5)


def test_repeat_enlarges_every_pixel_and_area_undoes_it():
    image = np.random.RandomState(3).rand(2, 3, 4, 5).astype(np.float32)
    large = resize.repeat(jnp.asarray(image), 2)
    np.testing.assert_array_equal(large, image.repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_allclose(resize.area(large, (3, 4)), image, rtol=1e-6)


def test_overlap_rows_are_shares():
    weights = resize.overlap(135, 16)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(weights.sum(axis=0), 16 / 135, rtol=1e-4)


def test_area_refuses_to_enlarge():
    with pytest.raises(ValueError, match="only shrinks"):
        resize.area(jnp.zeros((4, 4, 3)), (8, 2))


@pytest.mark.parametrize(
    "sizes", [((3, 4), (5, 10)), ((5, 3), (7, 8)), ((1, 6), (4, 3)), ((4, 4), (4, 4))]
)
def test_align_corners_interpolates_between_corners(sizes):
    in_hw, out_hw = sizes
    x = np.random.RandomState(0).randn(2, *in_hw, 3).astype(np.float32)

    def axis_at(size, out):
        return np.linspace(0, size - 1, out)

    rows, columns = (axis_at(n, m) for n, m in zip(in_hw, out_hw, strict=True))
    expected = np.apply_along_axis(
        lambda line: np.interp(rows, np.arange(in_hw[0]), line), 1, x
    )
    expected = np.apply_along_axis(
        lambda line: np.interp(columns, np.arange(in_hw[1]), line), 2, expected
    )
    for call in (resize.align_corners, jax.jit(resize.align_corners, static_argnums=1)):
        np.testing.assert_allclose(call(jnp.asarray(x), out_hw), expected, atol=1e-6)


def test_align_corners_by_a_whole_factor_equals_its_matrices():
    x = np.random.RandomState(1).randn(1, 4, 5, 2).astype(np.float32)
    rows, columns = resize.interpolation(4, 10), resize.interpolation(5, 9)
    np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-6)
    expected = np.einsum("oh,pw,bhwc->bopc", rows, columns, x)

    def weighted(x):
        out = resize.align_corners(x, (10, 9))
        return (out * jnp.asarray(expected, jnp.float32)).sum(), out

    grad, out = jax.grad(weighted, has_aux=True)(jnp.asarray(x))
    np.testing.assert_allclose(out, expected, atol=1e-6)
    adjoint = np.einsum("oh,pw,bopc->bhwc", rows, columns, expected)
    np.testing.assert_allclose(grad, adjoint, atol=1e-5)


def test_align_corners_in_half_precision_and_to_nothing():
    x = jnp.ones((1, 2, 2, 1), jnp.bfloat16)
    out = resize.align_corners(x, (3, 4))
    assert out.dtype == jnp.bfloat16
    np.testing.assert_array_equal(out.astype(jnp.float32), 1)
    with pytest.raises(ValueError, match=r"at least one pixel, got .0, 3."):
        resize.align_corners(x, (0, 3))
