from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ttjax.deepsportlab import upsampling
from ttjax.nn import resize


def drawn(seed=0):
    random = np.random.RandomState(seed)
    layer: Any = upsampling.Upsampling(6, (4, 2), 1e-4, 0.9)
    x, coarse, fine = (
        jnp.asarray(random.randn(1, n, n + 2, c), jnp.float32)
        for n, c in ((3, 5), (5, 7), (9, 3))
    )
    variables = jax.eval_shape(layer.init, jax.random.key(0), x, (coarse, fine))
    variables = jax.tree.map(
        lambda v: jnp.asarray(random.rand(*v.shape), jnp.float32), variables
    )
    return layer, variables, x, (coarse, fine)


def test_the_map_grows_along_the_trunks_maps():
    layer, variables, x, maps = drawn()
    maps = tuple(m[:, :, : 2 * x.shape[2] + 3] for m in maps)
    out = jax.jit(layer.apply)(variables, x, maps)
    assert out.shape == (1, 9, 11, 6)
    shapes = jax.tree.map(jnp.shape, variables["params"])
    assert shapes["project1"]["kernel"] == (1, 1, 7, 4)
    assert shapes["project2"]["kernel"] == (1, 1, 3, 2)
    assert shapes["fuse1"]["depthwise"] == (5, 5, 1, 5 + 4)
    assert shapes["fuse2"]["depthwise"] == (5, 5, 1, 6 + 2)


def test_the_enlarged_map_comes_before_the_projected_one():
    layer, variables, x, maps = drawn()
    layer = layer.copy(skips=(4,))
    params = dict(variables["params"])
    kernel = params["fuse1"]["depthwise"]
    params["fuse1"] = params["fuse1"] | {"depthwise": kernel.at[..., 5:].set(0)}
    variables = variables | {"params": params}
    apply = jax.jit(layer.apply)
    one, two, three = (
        apply(variables, x + shift, (maps[0] + other,))
        for shift, other in ((0, 0), (0, 1), (1, 0))
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - three).max() > 0
    # A map that is enlarged already stays as it is.
    large = resize.align_corners(x, (5, 7))
    np.testing.assert_allclose(
        apply(variables, large, maps[:1]), one, rtol=1e-5, atol=1e-5
    )
