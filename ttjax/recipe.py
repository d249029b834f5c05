"""A recipe: everything that determines a training run, as one frozen object."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Generic, TypeVar

from ttjax.losses.weighting import Fixed, LearntSigmas, Sum
from ttjax.samples import Data
from ttjax.task import Task

TaskT = TypeVar("TaskT", bound=Task)
DataT = TypeVar("DataT", bound=Data)


@dataclasses.dataclass(frozen=True)
class Plateau:
    """Section 6.1: halve after `patience` epochs without a lower loss, stop after `stop`."""

    factor: float = 0.5
    patience: int = 3
    stop: int = 12


@dataclasses.dataclass(frozen=True)
class Cosine:
    """Linear warm-up over a share of the phase, then a half cosine to `floor` times."""

    warmup: float = 0.05
    floor: float = 0.0


@dataclasses.dataclass(frozen=True)
class Constant:
    """The learning rate as it is."""


@dataclasses.dataclass(frozen=True)
class Adam:
    """Adam (section 6.1); with `weight_decay` AdamW, with `clip_norm` clipped globally."""

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of training, until `steps` or, where given, `minutes` of wall time are over.

    Rules are globs over "/"-joined parameter paths ("model/global_*/**"); one that matches
    nothing is an error.

    loss_terms: the terms in force; None means all of the task's.
    freeze: parameters that stand still, their BatchNorm statistics and dropout too.
    copy: target subtree -> source subtree, copied once when the phase begins.
    """

    name: str = "train"
    steps: int = 10_000
    minutes: float | None = None
    loss_terms: tuple[str, ...] | None = None
    freeze: tuple[str, ...] = ()
    copy: Mapping[str, str] = dataclasses.field(default_factory=dict)
    learning_rate: float = 1e-3
    schedule: Plateau | Cosine | Constant = Plateau()


@dataclasses.dataclass(frozen=True)
class Recipe(Generic[TaskT, DataT]):
    """What to train, on what, how, and where the run is kept.

    out: the run's directory: checkpoints, log, plots, table.
    steps_per_epoch: an epoch of an endless source; validation, plateau and checkpoints
        happen at its end.
    init: a checkpoint directory or an .npz/.pth of weights to begin from.
    """

    task: TaskT
    data: DataT
    phases: tuple[Phase, ...] = (Phase(),)
    out: pathlib.Path = pathlib.Path("runs/ttjax")
    weighting: LearntSigmas | Fixed | Sum = LearntSigmas()
    optimizer: Adam = Adam()
    batch_size: int = 16
    seed: int = 0
    steps_per_epoch: int = 100
    accumulate: int = 1
    ema_decay: float | None = None
    keep: int = 2
    init: pathlib.Path | None = None
    tensorboard: bool = False
    deterministic: bool = False
