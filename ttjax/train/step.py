"""The train step and the validation step: pure functions, compiled once per phase.

Only here are losses reduced: each term to sum(value * weight) / max(sum(weight), 1)
over the global batch, whatever the number of devices or of micro-batches.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ttjax.recipe import Phase, Recipe
from ttjax.train import optimizer, paths
from ttjax.train.state import Scalar, Totals, TrainState
from ttjax.typing import PRNGKey, Variables

Terms = Mapping[str, Scalar]


@flax.struct.dataclass
class Metrics:
    """What one step tells, as scalars on the device.

    terms: each term's mean over its labelled examples.
    sigmas: the learnt sigmas, empty for other weightings.
    gradient_norm: of the model's trained parameters, before clipping.
    """

    loss: Scalar
    terms: Terms
    sigmas: Terms
    gradient_norm: Scalar
    learning_rate: Scalar


TrainStep = Callable[[TrainState, Any, Float[Array, ""]], tuple[TrainState, Metrics]]


def trained_modules(params: Any, phase: Phase) -> frozenset[str]:
    """Top-level modules that are not wholly frozen: those in training mode."""
    frozen = paths.matching(params, phase.freeze)["model"]
    return frozenset(
        module for module, tree in frozen.items() if not all(jax.tree.leaves(tree))
    )


def _sums(recipe: Recipe, terms: tuple[str, ...], batch: Any, outputs: Any) -> Totals:
    """The sums of a batch's terms; `loss` and `steps` stay 0."""
    targets = recipe.task.targets(batch, jax.lax.stop_gradient(outputs))
    losses = recipe.task.losses(outputs, targets)
    missing = [name for name in terms if name not in losses]
    if missing:
        raise ValueError(
            f"A task gives a loss for each of its terms, {missing} are not among "
            f"{sorted(losses)}: change `loss_terms`."
        )
    zeros = Totals.zeros(terms)
    return dataclasses.replace(
        zeros,
        values={
            name: jnp.sum(losses[name].value * losses[name].weight) for name in terms
        },
        weights={name: jnp.sum(losses[name].weight) for name in terms},
    )


def _total(recipe: Recipe, sums: Totals, log_sigmas: Any) -> Float[Array, ""]:
    """The weighting's total; a term without any labelled example drops out."""
    valid = {name: weight > 0 for name, weight in sums.weights.items()}
    return recipe.weighting.total(sums.means(), valid, log_sigmas)


def make_train_step(recipe: Recipe, phase: Phase, params: Any) -> TrainStep:
    """`(state, batch, progress) -> (state, metrics)`, to be jitted with state donated.

    params: a tree with the names and shapes of the parameters, values are not looked
    at.
    progress: share of the phase that is done, 0 to 1.

    Raises:
        ValueError: a rule of `phase.freeze` matches nothing, or all is frozen.
    """
    terms = recipe.terms(phase)
    frozen = paths.matching(params, phase.freeze)
    modules = trained_modules(params, phase)
    transformation = optimizer.transformation(recipe.optimizer, phase, params)

    def still(params: Any) -> Any:
        return jax.tree.map(
            lambda leaf, fixed: jax.lax.stop_gradient(leaf) if fixed else leaf,
            params,
            frozen,
        )

    def forward(
        params: Any, collections: Any, batch: Any, inputs: Any, key: PRNGKey
    ) -> tuple[Totals, Any]:
        outputs, updated = recipe.task.config.model.apply(
            {"params": still(params)["model"], **collections},
            inputs,
            train=modules,
            rngs={"dropout": key},
            mutable=list(collections),
        )
        kept = {
            name: _keep_frozen(collections[name], updated[name], phase)
            for name in collections
        }
        return _sums(recipe, terms, batch, outputs), kept

    def whole(state: TrainState, batch: Any, inputs: Any, key: PRNGKey) -> Any:
        def loss(params: Any) -> tuple[Float[Array, ""], Any]:
            sums, kept = forward(params, state.collections, batch, inputs, key)
            return _total(recipe, sums, still(params)["log_sigmas"]), (sums, kept)

        (total, (sums, kept)), gradients = jax.value_and_grad(loss, has_aux=True)(
            state.params
        )
        return gradients, total, sums, kept

    def in_parts(state: TrainState, batch: Any, inputs: Any, key: PRNGKey) -> Any:
        parts: tuple[Any, Any] = _split((batch, inputs), recipe.accumulate)
        keys = jax.random.split(key, recipe.accumulate)

        def weigh(weights: Terms, part: Any) -> tuple[Terms, None]:
            sums, _ = forward(state.params, state.collections, *part)
            return jax.tree.map(jnp.add, weights, sums.weights), None

        # A first pass for the global weights: they depend on labels, at most on where
        # the model looked, so that XLA drops most of it. Every weighting is linear in
        # the losses; its slope at 0 then makes micro-batch gradients add up exactly.
        zeros = Totals.zeros(terms)
        weights, _ = jax.lax.scan(weigh, zeros.weights, (*parts, keys))
        fixed = jax.lax.stop_gradient(state.params["log_sigmas"])
        slopes = jax.grad(
            lambda values: _total(
                recipe,
                dataclasses.replace(zeros, values=values, weights=weights),
                fixed,
            )
        )(zeros.values)

        def accumulate(carry: Any, part: Any) -> tuple[Any, None]:
            gradients, sums, collections = carry

            def loss(params: Any) -> tuple[Float[Array, ""], Any]:
                found, kept = forward(params, collections, *part)
                total = sum(slopes[name] * found.values[name] for name in terms)
                return jnp.asarray(total), (found, kept)

            gradient, (found, kept) = jax.grad(loss, has_aux=True)(state.params)
            added = jax.tree.map(jnp.add, gradients, gradient)
            return (added, sums.merge(found), kept), None

        start = (jax.tree.map(jnp.zeros_like, state.params), zeros, state.collections)
        (gradients, sums, kept), _ = jax.lax.scan(accumulate, start, (*parts, keys))
        total, of_sigmas = jax.value_and_grad(
            lambda params: _total(recipe, sums, still(params)["log_sigmas"])
        )(state.params)
        gradients = {**gradients, "log_sigmas": of_sigmas["log_sigmas"]}
        return gradients, total, sums, kept

    def step(
        state: TrainState, batch: Any, progress: Float[Array, ""]
    ) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(jax.random.key(recipe.seed), state.step)
        to_augment, to_inputs, to_dropout = jax.random.split(key, 3)
        batch = recipe.task.augment(to_augment, batch)
        inputs = recipe.task.inputs(batch, to_inputs, progress)
        gradients_of = whole if recipe.accumulate == 1 else in_parts
        gradients, total, sums, collections = gradients_of(
            state, batch, inputs, to_dropout
        )
        factor = optimizer.scale(phase.schedule, state.plateau, progress)
        updates, optimizer_state = transformation.update(
            gradients, state.optimizer, state.params
        )
        updates = jax.tree.map(lambda leaf: factor * leaf, updates)
        params: Any = optax.apply_updates(state.params, updates)
        totals = state.totals.merge(
            dataclasses.replace(sums, loss=total, steps=jnp.ones((), jnp.int32))
        )
        metrics = Metrics(
            loss=total,
            terms=sums.means(),
            sigmas=jax.tree.map(jnp.exp, dict(state.params["log_sigmas"])),
            gradient_norm=optax.tree.norm(gradients["model"]),
            learning_rate=factor * phase.learning_rate,
        )
        state = dataclasses.replace(
            state,
            step=state.step + 1,
            params=params,
            collections=collections,
            optimizer=optimizer_state,
            ema=_averaged(recipe, state, params["model"]),
            totals=totals,
        )
        return state, metrics

    return step


def make_validation_step(
    recipe: Recipe, phase: Phase
) -> Callable[[Variables, Any], Any]:
    """`(variables, batch) -> (totals, metrics, predictions)`, in inference mode.

    Predictions are decoded for TensorBoard's pictures only, else they are None.
    """
    terms = recipe.terms(phase)

    def step(variables: Variables, batch: Any) -> tuple[Totals, Any, Any]:
        inputs = recipe.task.inputs(batch, None, jnp.ones(()))
        outputs = recipe.task.config.model.apply(variables, inputs)
        sums = _sums(recipe, terms, batch, outputs)
        shown = recipe.task.decode(outputs, inputs) if recipe.tensorboard else None
        return sums, dict(recipe.task.metrics(outputs, batch)), shown

    return step


def total_of(recipe: Recipe, totals: Totals, params: Any) -> Float[Array, ""]:
    """The loss of merged validation totals, as the weighting now stands."""
    return _total(recipe, totals, params["log_sigmas"])


def _keep_frozen(before: Any, after: Any, phase: Phase) -> Any:
    """Statistics of frozen parts stand still, in partly trained modules too."""
    frozen = paths.matching({"model": before}, phase.freeze, strict=False)["model"]
    return jax.tree.map(
        lambda fixed, old, new: old if fixed else new, frozen, before, after
    )


def _averaged(recipe: Recipe, state: TrainState, params: Any) -> Any:
    if state.ema is None or recipe.ema_decay is None:
        return None
    # The mean of few steps would otherwise be the random start for long.
    decay = jnp.minimum(recipe.ema_decay, (1.0 + state.step) / (10.0 + state.step))
    return optax.incremental_update(params, state.ema, 1.0 - decay)


def _split(tree: Any, parts: int) -> Any:
    """`[b, …]` -> `[parts, b / parts, …]`, each part taking every `parts`-th example.

    So every device keeps the examples it holds.
    """
    sizes = {leaf.shape[:1] for leaf in jax.tree.leaves(tree)}
    if len(sizes) != 1 or sizes == {()}:
        raise ValueError(
            "With `accumulate` each leaf of batch and inputs leads with the batch "
            f"axis, got leading sizes {sorted(sizes)}: set `accumulate=1`."
        )

    def split(leaf: Array) -> Array:
        whole = leaf.reshape(leaf.shape[0] // parts, parts, *leaf.shape[1:])
        return jnp.moveaxis(whole, 1, 0)

    return jax.tree.map(split, tree)
