from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import brightest
from ttjax.predictor.network import DTYPES, Network
from ttjax.samples import FramePool, Window
from ttjax.ttnet import config, task

SIZES: dict[str, Any] = {
    "frame_hw": (64, 64),
    "crop_hw": (64, 64),
    "canvas_margin": (0, 0),
}


@pytest.fixture(scope="module")
def nano():
    tiny = task.Task(config.nano(window=Window(3), **SIZES))
    return tiny, brightest.drawn(tiny.config.abstract_variables())


@pytest.fixture(scope="module")
def example(nano):
    draw = np.random.default_rng(0).integers
    views = draw(0, 256, (2, 3, 64, 64, 3), np.uint8)
    whole = draw(0, 256, (4, 80, 96, 3), np.uint8)
    at = jnp.array([[0, 1, 2], [1, 2, 3]], jnp.int32)
    pool = FramePool(jnp.asarray(whole), at)
    return nano[0].sample.example(jnp.asarray(views), pool, (80, 96))


def test_a_network_answers_like_the_task_it_was_made_of(nano, example):
    tiny, variables = nano
    network = Network.of(tiny, variables)
    assert network.task == tiny

    @jax.jit
    def both(folded, variables, example):
        inputs = tiny.inputs(example, None, jnp.float32(1.0))
        outputs = tiny.config.model.apply(variables, inputs)
        return network.answer(folded, example), tiny.decode(outputs, inputs)

    found, want = both(network.variables, variables, example)
    assert found.masks.shape == (2, 64, 64, 3)
    for left, right in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)


def test_without_masks_their_work_is_left_out(nano, example):
    network = Network.of(*nano)

    def flops(masks):
        jitted = jax.jit(network.answer, static_argnames="masks")
        lowered = jitted.lower(network.variables, example, masks=masks)
        assert (lowered.out_info.masks is not None) == masks
        analysed: Any = lowered.compile().cost_analysis()
        return analysed["flops"]

    assert flops(False) < 0.95 * flops(True)


def test_kernels_are_kept_in_the_dtype_in_which_they_are_multiplied(nano, example):
    assert DTYPES == ("float32", "bfloat16", "float16")
    for dtype in DTYPES:
        network = Network.of(nano[0], nano[1], dtype)
        assert network.task.config.compute_dtype == dtype
        params = network.variables["params"]
        assert params["global_encoder"]["block1"]["conv"]["kernel"].dtype == dtype
        assert params["global_encoder"]["block1"]["conv"]["bias"].dtype == np.float32
        inputs = network.task.inputs(example, None, jnp.float32(1.0))
        model = network.task.config.model
        outputs = jax.eval_shape(model.apply, network.variables, inputs)
        # What is decoded is never rounded to eight bits.
        for logits in jax.tree.leaves((outputs.ball_local, outputs.events)):
            assert logits.dtype == np.float32
    with pytest.raises(ValueError, match="got 'float8'"):
        Network.of(nano[0], nano[1], "float8")
