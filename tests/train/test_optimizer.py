from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.recipe import SGD, Adam, Constant, Cosine, Phase, Plateau, Steps
from ttjax.train import optimizer

PARAMS = {
    "model": {
        "encoder": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)},
        "head": {"kernel": jnp.ones((2, 1))},
    },
    "log_sigmas": {"ball": jnp.zeros(())},
}
GRADIENTS = jax.tree.map(lambda leaf: 0.3 * jnp.ones_like(leaf), PARAMS)


def first_update(adam: Adam | SGD, phase: Phase) -> tuple[Any, Any]:
    transformation = optimizer.transformation(adam, phase, PARAMS)
    state = transformation.init(PARAMS)
    return transformation.update(GRADIENTS, state, PARAMS)[0], state


def test_each_group_has_its_learning_rate():
    # Adam's first step is the learning rate, against the sign of the gradient.
    updates, _ = first_update(Adam(sigma_learning_rate=0.5), Phase(learning_rate=0.1))
    np.testing.assert_allclose(updates["model"]["head"]["kernel"], -0.1, rtol=1e-5)
    np.testing.assert_allclose(updates["log_sigmas"]["ball"], -0.5, rtol=1e-5)


def test_frozen_parameters_get_no_update_and_no_moments():
    rules = ("model/encoder", "log_sigmas/ball")
    updates, state = first_update(Adam(weight_decay=0.1), Phase(freeze=rules))
    for leaf in jax.tree.leaves((updates["model"]["encoder"], updates["log_sigmas"])):
        np.testing.assert_array_equal(leaf, 0.0)
    assert np.all(updates["model"]["head"]["kernel"] != 0.0)
    moments = [leaf.shape for leaf in jax.tree.leaves(state) if leaf.ndim]
    assert moments == [(2, 1), (2, 1)]


def test_weight_decay_is_for_matrices():
    phase = Phase(learning_rate=0.1)
    plain, _ = first_update(Adam(), phase)
    decayed, _ = first_update(Adam(weight_decay=0.5), phase)
    change = jax.tree.map(lambda a, b: a - b, decayed, plain)
    encoder = change["model"]["encoder"]
    np.testing.assert_allclose(encoder["kernel"], -0.05, rtol=1e-4)
    np.testing.assert_array_equal(encoder["bias"], 0.0)
    np.testing.assert_array_equal(change["log_sigmas"]["ball"], 0.0)


def test_clipping_scales_the_model_s_gradient_to_the_norm():
    # With b1 = 0 and a huge eps, Adam's update is lr * g / eps: the gradient shows.
    adam = Adam(b1=0.0, eps=1e6, clip_norm=0.1)
    updates, _ = first_update(adam, Phase(learning_rate=1e6))
    leaves = jax.tree.leaves(updates["model"])
    norm = np.sqrt(sum(float(jnp.sum(leaf**2)) for leaf in leaves))
    np.testing.assert_allclose(norm, 0.1, rtol=1e-4)


def test_sgd_follows_nesterov_s_formula_with_decay_in_the_gradient():
    sgd = SGD(momentum=0.9, weight_decay=0.5, sigma_learning_rate=0.2)
    transformation = optimizer.transformation(sgd, Phase(learning_rate=0.1), PARAMS)
    state, velocity = transformation.init(PARAMS), 0.0
    for _ in range(3):
        found: Any = transformation.update(GRADIENTS, state, PARAMS)
        updates, state = found
        gradient = 0.3 + 0.5 * 1.0
        velocity = 0.9 * velocity + gradient
        want = -0.1 * (gradient + 0.9 * velocity)
        for leaf in jax.tree.leaves(updates["model"]):
            np.testing.assert_allclose(leaf, want, rtol=1e-5)
        np.testing.assert_allclose(updates["log_sigmas"]["ball"], -0.2, rtol=1e-4)


def test_steps_rise_exponentially_and_fall_by_the_factor():
    schedule = Steps(warmup=0.1, decays=(0.5, 0.8), factor=0.1)
    progress = [0.0, 0.05, 0.1, 0.49, 0.5, 0.79, 0.8, 1.0]
    want = [1e-3, 10**-1.5, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
    found = [optimizer.scale(schedule, None, jnp.float32(at)) for at in progress]
    np.testing.assert_allclose(found, want, rtol=1e-4)


def test_a_phase_that_trains_nothing_is_an_error():
    with pytest.raises(ValueError, match="freezes all of the model"):
        optimizer.transformation(Adam(), Phase(freeze=("model/**",)), PARAMS)
    with pytest.raises(ValueError, match="'model/decoder' matches none"):
        optimizer.transformation(Adam(), Phase(freeze=("model/decoder",)), PARAMS)


def plateau_by_hand(losses, factor, patience):
    """Halve where `patience` epochs in a row brought no lower loss, then count anew."""
    best, count, scale, scales = np.inf, 0, 1.0, []
    for loss in losses:
        if loss < best:
            best, count = loss, 0
        else:
            count += 1
        if count == patience:
            scale, count = scale * factor, 0
        scales.append(scale)
    return scales


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_plateau_halves_after_epochs_without_a_lower_loss(sign):
    rng = np.random.default_rng(0)
    losses = (
        sign * 3.0 - np.log(np.arange(1, 31)) * 0.1 + rng.normal(0, 0.3, 30)
    ).astype(np.float32)
    schedule = Plateau(factor=0.5, patience=3)
    state, scales = optimizer.initial_plateau(schedule), []
    for loss in losses:
        state = optimizer.after_epoch(schedule, state, float(loss))
        scales.append(float(optimizer.scale(schedule, state, jnp.float32(0.5))))
    assert scales == plateau_by_hand(losses, 0.5, 3)
    assert scales[-1] < 1.0


def test_other_schedules_have_no_plateau():
    for schedule in (Cosine(), Constant()):
        assert optimizer.initial_plateau(schedule) is None
        assert optimizer.after_epoch(schedule, None, 1.0) is None


def test_cosine_rises_then_falls_to_its_floor():
    schedule = Cosine(warmup=0.2, floor=0.1)

    def at(progress: float) -> float:
        eager = optimizer.scale(schedule, None, jnp.float32(progress))
        jitted = jax.jit(lambda p: optimizer.scale(schedule, None, p))(
            jnp.float32(progress)
        )
        np.testing.assert_allclose(eager, jitted, rtol=1e-5)
        return float(eager)

    assert 0 < at(0.0) < 0.01
    np.testing.assert_allclose(at(0.1), 0.5, rtol=1e-5)
    np.testing.assert_allclose(at(0.2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(at(0.6), 0.55, rtol=1e-5)
    np.testing.assert_allclose(at(1.0), 0.1, rtol=1e-4)
    bare = optimizer.scale(Cosine(warmup=0.0), None, jnp.float32(0.0))
    assert float(bare) == 1.0


def test_constant_is_one():
    assert float(optimizer.scale(Constant(), None, jnp.float32(0.3))) == 1.0
