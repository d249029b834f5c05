"""All that changes during training: on the device as arrays, on the host as a book."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from ttjax import checkpoints
from ttjax.recipe import Phase, Recipe
from ttjax.train import optimizer, paths
from ttjax.typing import PRNGKey, Variables

Scalar = Float[Array | np.ndarray, ""]
"""On the device, or fetched from it."""


@flax.struct.dataclass
class Totals:
    """Sums over the steps of an epoch so far, or over validation batches.

    values, weights: per term, sum(value * weight) and sum(weight) over examples.
    loss: sum of the steps' total losses; `steps` counts them.
    """

    values: Mapping[str, Scalar]
    weights: Mapping[str, Scalar]
    loss: Scalar
    steps: Int32[Array | np.ndarray, ""]

    @classmethod
    def zeros(cls, terms: Sequence[str]) -> "Totals":
        """Nothing summed yet."""
        zeros = {name: jnp.zeros(()) for name in terms}
        return cls(zeros, dict(zeros), jnp.zeros(()), jnp.zeros((), jnp.int32))

    def merge(self, other: "Totals") -> "Totals":
        """The totals of both."""
        return jax.tree.map(jnp.add, self, other)

    def means(self) -> dict[str, Scalar]:
        """Each term's weighted mean, 0 where nothing was labelled."""
        return {
            name: value / jnp.maximum(self.weights[name], 1.0)
            for name, value in self.values.items()
        }


@flax.struct.dataclass
class TrainState:
    """What a step takes and gives.

    step: steps since the run began, over all phases.
    params: `{"model": …, "log_sigmas": …}`.
    collections: the model's other variables, such as `batch_stats`.
    optimizer: the optimiser's state; its tree depends on what the phase freezes.
    plateau: state of the learning rate's plateau, None with other schedules.
    ema: running average of `params["model"]`, None where the recipe wants none.
    """

    step: Int32[Array, ""]
    params: Any
    collections: Any
    optimizer: Any
    plateau: Any
    ema: Any
    totals: Totals

    @property
    def variables(self) -> Variables:
        """The model's variables as they are."""
        return {"params": self.params["model"], **self.collections}

    @property
    def best_variables(self) -> Variables:
        """What validation and inference take: averaged parameters where there are."""
        if self.ema is None:
            return self.variables
        return {**self.variables, "params": self.ema}

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            checkpoints.VARIABLES: self.variables,
            checkpoints.EMA: self.ema,
            checkpoints.TRAINING: {
                "step": self.step,
                "log_sigmas": self.params["log_sigmas"],
                "optimizer": self.optimizer,
                "plateau": self.plateau,
                "totals": self.totals,
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> "TrainState":
        """The inverse of `parts`."""
        variables = dict(parts[checkpoints.VARIABLES])
        training = dict(parts[checkpoints.TRAINING])
        return cls(
            params={
                "model": variables.pop("params"),
                "log_sigmas": training.pop("log_sigmas"),
            },
            collections=variables,
            ema=parts[checkpoints.EMA],
            **training,
        )


@dataclasses.dataclass
class Book:
    """Where a run stands, kept on the host and written into checkpoints as JSON.

    phase: index of the phase; `phase_step` and `phase_seconds` count within it, the
        seconds over all resumes and without compilation.
    best_loss: lowest epoch loss of the phase, `waited` the epochs since.
    plateaued: the phase was ended by its plateau.
    seconds: training time of the whole run.
    """

    phase: int = 0
    phase_step: int = 0
    phase_seconds: float = 0.0
    epoch: int = 0
    best_loss: float | None = None
    last_loss: float | None = None
    waited: int = 0
    plateaued: bool = False
    seconds: float = 0.0

    def progress(self, phase: Phase) -> float:
        """Share of the phase that is done, by steps or by wall time; 1 is the end."""
        if self.plateaued:
            return 1.0
        by_steps = by_time = 0.0
        if phase.steps is not None:
            by_steps = self.phase_step / phase.steps
        if phase.minutes is not None:
            by_time = self.phase_seconds / (60.0 * phase.minutes)
        return min(max(by_steps, by_time), 1.0)

    def eta_s(self, phase: Phase) -> float:
        """Seconds until the phase ends at the pace so far; 0 before the first step."""
        done = self.progress(phase)
        return self.phase_seconds * (1.0 - done) / done if done else 0.0

    def next_phase(self) -> None:
        """Turns to the next phase's page."""
        fresh = Book(phase=self.phase + 1, epoch=self.epoch, seconds=self.seconds)
        self.__dict__.update(fresh.__dict__)

    def tick(self, seconds: float) -> None:
        """Adds training time."""
        self.phase_seconds += seconds
        self.seconds += seconds

    def judge(self, loss: float) -> None:
        """Takes note of an epoch's loss."""
        self.last_loss = loss
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss, self.waited = loss, 0
        else:
            self.waited += 1


def initial(recipe: Recipe, key: PRNGKey) -> tuple[Any, Any]:
    """Fresh `(params, collections)`: of the model, and of the weighting."""
    task = recipe.task
    parameters, dropout, inputs = jax.random.split(key, 3)

    def init() -> Variables:
        batch = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), task.spec(1))
        seen = task.inputs(batch, inputs, jnp.zeros(()))
        return task.config.model.init({"params": parameters, "dropout": dropout}, seen)

    collections = dict(jax.jit(init)())
    params = {
        "model": collections.pop("params"),
        "log_sigmas": recipe.weighting.init(task.loss_terms),
    }
    return params, collections


def copy_modules(state: TrainState, copies: Mapping[str, str]) -> TrainState:
    """Copies modules as a phase begins: parameters, statistics and running average.

    Raises:
        ValueError: a source matches no parameter, or its target does not fit.
    """
    if not copies:
        return state

    def follow(tree: Any) -> Any:
        return paths.copied({"model": tree}, copies, strict=False)["model"]

    return dataclasses.replace(
        state,
        params=paths.copied(state.params, copies),
        collections={name: follow(tree) for name, tree in state.collections.items()},
        ema=None if state.ema is None else follow(state.ema),
    )


def begin_phase(
    recipe: Recipe, phase: Phase, params: Any, collections: Any, *, step: Any, ema: Any
) -> TrainState:
    """The state as a phase begins: a fresh optimiser, schedule and epoch.

    ema: the running average so far; None begins one where the recipe asks for it.

    Raises:
        ValueError: a rule of `phase.freeze` matches nothing, or all is frozen.
    """
    transformation = optimizer.transformation(recipe.optimizer, phase, params)
    if recipe.ema_decay is None:
        ema = None
    elif ema is None:
        ema = params["model"]
    return TrainState(
        step=jnp.asarray(step, jnp.int32),
        params=params,
        collections=collections,
        optimizer=transformation.init(params),
        plateau=optimizer.initial_plateau(phase.schedule),
        ema=ema,
        totals=Totals.zeros(recipe.terms(phase)),
    )
