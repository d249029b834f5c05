import dataclasses
import inspect
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import FramePool, Window
from ttjax.ttnet import config as configs
from ttjax.ttnet import crop, model
from ttjax.ttnet.arrays import Inputs

CANVAS_HW, CANVAS_XY, SOURCE_HW = (80, 160), (40, 24), (240, 480)
GLOBAL = ("global_encoder", "global_ball")
FROZEN = frozenset(model.MODULES) - frozenset(GLOBAL)


def tiny(preset=configs.ttnet, **fields):
    sizes = {"window": Window(3), "frame_hw": (64, 128), "crop_hw": (64, 128)}
    return preset(**sizes | {"width": 1 / 8} | fields)


def batch(seed=0, b=2):
    random = np.random.RandomState(seed)

    def pixels(*shape):
        return jnp.asarray(random.randint(0, 256, shape, dtype=np.uint8))

    def rows(*row, dtype=jnp.int32):
        return jnp.broadcast_to(jnp.array(row, dtype), (b, len(row)))

    return Inputs(
        frames=pixels(b, 3, 64, 128, 3),
        canvas=pixels(b, 3, *CANVAS_HW, 3),
        canvas_xy=rows(*CANVAS_XY),
        source_hw=rows(*SOURCE_HW),
        crop_at=rows(124.0, 69.0, dtype=jnp.float32),
        forced=jnp.arange(b) % 2 == 0,
    )


def draw(config, seed=0):
    """Variables like those of a trained network; compiles nothing."""
    random = np.random.RandomState(seed)

    def leaf(path, like):
        name, normal = path[-1].key, random.randn(*like.shape)
        value = {
            "kernel": lambda: normal * np.sqrt(2 / max(1, np.prod(like.shape[:-1]))),
            "scale": lambda: 1 + 0.1 * normal,
            "var": lambda: 0.5 + np.abs(normal),
        }.get(name, lambda: 0.1 * normal)()
        return jnp.asarray(value, like.dtype)

    return jax.tree_util.tree_map_with_path(leaf, config.abstract_variables())


def evaluated(config):
    """Config, variables, inputs and outputs."""
    variables, inputs = draw(config), batch()
    return config, variables, inputs, jax.jit(config.model.apply)(variables, inputs)


@pytest.fixture(scope="module")
def exact():
    """The paper's network, narrow."""
    return evaluated(tiny())


@pytest.fixture(scope="module")
def half_trained(exact):
    """One training step of everything but the global stage, with two dropout keys."""
    config, variables, inputs, _ = exact

    @jax.jit
    def run(key):
        return config.model.apply(
            variables, inputs, FROZEN, rngs={"dropout": key}, mutable=["batch_stats"]
        )

    return run(jax.random.key(1)), run(jax.random.key(2))


def assert_close(tree, other, atol=1e-5):
    for one, two in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(one, two, atol=atol)


def test_top_level_names_are_those_that_phases_freeze_and_copy(exact):
    config, variables, _, _ = exact
    assert set(variables["params"]) == set(model.MODULES)
    assert set(variables["batch_stats"]) <= set(model.MODULES)
    # A copy from global to local fits.
    for part in ("encoder", "ball"):
        ours, theirs = (
            jax.tree.map(jnp.shape, variables["params"][f"{stage}_{part}"])
            for stage in ("global", "local")
        )
        assert ours == theirs
    assert isinstance(config.model, model.Model)
    assert config.model.config is config


@pytest.mark.slow
def test_eager_equals_jitted(exact):
    config, variables, inputs, out = exact
    eager = jax.tree.leaves(config.model.apply(variables, inputs))
    for one, two in zip(eager, jax.tree.leaves(out), strict=True):
        # Of the scale of the logits, which reach 22: some ulps of their sums.
        np.testing.assert_allclose(one, two, atol=1e-6 * np.abs(two).max())


def test_the_crop_follows_the_label_where_forced_and_else_the_global_answer(exact):
    _, _, _, out = exact
    # Forced: centred at (124, 69), in a canvas of 160 x 80 from (40, 24).
    assert out.crop_xy[0].tolist() == [124 - 64, 69 - 32]
    x, y = (
        np.asarray(axis)[1, 0].argmax() + 0.5
        for axis in dataclasses.astuple(out.ball_global)
    )
    centre = np.array([x * SOURCE_HW[1] / 128, y * SOURCE_HW[0] / 64])
    room = np.array([160 - 128, 80 - 64])
    corner = np.floor(centre + 0.5) - (64, 32)
    expected = np.clip(corner, CANVAS_XY, np.array(CANVAS_XY) + room)
    assert out.crop_xy[1].tolist() == expected.tolist()


def test_the_local_stage_sees_full_resolution_pixels(exact):
    config, variables, inputs, out = exact
    canvas = np.asarray(inputs.canvas)
    corners = np.asarray(out.crop_xy) - np.array(CANVAS_XY)
    views = np.stack(
        [
            canvas[i, :, y : y + 64, x : x + 128]
            for i, (x, y) in enumerate(corners.tolist())
        ]
    )
    rule = config.preprocessing

    @jax.jit
    def from_stacks(frames, views):
        return config.model.apply(
            variables,
            rule.apply(frames),
            rule.apply(views),
            crop_xy=out.crop_xy,
            source_hw=inputs.source_hw,
            method="from_stacks",
        )

    assert_close(from_stacks(inputs.frames, jnp.asarray(views)), out, atol=1e-4)


def test_a_frozen_part_stands_still_in_training(exact, half_trained):
    _, variables, _, without = exact
    (first, stats), (second, _) = half_trained
    for name, old in variables["batch_stats"].items():
        moved = max(
            np.abs(a - b).max()
            for a, b in zip(
                jax.tree.leaves(old),
                jax.tree.leaves(stats["batch_stats"][name]),
                strict=True,
            )
        )
        assert (moved > 0) == (name in FROZEN)
    # No dropout either: the answer, and so the crop, is that of evaluation.
    for out in (first, second):
        assert_close(out.ball_global, without.ball_global)
        np.testing.assert_array_equal(out.crop_xy, without.crop_xy)
    for head in ("ball_local", "events"):
        one, two = (jax.tree.leaves(getattr(o, head))[0] for o in (first, second))
        assert np.abs(one - two).max() > 0


def test_every_normalisation_obeys_train():
    # No layer decides for itself: BatchNorm and dropout learn of training by argument.
    config = tiny()
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
    assert {name for name, _ in seen} == set(model.MODULES)
    assert all(train == (name in FROZEN) for name, train in seen)


@pytest.fixture(scope="module")
def nano():
    return evaluated(tiny(configs.nano, width=0.5))


def test_the_nano_predicts_the_ball_in_every_frame(nano):
    config, _, _, out = nano
    assert config.event_ball
    assert out.ball_global.x.shape == (2, 3, 128)
    assert out.ball_local.y.shape == (2, 3, 64)


def test_event_gradients_reach_both_encoders_but_no_ball_head(nano):
    config, variables, inputs, _ = nano

    @jax.jit
    def grads(params):
        def loss(params):
            out, _ = config.model.apply(
                variables | {"params": params},
                inputs,
                frozenset(model.MODULES),
                mutable=["batch_stats"],
            )
            return jnp.square(out.events).sum()

        return jax.grad(loss)(params)

    size = {
        name: max(np.abs(leaf).max() for leaf in jax.tree.leaves(part))
        for name, part in grads(variables["params"]).items()
    }
    assert all(np.isfinite(value) for value in size.values())
    assert size["global_ball"] == size["local_ball"] == size["masks"] == 0
    assert min(size[n] for n in ("events", "global_encoder", "local_encoder")) > 0


def test_half_precision_gives_finite_float32_logits():
    config = tiny(configs.nano, width=0.5, compute_dtype="bfloat16")
    _, variables, _, out = evaluated(config)
    for leaf in jax.tree.leaves((out.ball_global, out.events, out.masks)):
        assert leaf.dtype == jnp.float32
        assert np.isfinite(leaf).all()
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}


def abstract_apply(config, inputs, **options):
    return jax.eval_shape(
        lambda v, i: config.model.apply(v, i, **options),
        config.abstract_variables(),
        inputs,
    )


def test_a_ring_of_frames_serves_as_canvas():
    config = tiny()
    inputs = config.abstract_inputs()
    pool = FramePool(
        jnp.zeros((4, 96, 176, 3), jnp.uint8), jnp.zeros((1, 3), jnp.int32)
    )
    canvas: Any = jax.eval_shape(lambda: pool)
    out = abstract_apply(config, dataclasses.replace(inputs, canvas=canvas))
    assert out.crop_xy.shape == (1, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"frames": (1, 4, 64, 128, 3), "canvas": (1, 4, 96, 176, 3)},
            "needs 3 frames per stack, got 4: set `window`",
        ),
        ({"frames": (1, 3, 64, 64, 3)}, "frames of .64, 128., got .64, 64.: set `fram"),
        ({"canvas": None}, "got `canvas=None`: pass a canvas"),
        ({"canvas": (1, 3, 50, 128, 3)}, "64x128 pixels is cut .* only 50x128"),
    ],
)
def test_inputs_that_do_not_fit_get_one_clear_error(change, message):
    config = tiny()
    fields = {
        name: shape if shape is None else jax.ShapeDtypeStruct(shape, jnp.uint8)
        for name, shape in change.items()
    }
    inputs = dataclasses.replace(config.abstract_inputs(), **fields)
    with pytest.raises(ValueError, match=message):
        abstract_apply(config, inputs)


def test_other_misuse_gets_one_clear_error_too():
    config = tiny()
    with pytest.raises(ValueError, match=r"got \['encoder'\]: correct the name"):
        abstract_apply(config, config.abstract_inputs(), train=frozenset({"encoder"}))
    stack = jax.ShapeDtypeStruct((1, 64, 128, 9), jnp.float32)
    with pytest.raises(ValueError, match="got None: pass `view`"):
        abstract_apply(config, stack, method="from_stacks")


def test_no_device_is_named_in_the_network():
    for module in (model, crop, configs):
        assert "device_put" not in inspect.getsource(module)
