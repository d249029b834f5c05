import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import backbones

TRUNKS = [
    backbones.Nano(),
    *(
        backbones.ResNet(depth, stem_pool=pool, dilated=dilated)
        for depth, pool, dilated in itertools.product(
            (18, 50), (False, True), (False, True)
        )
    ),
    backbones.ResNet(34),
    backbones.ResNet(101),
]


def built(backbone) -> Any:
    return backbone.build(momentum=0.99, dtype=jnp.float32)


@pytest.mark.parametrize("backbone", TRUNKS, ids=str)
def test_maps_have_the_strides_that_are_said(backbone):
    x = jax.ShapeDtypeStruct((2, 65, 97, 3), jnp.float32)
    maps, _ = jax.eval_shape(built(backbone).init_with_output, jax.random.key(0), x)
    sizes = [m.shape[1:3] for m in maps]
    assert sizes == [(64 // s + 1, 96 // s + 1) for s in backbone.strides]


def test_the_strides_of_the_paper_and_its_variants():
    assert backbones.ResNet().strides == (2, 4, 8, 16)
    assert backbones.ResNet(stem_pool=True).strides == (4, 8, 16, 32)
    assert backbones.ResNet(dilated=True).strides == (2, 4, 8, 8)
    assert backbones.Nano().strides == (4, 8, 16)


def test_the_nanos_maps_follow_a_shifted_picture():
    trunk = built(backbones.Nano(widths=(4, 6, 6), layers=(1, 1, 1)))
    assert isinstance(trunk, backbones.NanoTrunk)
    random = np.random.RandomState(0)
    wide = jnp.asarray(random.randn(1, 65, 145, 3), jnp.float32)
    one, two = wide[:, :, :129], wide[:, :, 16:]
    variables = jax.jit(trunk.init)(jax.random.key(0), one)
    a, b = (jax.jit(trunk.apply)(variables, x) for x in (one, two))
    for before, after, stride in zip(a, b, (4, 8, 16), strict=True):
        shift, border = 16 // stride, 48 // stride
        np.testing.assert_allclose(
            before[:, :, shift + border : -border],
            after[:, :, border : -shift - border],
            atol=1e-5,
        )


def test_patches_are_the_pixels_around_every_fourth():
    x = np.random.RandomState(1).randn(2, 9, 14, 2).astype(np.float32)
    out = np.asarray(backbones.patches(jnp.asarray(x)))
    assert out.shape == (2, 3, 4, 128)
    margin: Any = ((0, 0), (4, 4), (4, 4), (0, 0))
    padded = np.pad(x, margin)
    for i, j in np.ndindex(3, 4):
        seen = padded[:, 4 * i : 4 * i + 8, 4 * j : 4 * j + 8]
        margin = ((0, 0), (0, 0), (0, 8 - seen.shape[2]), (0, 0))
        seen = np.pad(seen, margin)
        quarters = [
            seen[:, r : r + 4, c : c + 4].reshape(2, -1) for r in (0, 4) for c in (0, 4)
        ]
        np.testing.assert_array_equal(out[:, i, j], np.concatenate(quarters, -1))


def test_a_statistic_moves_by_the_momentum_that_was_asked_for():
    x = jnp.asarray(np.random.RandomState(2).randn(1, 17, 17, 3), jnp.float32)
    moved = {}
    for momentum in (0.9, 0.99):
        trunk = backbones.Nano((2, 2, 2), (1, 1, 1)).build(
            momentum=momentum, dtype=jnp.float32
        )
        variables = jax.jit(trunk.init)(jax.random.key(0), x)
        _, new = trunk.apply(variables, x, True, mutable=["batch_stats"])
        moved[momentum] = np.asarray(new["batch_stats"]["bn"]["mean"])
    np.testing.assert_allclose(moved[0.9], 10 * moved[0.99], rtol=1e-4)
    assert backbones.EPSILON == 1e-4
