import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import config as configs
from ttjax.deepsportlab import model
from ttjax.deepsportlab.arrays import Inputs

HW = (33, 49)
FROZEN = frozenset(model.MODULES) - {"backbone", "parts"}


def tiny(**fields):
    small = {
        "image_hw": HW,
        "backbone": configs.Nano((6, 6, 8), (1, 1, 1)),
        "channels": 6,
        "skips": (4, 4),
        "dropout": 0.5,
    }
    return configs.nano(**small | fields)


def batch(seed=0, b=2) -> Any:
    random = np.random.RandomState(seed)
    return Inputs(
        image=jnp.asarray(random.randint(0, 256, (b, *HW, 3), dtype=np.uint8)),
        valid_hw=jnp.array([[33, 49], [20, 31]], jnp.int32),
        to_source=jnp.ones((b, 2)),
    )


def draw(config, seed=0):
    """Variables like those of a trained network; compiles nothing."""
    random = np.random.RandomState(seed)

    def leaf(path, like):
        normal = random.randn(*like.shape)
        value = {
            "var": lambda: 0.5 + np.abs(normal),
            "mean": lambda: 0.1 * normal,
            "bias": lambda: 0.1 * normal,
            "scale": lambda: 1 + 0.1 * normal,
        }.get(path[-1].key, lambda: normal / np.sqrt(np.prod(like.shape[:-1])))()
        return jnp.asarray(value, like.dtype)

    return jax.tree_util.tree_map_with_path(leaf, config.abstract_variables())


@pytest.fixture(scope="module")
def whole():
    """Config, variables, inputs, and outputs with what changes in training."""
    config, inputs = tiny(), batch()
    variables = draw(config)

    @jax.jit
    def run(variables, inputs):
        return config.model.apply(variables, inputs)

    return config, variables, inputs, run


@pytest.fixture(scope="module")
def trained(whole):
    """A training step of all but trunk and parts, with two dropout keys."""
    config, variables, inputs, _ = whole

    @jax.jit
    def run(params, key):
        def loss(params):
            out, new = config.model.apply(
                variables | {"params": params},
                inputs,
                FROZEN,
                rngs={"dropout": key},
                mutable=["batch_stats"],
            )
            leaves = jax.tree.leaves(out)
            return sum(jnp.square(leaf).sum() for leaf in leaves), (out, new)

        return jax.grad(loss, has_aux=True)(params)

    return [run(variables["params"], jax.random.key(seed)) for seed in (0, 1)]


@pytest.mark.slow
def test_eager_equals_jitted_and_normalised_pictures_may_come_from_elsewhere(whole):
    config, variables, inputs, run = whole
    out = run(variables, inputs)
    picture = model.normalised(
        inputs.image, inputs.valid_hw, mean=config.mean, std=config.std
    )
    eager = config.model.apply(variables, picture, method="from_normalised")
    for one, two in zip(*map(jax.tree.leaves, (eager, out)), strict=True):
        assert one.dtype == jnp.float32
        np.testing.assert_allclose(one, two, atol=1e-5 * np.abs(two).max())


def test_what_lies_in_the_padding_is_not_seen(whole):
    _, variables, inputs, run = whole
    image = np.array(inputs.image)
    image[1, 20:] = 255
    image[1, :, 31:] = 7
    changed = dataclasses.replace(inputs, image=jnp.asarray(image))
    assert (image != np.asarray(inputs.image)).any()
    for one, two in zip(
        *(jax.tree.leaves(run(variables, i)) for i in (inputs, changed)), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_bytes_are_normalised_and_padding_has_the_mean_colour():
    inputs = batch()
    mean, std = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    out = np.asarray(
        model.normalised(inputs.image, inputs.valid_hw, mean=mean, std=std)
    )
    expected = (np.asarray(inputs.image) / 255 - mean) / std
    np.testing.assert_allclose(out[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(out[1, :20, :31], expected[1, :20, :31], atol=1e-5)
    assert not out[1, 20:].any()
    assert not out[1, :, 31:].any()


def test_a_frozen_part_stands_still_in_training(whole, trained):
    _, variables, inputs, run = whole
    without = run(variables, inputs)
    for name, old in variables["batch_stats"].items():
        new = trained[0][1][1]["batch_stats"][name]
        moved = [
            np.abs(a - b).max()
            for a, b in zip(*map(jax.tree.leaves, (old, new)), strict=True)
        ]
        assert (max(moved) > 0) == (name in FROZEN)
    first, second = (out for _, (out, _) in trained)
    for out in (first, second):
        for name in ("parts", "centre", "ball"):
            fields = (getattr(o, name).vector for o in (out, without))
            np.testing.assert_allclose(*fields, atol=1e-4)
    assert np.abs(first.semantic - second.semantic).max() > 0


def test_gradients_reach_every_module(trained):
    grads, _ = trained[0]
    assert set(grads) == set(model.MODULES)
    for name, part in grads.items():
        sizes = [np.abs(leaf).max() for leaf in jax.tree.leaves(part)]
        assert np.isfinite(sizes).all(), name
        assert max(sizes) > 0, name


@pytest.mark.parametrize("style", ["pif", "heat"])
def test_every_normalisation_obeys_train(style):
    config = tiny(centre_style=style)
    seen = []

    def spy(call, args, kwargs, context):
        module = context.module
        if context.method_name != "__call__":
            return call(*args, **kwargs)
        if isinstance(module, nn.Dropout):
            seen.append((module.path[0], not kwargs["deterministic"]))
        elif type(module).__name__ == "BatchNorm":
            seen.append((module.path[0], args[1]))
        return call(*args, **kwargs)

    variables = config.abstract_variables()
    with nn.intercept_methods(spy):
        jax.eval_shape(
            lambda v, i, key: config.model.apply(
                v, i, FROZEN, rngs={"dropout": key}, mutable=["batch_stats"]
            ),
            variables,
            config.abstract_inputs(),
            jax.random.key(0),
        )
    expected = {"backbone", "aspp", "upsampling", "semantic", "offset"}
    expected |= {"centre"} if style == "heat" else set()
    assert {name for name, _ in seen} == expected
    assert all(train == (name in FROZEN) for name, train in seen)


@pytest.mark.parametrize("style", ["pif", "heat"])
def test_heads_start_from_their_base_rates(style):
    rates = configs.BaseRates(confidence=0.02, player=0.2, ball=0.004)
    config = tiny(base_rates=rates, centre_style=style)

    @jax.jit
    def biases():  # All else is left out of the compiled program.
        params = config.model.init(jax.random.key(0), batch())["params"]
        fields = {
            name: params[name].get("conv") for name in ("parts", "centre", "ball")
        }
        maps = {name: params[name].get("out") for name in ("semantic", "centre")}
        return jax.tree.map(
            lambda layer: layer["bias"],
            (fields, maps),
            is_leaf=lambda layer: "bias" in (layer or ()),
        )

    fields, maps = biases()
    shares = jax.nn.softmax(maps["semantic"])
    np.testing.assert_allclose(shares, [0.796, 0.2, 0.004], rtol=1e-5)
    for head, bias in fields.items():
        if bias is not None:
            points = 17 if head == "parts" else 1
            start = jax.nn.sigmoid(bias[: 4 * points])
            np.testing.assert_allclose(start, 0.02, rtol=1e-5)
    assert (maps["centre"] is None) == (style == "pif") != (fields["centre"] is None)
    if style == "heat":
        np.testing.assert_allclose(jax.nn.sigmoid(maps["centre"]), 0.02, rtol=1e-5)


def test_a_config_makes_its_model():
    config = tiny()
    assert config.model == model.Model(config)


def test_half_precision_gives_finite_float32_answers(whole):
    _, variables, inputs, run = whole
    config = tiny(compute_dtype="bfloat16")
    half = jax.jit(config.model.apply)(variables, inputs)
    for leaf, full in zip(
        *map(jax.tree.leaves, (half, run(variables, inputs))), strict=True
    ):
        assert leaf.dtype == jnp.float32
        np.testing.assert_allclose(leaf, full, atol=0.1 * np.abs(full).max())
    assert {v.dtype for v in jax.tree.leaves(config.abstract_variables())} == {
        jnp.dtype("float32")
    }


def test_misuse_gets_one_clear_error():
    config = tiny()
    variables, inputs = config.abstract_variables(), config.abstract_inputs()

    def apply(inputs, **options):
        return jax.eval_shape(
            lambda v, i: config.model.apply(v, i, **options), variables, inputs
        )

    with pytest.raises(ValueError, match=r"got \['encoder'\]: correct the name"):
        apply(inputs, train=frozenset({"encoder"}))
    other = tiny(image_hw=(49, 33)).abstract_inputs()
    with pytest.raises(ValueError, match=r"\(33, 49\), got \(49, 33\): set `image_hw`"):
        apply(other)


def test_frozen_statistics_stay_where_they_are_while_the_trunk_is_trained():
    config = tiny(heads=("ball",), frozen_statistics=True)
    variables, inputs = draw(config), batch()
    train = frozenset({"backbone", "ball"})
    trained, changed = config.model.apply(
        variables, inputs, train=train, mutable=["batch_stats"]
    )
    plain = config.model.apply(variables, inputs)
    jax.tree.map(np.testing.assert_array_equal, trained, plain)
    jax.tree.map(
        np.testing.assert_array_equal, changed["batch_stats"], variables["batch_stats"]
    )
