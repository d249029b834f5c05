"""Looks at every step's numbers, one step late: the device is never waited for."""

import collections
import math

import jax
import numpy as np

from ttjax.train.journal import Journal
from ttjax.train.step import Metrics


class NonFiniteError(ValueError):
    """A loss or gradient is no longer a number."""


class Watch:
    """Fetches the metrics of finished steps, checks them, logs their means."""

    def __init__(self, journal: Journal, *, every: int, phase: str):
        """A line is logged where the step within the phase is a multiple of `every`."""
        self._journal = journal
        self._every = every
        self._phase = phase
        self._in_flight: collections.deque[tuple[int, int, Metrics]] = (
            collections.deque()
        )
        self._recent: list[Metrics] = []
        self.latest: Metrics | None = None

    def add(self, step: int, phase_step: int, metrics: Metrics) -> None:
        """Takes a step's metrics, and settles all but this one.

        Raises:
            NonFiniteError: an earlier step's loss or gradient is not finite.
        """
        self._in_flight.append((step, phase_step, metrics))
        self._settle(1)

    def flush(self, step: int) -> None:
        """Settles all and logs what has not been logged.

        Raises:
            NonFiniteError: a loss or gradient is not finite.
        """
        self._settle(0)
        self._log(step)

    def _settle(self, in_flight: int) -> None:
        while len(self._in_flight) > in_flight:
            step, phase_step, on_device = self._in_flight.popleft()
            metrics = jax.device_get(on_device)
            problem = not_finite(metrics)
            if problem:
                raise NonFiniteError(
                    f"Losses and gradients stay finite, {problem} is not at step "
                    f"{step} (phase {self._phase!r}); checkpoints before it stay. "
                    "Lower the learning rate, set `--optimizer.clip-norm 1`, or look "
                    "at the data."
                )
            self._recent.append(metrics)
            self.latest = metrics
            if phase_step % self._every == 0:
                self._log(step)

    def _log(self, step: int) -> None:
        if not self._recent:
            return
        means = jax.tree.map(lambda *leaves: float(np.mean(leaves)), *self._recent)
        self._recent = []
        self._journal.write(
            "steps",
            step,
            loss=means.loss,
            terms=means.terms,
            sigmas=means.sigmas,
            gradient_norm=means.gradient_norm,
            learning_rate=means.learning_rate,
        )


def not_finite(metrics: Metrics) -> str:
    """What is not finite, as the subject of a sentence; empty where all is well."""
    wrong = [name for name, value in metrics.terms.items() if not math.isfinite(value)]
    if wrong:
        return f"the loss of {', '.join(wrong)}"
    if not math.isfinite(metrics.loss):
        return "the total loss"
    return "" if math.isfinite(metrics.gradient_norm) else "the gradient"
