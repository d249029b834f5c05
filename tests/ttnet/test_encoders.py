import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.nn import cost
from ttjax.ttnet import encoders, preprocessing

FIELDS = {
    "dropout": 0.5,
    "preprocessing": preprocessing.Normalise(),
    "dtype": jnp.float32,
}
ENCODERS = [encoders.VGG(), encoders.ResNet18(), encoders.Nano()]


def abstract(encoder, frames=9, hw=(128, 320), width=1.0):
    module = encoder.build(width=width, **FIELDS)
    x = jax.ShapeDtypeStruct((1, frames, *hw, 3), jnp.uint8)
    variables = jax.eval_shape(module.init, jax.random.key(0), x)
    return module, variables, x


def maps_of(features):
    return {key: m.shape[1:] for key, m in features.items() if key >= 4}


def test_vgg_has_the_papers_size_and_maps():
    module, variables, x = abstract(encoders.VGG())
    assert isinstance(module, encoders.ConvEncoder)
    assert cost.parameters(variables["params"]) == 1_184_256
    assert round(cost.macs(module.apply, variables, x) / 1e9, 3) == 2.312
    assert maps_of(jax.eval_shape(module.apply, variables, x)) == {
        4: (32, 80, 64),
        8: (16, 40, 128),
        16: (8, 20, 128),
        32: (4, 10, 256),
        64: (2, 5, 256),
    }


def test_resnet_is_fitted_to_the_same_maps():
    module, variables, x = abstract(encoders.ResNet18())
    assert isinstance(module, encoders.ResNetEncoder)
    trunk = variables["params"]["trunk"]
    assert cost.parameters(trunk) == 11_251_776
    scopes = cost.macs_by_scope(module.apply, variables, x)
    macs = sum(n for scope, n in scopes.items() if "trunk" in scope.split("/"))
    assert round(macs / 1e9, 3) == 2.251
    vgg = abstract(encoders.VGG())
    ours, theirs = (
        maps_of(jax.eval_shape(m.apply, v, s))
        for m, v, s in ((module, variables, x), vgg)
    )
    assert ours == theirs


@pytest.mark.parametrize("encoder", ENCODERS)
def test_maps_follow_frames_size_and_width(encoder):
    module, variables, x = abstract(encoder, frames=2, hw=(64, 192), width=0.25)
    maps = maps_of(jax.eval_shape(module.apply, variables, x))
    assert {stride: shape[:2] for stride, shape in maps.items()} == {
        stride: (64 // stride, 192 // stride) for stride in (4, 8, 16, 32, 64)
    }
    full = maps_of(jax.eval_shape(*_unpack(abstract(encoder))))
    assert all(shape[2] == full[s][2] // 4 for s, shape in maps.items())


def _unpack(found):
    module, variables, x = found
    return module.apply, variables, x


def test_scaled_never_gives_nothing():
    assert encoders.scaled(64, 0.5) == 32
    assert encoders.scaled(3, 0.01) == 1


def test_every_dropout_of_the_encoder_is_alive_and_drops_whole_channels():
    # Blocks 3 and 5 see what blocks 2 and 4 give, with channels dropped; a network that
    # hands block 5 the undropped map has a dead layer there.
    encoder = encoders.VGG(widths=(4, 4, 32, 4, 32, 4, 64))
    module = encoder.build(width=1.0, **FIELDS)
    random = np.random.RandomState(0)
    x = jnp.asarray(random.randint(0, 256, (1, 2, 64, 64, 3), dtype=np.uint8))
    variables = jax.jit(module.init)(jax.random.key(0), x)

    @jax.jit
    def run(variables, x, key):
        seen = {}

        def spy(call, args, kwargs, context):
            if context.method_name == "__call__" and context.module.name:
                seen[context.module.name] = args[0]
            return call(*args, **kwargs)

        with nn.intercept_methods(spy):
            out, _ = module.apply(
                variables, x, True, rngs={"dropout": key}, mutable=["batch_stats"]
            )
        return seen["block3"], seen["block5"], out[4], out[16], out[64]

    into3, into5, out2, out4, last = run(variables, x, jax.random.key(1))
    for dropped, whole in ((into3, out2), (into5, out4)):
        kept = np.asarray((dropped != 0).any(axis=(0, 1, 2)))
        alive = np.asarray((whole != 0).any(axis=(0, 1, 2)))
        assert 4 < kept.sum() < alive.sum()
        np.testing.assert_allclose(dropped[..., kept], 2 * whole[..., kept], rtol=1e-6)
    assert (np.asarray(last) == 0).all(axis=(0, 1, 2)).sum() > 10
    again = run(variables, x, jax.random.key(2))
    assert (np.asarray(again[1] != 0) != np.asarray(into5 != 0)).any()
