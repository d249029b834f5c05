import jax
import jax.numpy as jnp
import pytest

from ttjax.nn import cost
from ttjax.ttnet import mask_decoder

CHANNELS = {4: 64, 8: 128, 16: 128, 32: 256, 64: 256}


def maps(hw=(128, 320), channels=CHANNELS):
    return {
        stride: jax.ShapeDtypeStruct(
            (1, hw[0] // stride, hw[1] // stride, c), "float32"
        )
        for stride, c in channels.items()
    }


def test_the_papers_decoder_has_its_published_size_and_cost():
    module = mask_decoder.Deconvolution().build(masks=3, width=1.0, dtype=jnp.float32)
    assert isinstance(module, mask_decoder.DeconvDecoder)
    variables = jax.eval_shape(module.init, jax.random.key(0), maps())
    assert cost.parameters(variables["params"]) == 128_675
    assert round(cost.macs(module.apply, variables, maps()) / 1e9, 3) == 0.619
    shapes = jax.tree.map(lambda leaf: leaf.shape, variables["params"])
    middles = [shapes[f"deconv{n}"]["tconv"]["bias"] for n in (5, 4, 3, 2)]
    assert middles == [(64,), (32,), (32,), (16,)]
    # Two plain convolutions of 3x3 and 2x2 at the end.
    assert shapes["conv1"]["kernel"] == (3, 3, 32, 32)
    assert shapes["conv2"]["kernel"] == (2, 2, 32, 3)


@pytest.mark.parametrize(
    "decoder", [mask_decoder.Deconvolution(), mask_decoder.PixelShuffle()]
)
@pytest.mark.parametrize("hw", [(128, 320), (64, 192)])
def test_logits_have_the_size_of_the_input(decoder, hw):
    module = decoder.build(masks=5, width=0.25, dtype=jnp.bfloat16)
    given = maps(hw, dict.fromkeys(CHANNELS, 8))
    out, variables = jax.eval_shape(module.init_with_output, jax.random.key(0), given)
    assert out.shape == (1, *hw, 5)
    assert out.dtype == jnp.float32
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))


@pytest.mark.parametrize(
    "decoder", [mask_decoder.Deconvolution(), mask_decoder.PixelShuffle()]
)
def test_every_skipped_map_matters(decoder):
    module = decoder.build(masks=1, width=0.5, dtype=jnp.float32)
    given = {
        stride: jax.random.normal(
            jax.random.key(stride), (1, 64 // stride, 64 // stride, 16)
        )
        for stride in (4, 8, 16, 32)
    }
    variables = jax.jit(module.init)(jax.random.key(0), given)

    @jax.jit
    def grads(given):
        return jax.grad(lambda given: module.apply(variables, given).sum())(given)

    for gradient in grads(given).values():
        assert jnp.abs(gradient).max() > 0


def test_the_light_decoder_stops_at_stride_4():
    module = mask_decoder.PixelShuffle().build(masks=3, width=1.0, dtype=jnp.float32)
    assert isinstance(module, mask_decoder.ShuffleDecoder)
    variables = jax.eval_shape(module.init, jax.random.key(0), maps())
    assert variables["params"]["logits"]["kernel"].shape == (1, 1, 24, 16 * 3)
