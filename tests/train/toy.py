"""A third family, as small as can be: two regressions from bytes, and its data."""

import dataclasses
import os
import pathlib
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from ttjax import metrics, registry
from ttjax.losses.term import Term
from ttjax.recipe import Constant, Phase, Recipe
from ttjax.samples import ClipSpec, Window

FEATURES = 6


@flax.struct.dataclass
class Batch:
    x: Any
    y: Any
    known: Any


class Block(nn.Module):
    width: int
    dropout: float
    norm: bool

    @nn.compact
    def __call__(self, x, train: bool):
        x = nn.Dense(self.width)(x)
        if self.norm:
            x = nn.BatchNorm(use_running_average=not train)(x)
        return nn.Dropout(self.dropout, deterministic=not train)(nn.tanh(x))


class Model(nn.Module):
    width: int
    dropout: float
    norm: bool

    @nn.compact
    def __call__(self, inputs, train: frozenset[str] = frozenset()):
        def block(name: str):
            module = Block(self.width, self.dropout, self.norm, name=name)
            return module(inputs, name in train)

        first = nn.Dense(1, name="first")(block("trunk"))
        second = nn.Dense(1, name="second")(block("twin"))
        return {"first": first[:, 0], "second": second[:, 0]}


@registry.register("toy.Config")
@dataclasses.dataclass(frozen=True)
class Config:
    width: int = 4
    dropout: float = 0.0
    norm: bool = True

    @property
    def model(self) -> Model:
        return Model(self.width, self.dropout, self.norm)


@registry.register("toy.Task")
@dataclasses.dataclass(frozen=True)
class Task:
    """Learns two numbers."""

    config: Config = dataclasses.field(default_factory=Config)
    loss_terms: tuple[str, ...] = ("first", "second")
    jitter: float = 0.0

    @property
    def window(self) -> Window:
        return Window(frames=1)

    @property
    def sample(self) -> ClipSpec:
        return ClipSpec(self.window, (1, FEATURES), None, (), ())

    def spec(self, batch_size: int) -> Batch:
        def leaf(dtype, *shape):
            return jax.ShapeDtypeStruct((batch_size, *shape), dtype)

        return Batch(
            x=leaf(np.uint8, FEATURES),
            y=leaf(np.float32, 2),
            known=leaf(np.float32, 2),
        )

    def augment(self, key, batch):
        noise = self.jitter * jax.random.normal(key, batch.y.shape)
        return dataclasses.replace(batch, y=batch.y + noise)

    def inputs(self, batch, key, progress):
        return batch.x.astype(jnp.float32) / 127.5 - 1.0

    def targets(self, batch, outputs):
        return batch

    def losses(self, outputs, targets):
        return {
            name: Term(jnp.square(outputs[name] - targets.y[:, i]), targets.known[:, i])
            for i, name in enumerate(("first", "second"))
        }

    def metrics(self, outputs, batch):
        error = jnp.abs(outputs["first"] - batch.y[:, 0])
        return {"error": metrics.Mean.of(error, batch.known[:, 0])}

    def decode(self, outputs, inputs):
        return outputs

    def for_inference(self, variables, dtype):
        return self, variables

    def records(self, predictions) -> Sequence[Any]:
        return [[(0, {"first": float(value)})] for value in predictions["first"]]

    def overlay(self, batch, predictions) -> Sequence[Any]:
        """What was seen, then bright where `first` is predicted to be positive."""
        rows = np.concatenate(
            [batch.x, 255 * (predictions["first"] > 0)[:, None].astype(np.uint8)], 1
        )
        return [np.repeat(row[None, :, None], 3, axis=2) for row in rows[:2]]

    def evaluator(self) -> Any:
        return None


def batch_of(rng: np.random.Generator, size: int, noise: float = 0.0) -> Batch:
    x = rng.integers(0, 256, (size, FEATURES), dtype=np.uint8)
    seen = x.astype(np.float32) / 127.5 - 1.0
    y = np.stack([seen[:, :3].mean(1), seen[:, 0] * seen[:, 1]], axis=1)
    y = y + noise * rng.normal(size=y.shape)
    return Batch(x=x, y=y.astype(np.float32), known=np.ones((size, 2), np.float32))


class Source:
    def __init__(self, data: "Data", batch_size: int, seed: int):
        self.data, self.size, self.seed = data, batch_size, seed
        self.index = 0
        self.restored = False

    def next_batch(self) -> Batch:
        rng = np.random.default_rng((self.seed, self.index))
        batch = batch_of(rng, self.size, self.data.noise)
        if self.index == self.data.signal_at and not self.restored:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.data.delay_s:
            time.sleep(self.data.delay_s)
        if self.index == self.data.poison_at:
            batch = dataclasses.replace(
                batch, y=batch.y * np.array([1.0, np.nan], np.float32)
            )
        self.index += 1
        return batch

    def state(self) -> dict[str, Any]:
        return {"index": self.index}

    def restore(self, state: dict[str, Any]) -> None:
        self.index = state["index"]
        self.restored = True


@registry.register("toy.Data")
@dataclasses.dataclass(frozen=True)
class Data:
    """Draws examples.

    Attributes:
        noise: Of the labels.
        poison_at: A batch whose second label is not a number.
        signal_at: SIGTERM comes while this batch is made, unless the run was resumed.
        delay_s: It takes this long to make a batch.
        batches: Of the validation set.
    """

    noise: float = 0.0
    poison_at: int = -1
    signal_at: int = -1
    delay_s: float = 0.0
    batches: int = 0

    def train(self, spec: Any, *, batch_size: int, seed: int) -> Source:
        return Source(self, batch_size, seed)

    def validation(self, spec: Any, *, batch_size: int) -> Iterator[Batch]:
        for index in range(self.batches):
            yield batch_of(np.random.default_rng((99, index)), batch_size)

    def recordings(self, split: str) -> list[Any]:
        return []


def recipe(out: pathlib.Path, **fields: Any) -> Recipe:
    """A run that takes a second once it is compiled."""
    settings: dict[str, Any] = {
        "task": Task(),
        "data": Data(),
        "phases": (Phase(steps=20, learning_rate=1e-2, schedule=Constant()),),
        "batch_size": 8,
        "steps_per_epoch": 10,
        "cache": False,
        "out": out,
    }
    return Recipe(**(settings | fields))
