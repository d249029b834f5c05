"""Adam or SGD in groups, and the schedules that scale its learning rate.

The model's parameters, the learnt log-sigmas and what is frozen are three groups. The
schedule's factor is applied by the step to the update of all, so that one compiled step
serves the whole phase.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ttjax.recipe import SGD, Adam, Constant, Cosine, Phase, Plateau, Steps
from ttjax.train import paths

MODEL, SIGMAS, FROZEN = "model", "log_sigmas", "frozen"


def transformation(
    chosen: Adam | SGD, phase: Phase, params: Any
) -> optax.GradientTransformationExtraArgs:
    """The optimiser of a phase; frozen parameters have no moments and get no update.

    Raises:
        ValueError: a rule of `phase.freeze` matches nothing, or all is frozen.
    """
    frozen = paths.matching(params, phase.freeze)
    if all(jax.tree.leaves(frozen[MODEL])):
        raise ValueError(
            f"A phase trains something, {phase.name!r} freezes all of the model by "
            f"{phase.freeze}: take a rule away."
        )
    labels = {
        group: jax.tree.map(lambda still, group=group: FROZEN if still else group, tree)
        for group, tree in frozen.items()
    }
    return optax.partition(
        {
            MODEL: _model(chosen, phase.learning_rate),
            SIGMAS: _sigmas(chosen),
            FROZEN: optax.set_to_zero(),
        },
        labels,
    )


def _model(chosen: Adam | SGD, learning_rate: float) -> optax.GradientTransformation:
    clip = optax.identity()
    if chosen.clip_norm is not None:
        clip = optax.clip_by_global_norm(chosen.clip_norm)
    if isinstance(chosen, SGD):
        return optax.chain(clip, _sgd(chosen, learning_rate))
    return optax.chain(clip, _adam(chosen, learning_rate, chosen.weight_decay))


def _sigmas(chosen: Adam | SGD) -> optax.GradientTransformation:
    adam = chosen if isinstance(chosen, Adam) else Adam()
    return _adam(adam, chosen.sigma_learning_rate)


def _sgd(sgd: SGD, learning_rate: float) -> optax.GradientTransformation:
    return optax.chain(
        optax.add_decayed_weights(sgd.weight_decay),
        optax.sgd(learning_rate, sgd.momentum, nesterov=sgd.nesterov),
    )


def _adam(
    adam: Adam, learning_rate: float, weight_decay: float = 0.0
) -> optax.GradientTransformation:
    decay = optax.identity()
    if weight_decay:
        # Biases and the scales of norms keep their size: decay is for what multiplies.
        decay = optax.add_decayed_weights(weight_decay, mask=_matrices)
    return optax.chain(
        optax.scale_by_adam(b1=adam.b1, b2=adam.b2, eps=adam.eps),
        decay,
        optax.scale(-learning_rate),
    )


def _matrices(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _plateau(schedule: Plateau) -> optax.GradientTransformationExtraArgs:
    # A relative tolerance would call a rising negative loss lower, and learnt sigmas
    # make losses negative; one of the two tolerances has to be positive, this one is
    # nothing.
    return optax.contrib.reduce_on_plateau(
        factor=schedule.factor, patience=schedule.patience, rtol=0.0, atol=1e-30
    )


def initial_plateau(schedule: Plateau | Cosine | Steps | Constant) -> Any:
    """The plateau's state as a phase begins; None for the other schedules."""
    if isinstance(schedule, Plateau):
        return _plateau(schedule).init(jnp.zeros(()))
    return None


def after_epoch(
    schedule: Plateau | Cosine | Steps | Constant, plateau: Any, loss: float
) -> Any:
    """The plateau's state after an epoch of this loss."""
    if not isinstance(schedule, Plateau):
        return plateau
    return _plateau(schedule).update(
        jnp.ones(()), plateau, value=jnp.asarray(loss, jnp.float32)
    )[1]


def scale(
    schedule: Plateau | Cosine | Steps | Constant,
    plateau: Any,
    progress: Float[Array, ""],
) -> Float[Array, ""]:
    """What multiplies the learning rate; `progress` is the share of the phase done."""
    if isinstance(schedule, Plateau):
        return jnp.asarray(plateau.scale, jnp.float32)
    if isinstance(schedule, Cosine):
        warmup = jnp.float32(schedule.warmup)
        rise = jnp.minimum(progress / jnp.maximum(warmup, 1e-9), 1.0)
        # The first step has progress 0, and a learning rate of 0 would waste it.
        rise = jnp.where(warmup > 0, jnp.maximum(rise, 1e-3), 1.0)
        done = jnp.clip((progress - warmup) / (1.0 - warmup), 0.0, 1.0)
        fall = 0.5 * (1.0 + jnp.cos(jnp.pi * done))
        return rise * (schedule.floor + (1.0 - schedule.floor) * fall)
    if isinstance(schedule, Steps):
        risen = jnp.clip(progress / max(schedule.warmup, 1e-9), 0.0, 1.0)
        past = sum(
            jnp.asarray(progress >= share, jnp.int32) for share in schedule.decays
        )
        return 1e-3 ** (1.0 - risen) * jnp.float32(schedule.factor) ** past
    return jnp.ones(())
