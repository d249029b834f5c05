"""A recipe: everything that determines a training run, as one frozen object.

A recipe file defines `recipe() -> Recipe`; `python -m ttjax.train FILE` runs it, and
each field below is a flag. The same recipe in the same `out` continues where the run
stopped.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Generic, TypeVar

from ttjax.losses.weighting import Fixed, LearntSigmas, Sum
from ttjax.samples import Data
from ttjax.task import Task

TaskT = TypeVar("TaskT", bound=Task)
DataT = TypeVar("DataT", bound=Data)


def _check(holds: bool, invariant: str, received: object) -> None:
    if not holds:
        raise ValueError(f"{invariant}, got {received!r}.")


@dataclasses.dataclass(frozen=True)
class Plateau:
    """Halves the learning rate where the loss stands still (TTNet, section 6.1).

    The loss is the validation loss where there is a validation set, else the training
    loss, each of a whole epoch.

    Attributes:
        factor: The learning rate is multiplied by this.
        patience: Epochs without a lower loss before that happens.
        stop: Epochs without a lower loss that end the phase.
    """

    factor: float = 0.5
    patience: int = 3
    stop: int = 12

    def __post_init__(self):
        """Checks the ranges."""
        _check(
            0 < self.factor < 1, "Plateau's `factor` is between 0 and 1", self.factor
        )
        _check(self.patience >= 1, "Plateau's `patience` is at least 1", self.patience)
        _check(self.stop >= 1, "Plateau's `stop` is at least 1", self.stop)


@dataclasses.dataclass(frozen=True)
class Cosine:
    """Linear warm-up, then a half cosine over the rest of the phase.

    Attributes:
        warmup: Share of the phase in which the learning rate grows to its full value.
        floor: Share of the learning rate that is left at the end.
    """

    warmup: float = 0.05
    floor: float = 0.0

    def __post_init__(self):
        """Checks the ranges."""
        _check(0 <= self.warmup < 1, "Cosine's `warmup` is in [0, 1)", self.warmup)
        _check(0 <= self.floor <= 1, "Cosine's `floor` is in [0, 1]", self.floor)


@dataclasses.dataclass(frozen=True)
class Constant:
    """The learning rate as it is."""


@dataclasses.dataclass(frozen=True)
class Steps:
    """Exponential warm-up, then the learning rate falls in steps (DeepSportLab).

    Attributes:
        warmup: Share of the phase in which the rate grows from a thousandth.
        decays: Shares of the phase after which it is multiplied by `factor`.
        factor: Of each decay.
    """

    warmup: float = 0.004
    decays: tuple[float, ...] = (0.88, 0.96)
    factor: float = 0.1

    def __post_init__(self):
        """Checks the ranges."""
        _check(0 <= self.warmup < 1, "Steps' `warmup` is in [0, 1)", self.warmup)
        _check(0 < self.factor <= 1, "Steps' `factor` is in (0, 1]", self.factor)
        _check(
            all(0 <= share <= 1 for share in self.decays),
            "Steps' `decays` are shares of the phase, 0 to 1",
            self.decays,
        )


@dataclasses.dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum (DeepSportLab, section 4).

    Attributes:
        momentum: Decay of the running sum of gradients.
        nesterov: Looks ahead by one momentum step.
        weight_decay: Added to the gradient of every parameter of the model.
        clip_norm: Gradients of the model are scaled down to this global norm.
        sigma_learning_rate: Of the learnt log-sigmas, a group of their own that Adam
            optimises: plain SGD on them diverges.
    """

    momentum: float = 0.95
    nesterov: bool = True
    weight_decay: float = 1e-5
    clip_norm: float | None = None
    sigma_learning_rate: float = 1e-2


@dataclasses.dataclass(frozen=True)
class Adam:
    """Adam (TTNet, section 6.1), decoupled weight decay and clipping as options.

    Attributes:
        b1: Decay of the running mean of gradients.
        b2: Decay of the running mean of squared gradients.
        eps: Added to the root of the second moment.
        weight_decay: AdamW's, on parameters of two and more axes.
        clip_norm: Gradients of the model are scaled down to this global norm.
        sigma_learning_rate: Of the learnt log-sigmas, a group of their own; the phase's
            schedule scales it too.
    """

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None
    sigma_learning_rate: float = 1e-2


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of training, until `steps` or `minutes` are over, the first that comes.

    Rules are globs over "/"-joined parameter names: `*` stays within one name, `**`
    does not, and a rule for a module holds for all inside ("model/global_*"). A rule
    that matches nothing is an error.

    Attributes:
        name: Shown in logs.
        steps: Optimiser steps; None leaves the end to `minutes`.
        minutes: Wall time of training and validation, over all resumes; compilation
            is not counted.
        loss_terms: The terms in force; None means all of the task's.
        freeze: Rules for what stands still, BatchNorm statistics and dropout too.
        copy: Source module -> target module, copied once when the phase begins.
        learning_rate: The optimiser's step size.
        schedule: Multiplies the learning rate.
    """

    name: str = "train"
    steps: int | None = 10_000
    minutes: float | None = None
    loss_terms: tuple[str, ...] | None = None
    freeze: tuple[str, ...] = ()
    copy: Mapping[str, str] = dataclasses.field(default_factory=dict)
    learning_rate: float = 1e-3
    schedule: Plateau | Cosine | Steps | Constant = Plateau()

    def __post_init__(self):
        """Checks that the phase ends."""
        _check(
            self.steps is not None or self.minutes is not None,
            "A phase ends: it has `steps` or `minutes`",
            (self.steps, self.minutes),
        )
        for name in ("steps", "minutes"):
            value = getattr(self, name)
            _check(
                value is None or value > 0, f"A phase's `{name}` are positive", value
            )


@dataclasses.dataclass(frozen=True)
class Scoring:
    """What follows a finished run: the table on the data's test recordings.

    Attributes:
        overlays: So many recordings get an overlay video.
        baselines: Scores a constant position and background subtraction as well.
    """

    overlays: int = 1
    baselines: bool = False


@dataclasses.dataclass(frozen=True)
class Recipe(Generic[TaskT, DataT]):
    """What to train, on what, how, and where the run is kept.

    Attributes:
        task: What is learnt: model, targets, losses, metrics.
        data: Where samples come from.
        phases: Stretches of training, one after the other.
        out: The run's directory: checkpoints, log.jsonl, loss.png.
        weighting: How the losses become one number.
        optimizer: Which, and its constants.
        batch_size: Examples per step, over all devices.
        seed: Of the weights, the augmentation and the order of the data.
        steps_per_epoch: An epoch of an endless source; validation, plateau and
            checkpoint happen at its end.
        accumulate: Each step's batch is worked off in so many parts, to save memory.
        ema_decay: Keeps a running average of the parameters with this decay, which
            validation and inference then use.
        keep: So many latest checkpoints are kept, and the best.
        init: A checkpoint directory, the name of weights that ship, or an .npz or .pth
            to begin from.
        tensorboard: Writes TensorBoard files into `out` too.
        deterministic: The same bits in every run on a GPU, too, at some cost.
        cache: Compiled steps are kept in the user's cache directory.
        scoring: What the command scores when the run is finished; None: nothing.
    """

    task: TaskT
    data: DataT
    phases: tuple[Phase, ...] = (Phase(),)
    out: pathlib.Path = pathlib.Path("runs/ttjax")
    weighting: LearntSigmas | Fixed | Sum = dataclasses.field(
        default_factory=LearntSigmas
    )
    optimizer: Adam | SGD = Adam()
    batch_size: int = 16
    seed: int = 0
    steps_per_epoch: int = 100
    accumulate: int = 1
    ema_decay: float | None = None
    keep: int = 2
    init: pathlib.Path | None = None
    tensorboard: bool = False
    deterministic: bool = False
    cache: bool = True
    scoring: Scoring | None = Scoring()

    def __post_init__(self):
        """Checks what can be checked before anything is built."""
        _check(len(self.phases) > 0, "A recipe has at least one phase", self.phases)
        for name in ("batch_size", "steps_per_epoch", "accumulate", "keep"):
            value = getattr(self, name)
            _check(value >= 1, f"`{name}` is at least 1", value)
        _check(
            self.batch_size % self.accumulate == 0,
            "`accumulate` divides `batch_size`",
            (self.accumulate, self.batch_size),
        )
        decay = self.ema_decay
        _check(decay is None or 0 < decay < 1, "`ema_decay` is between 0 and 1", decay)
        for phase in self.phases:
            unknown = set(phase.loss_terms or ()) - set(self.task.loss_terms)
            _check(
                not unknown,
                f"A phase's `loss_terms` are among the task's {self.task.loss_terms}",
                tuple(sorted(unknown)),
            )

    def terms(self, phase: Phase) -> tuple[str, ...]:
        """The loss terms in force in a phase."""
        return phase.loss_terms or tuple(self.task.loss_terms)
