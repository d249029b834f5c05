import jax
import jax.numpy as jnp
import pytest
from jax import lax

from ttjax.nn import blocks, cost


def spec(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def convolve(x, kernel, stride=1, padding="SAME"):
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def test_parameters_counts_numbers():
    assert cost.parameters({"a": spec(2, 3), "b": [spec(4), spec()]}) == 11


def test_products_count_once_per_multiply_accumulate():
    assert cost.macs(jnp.matmul, spec(2, 3, 5), spec(5, 7)) == 2 * 3 * 5 * 7
    assert cost.macs(lambda x: jnp.einsum("bi,bj->ij", x, x), spec(4, 5)) == 4 * 25
    assert cost.macs(lambda x: jnp.tanh(x) * 3, spec(4, 5)) == 0


def test_convolutions_count_outputs_times_taps():
    x, kernel = spec(2, 8, 6, 3), spec(3, 3, 3, 5)
    assert cost.macs(convolve, x, kernel) == 2 * 8 * 6 * 9 * 3 * 5
    strided = cost.macs(lambda x, k: convolve(x, k, stride=2), x, kernel)
    assert strided == 2 * 4 * 3 * 9 * 3 * 5


def test_what_is_cropped_at_once_does_not_count():
    x, kernel = spec(1, 8, 6, 3), spec(3, 3, 3, 5)
    cropped = cost.macs(lambda x, k: convolve(x, k)[:, 1:-1, 1:-1], x, kernel)
    assert cropped == cost.macs(lambda x, k: convolve(x, k, padding="VALID"), x, kernel)
    whole = cost.macs(
        lambda x, k: (y := convolve(x, k))[:, 1:-1, 1:-1].sum() + y.sum(), x, kernel
    )
    assert whole == 8 * 6 * 9 * 15


def test_transposed_convolutions_count_real_pixels():
    layer = blocks.TransposedConv(5)
    variables = jax.eval_shape(layer.init, jax.random.key(0), spec(1, 4, 6, 3))
    assert cost.macs(layer.apply, variables, spec(1, 4, 6, 3)) == 4 * 6 * 9 * 15


def test_loops_branches_and_nested_functions_are_walked():
    def scan(x, y):
        return lax.scan(lambda c, _: (jax.jit(jnp.matmul)(c, y), None), x, length=7)[0]

    assert cost.macs(scan, spec(2, 3), spec(3, 3)) == 7 * 2 * 9

    def branch(x, y):
        return lax.cond(x.sum() > 0, lambda: x @ y, lambda: x @ y)

    assert cost.macs(branch, spec(2, 3), spec(3, 3)) == 18

    def loop(x, y):
        return lax.while_loop(lambda c: c.sum() > 0, lambda c: c @ y, x)

    with pytest.raises(ValueError, match="write it as a `scan`"):
        cost.macs(loop, spec(2, 3), spec(3, 3))


def test_scopes_name_flax_modules():
    block = blocks.ConvBlock(5)
    variables = jax.eval_shape(block.init, jax.random.key(0), spec(1, 4, 6, 3))
    counts = cost.macs_by_scope(block.apply, variables, spec(1, 4, 6, 3))
    assert dict(counts) == {"ConvBlock/conv": 4 * 6 * 9 * 15}
