import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.ttnet import arrays
from ttjax.ttnet import config as configs


def ball(x, seed=0):
    xy = jnp.asarray(np.random.RandomState(seed).rand(x, 2), jnp.float32)
    return arrays.Ball(xy_px=xy, probability=jnp.ones(x), present=jnp.ones(x, bool))


@pytest.mark.parametrize("k", [1, 3])
def test_the_logits_of_a_frame_are_its_own_or_the_only_ones(k):
    x = jnp.arange(2.0 * k * 5).reshape(2, k, 5)
    logits = arrays.BallLogits(x=x, y=x[..., :4])
    for frame in range(3):
        chosen = arrays.logits_of_frame(logits, frame, 3)
        expected = x[:, frame if k == 3 else 0]
        np.testing.assert_array_equal(chosen.x[:, 0], expected)
        assert chosen.y.shape == (2, 1, 4)


def test_the_finest_stage_answers():
    coarse, fine = ball(2), ball(2, seed=1)
    assert arrays.Predictions(ball_global=coarse).ball is coarse
    both = arrays.Predictions(ball_global=coarse, ball_local=fine)
    assert both.ball is fine
    assert arrays.Predictions().ball is None


def test_a_head_that_is_off_leaves_no_leaf():
    assert jax.tree.leaves(arrays.Outputs()) == []
    inputs = configs.ttnet(heads=("masks",)).abstract_inputs()
    assert isinstance(inputs, arrays.Inputs)
    assert len(jax.tree.leaves(inputs)) == 5
