"""The story of a run: begin or resume, train phase by phase, keep what was reached."""

import dataclasses
import pathlib
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from ttjax import caches, checkpoints
from ttjax.recipe import Phase, Plateau, Recipe
from ttjax.samples import Source
from ttjax.train import (
    devices,
    optimizer,
    provenance,
    report,
    resume,
    state,
    step,
    weights,
)
from ttjax.train.interrupt import Interrupt
from ttjax.train.journal import Journal
from ttjax.train.prefetch import Prefetch
from ttjax.train.state import Book, TrainState
from ttjax.train.validation import Validation
from ttjax.train.watch import Watch


@dataclasses.dataclass(frozen=True)
class Result:
    """Where a run ended.

    step: optimiser steps over all phases.
    loss: of the last epoch: of validation where there is one, else of training.
    metrics: of the last validation.
    finished: all phases are over; False after a signal, which `interrupted_by` names.
    """

    out: pathlib.Path
    step: int
    loss: float | None
    metrics: dict[str, float]
    seconds: float
    finished: bool
    interrupted_by: signal.Signals | None = None


def run(recipe: Recipe, *, display: report.Display | None = None) -> Result:
    """Trains as the recipe says, or continues the run in `recipe.out`.

    Every epoch ends with validation and a checkpoint. SIGTERM and SIGINT end the run
    after the step, with a checkpoint.

    Raises:
        watch.NonFiniteError: a loss or gradient is not finite; the last good checkpoint
        stays. checkpoints.SaveError: a checkpoint could not be written; the last one
        stays.
        OSError: `out` cannot be written.
        ValueError: the recipe cannot run, or the run in `out` was begun with another.
    """
    display = display or report.Display()
    recipe.out.mkdir(parents=True, exist_ok=True)
    if recipe.cache:
        path = caches.keep_compilations()
        display.say(f"compilation cache: {path} ({caches.megabytes(path):.0f} MB)")
    folder = recipe.out / "checkpoints"
    with checkpoints.Store(folder, keep=recipe.keep) as store:
        return _Run(recipe, store, display).go()


class _Run:
    """One run; its methods follow the order of events."""

    def __init__(
        self, recipe: Recipe, store: checkpoints.Store, display: report.Display
    ):
        self.recipe = recipe
        self.store = store
        self.display = display
        self.placement = devices.placement(recipe.batch_size, recipe.accumulate)
        self.spec = recipe.task.spec(recipe.batch_size)
        self.book = Book()
        self.metrics: dict[str, float] = {}
        self.interrupt = Interrupt()
        self.saved: int | None = store.latest

    # Beginning

    def go(self) -> Result:
        latest = self.store.latest
        saved = None if latest is None else self.store.metadata(latest)
        if saved is not None:
            resume.check_same(saved["recipe"], self.recipe, str(self.recipe.out))
            self.book = Book(**saved["book"])
            self.metrics = saved["scores"]
            if self._finished():
                return self._nothing_to_do(saved["step"])
        self.origin = provenance.origin(self.recipe, saved)
        source: Source = self.recipe.data.train(
            self.recipe.task.sample,
            batch_size=self.recipe.batch_size,
            seed=self.recipe.seed,
        )
        if saved is None:
            self.state = self.placement.replicate(self._fresh())
            self.source_state = source.state()
        else:
            self.state = self._restored(saved["step"])
            self.source_state = saved["source"]
            source.restore(self.source_state)
            self.display.say(f"resumed {self.recipe.out} at step {saved['step']}")
        self.number = int(self.state.step)
        with (
            self.interrupt,
            Journal(self.recipe.out, step=self.number) as self.journal,
            Prefetch(source, self._place) as self.batches,
            report.TensorBoard.where(
                self.recipe.out, wanted=self.recipe.tensorboard
            ) as self.tensorboard,
            self.display,
        ):
            self.journal.write("begin", self.number, **self.origin)
            self._phases()
            self.store.wait()
            self.journal.write("end", self.number, finished=self._finished())
        picture = report.draw_curves(self.recipe.out)
        end = f"finished at step {self.number}; curves: {picture}"
        if not self._finished():
            end = f"stopped at step {self.number}, saved; the same command continues"
        self.display.say(end)
        return self._result(self.number)

    def _fresh(self) -> TrainState:
        params, others = self._initial()
        if self.recipe.init is not None:
            variables, told = weights.merge(
                {"params": params["model"], **others},
                weights.read(self.recipe.init, self.recipe.task),
            )
            self.display.say(f"weights of {self.recipe.init}:")
            for line in told.lines():
                self.display.say("  " + line)
            params = {**params, "model": variables["params"]}
            others = {name: variables[name] for name in others}
        first = self._begun(params, others)
        return state.copy_modules(first, self.phase.copy)

    def _restored(self, step_saved: int) -> TrainState:
        shapes = jax.eval_shape(lambda: self._begun(*self._initial()))
        abstract = self.placement.abstract(shapes.parts())
        return TrainState.from_parts(self.store.restore(step_saved, abstract))

    def _initial(self) -> tuple[Any, Any]:
        return state.initial(self.recipe, jax.random.key(self.recipe.seed))

    def _begun(
        self, params: Any, others: Any, *, number: Any = 0, ema: Any = None
    ) -> TrainState:
        return state.begin_phase(
            self.recipe, self.phase, params, others, step=number, ema=ema
        )

    def _nothing_to_do(self, step_saved: int) -> Result:
        self.display.say(
            f"the run in {self.recipe.out} is already finished, at step {step_saved} "
            f"with loss {report.short(self.book.last_loss)}: raise "
            f"`--phases.{self.book.phase}.steps` or `.minutes` to train longer, or "
            "give another `--out`"
        )
        return self._result(step_saved)

    # Phases

    @property
    def phase(self) -> Phase:
        return self.recipe.phases[self.book.phase]

    def _last_phase(self) -> bool:
        return self.book.phase == len(self.recipe.phases) - 1

    def _over(self) -> bool:
        return self.book.progress(self.phase) >= 1.0

    def _finished(self) -> bool:
        return self._last_phase() and self._over()

    def _phases(self) -> None:
        while True:
            if not self._over():
                self._train_phase()
            if self.interrupt.received or self._last_phase():
                return
            self.book.next_phase()
            old = state.copy_modules(self.state, self.phase.copy)
            begun = self._begun(
                old.params, old.collections, number=old.step, ema=old.ema
            )
            self.state = self.placement.replicate(begun)

    def _train_phase(self) -> None:
        phase, every = self.phase, self.recipe.steps_per_epoch
        self.display.begin(phase.name)
        train_step = self._compiled(phase)
        self.validation = Validation(self.recipe, phase, self.placement)
        self.watch = Watch(self.journal, every=max(1, every // 10), phase=phase.name)
        self.epoch_start = self.clock = time.perf_counter()
        self.epoch_first = self.number
        while not self._over():
            batch, source_state = self.batches.next()
            progress = np.float32(self.book.progress(phase))
            self.state, metrics = train_step(self.state, batch, progress)
            self.source_state = source_state
            self.number += 1
            self.book.phase_step += 1
            self.watch.add(self.number, self.book.phase_step, metrics)
            self._tick()
            if self.watch.latest is not None:
                told = self.book.progress(phase), self.book.eta_s(phase)
                self.display.step(*told, _floats(self.watch.latest.terms))
            if self.book.phase_step % every == 0 or self._over():
                self._end_epoch()
            if self.interrupt.received:
                self.watch.flush(self.number)
                if self.saved != self.number:
                    self._save(None)
                return

    def _tick(self) -> None:
        now = time.perf_counter()
        self.book.tick(now - self.clock)
        self.clock = now

    def _compiled(self, phase: Phase) -> Callable[..., Any]:
        function = step.make_train_step(self.recipe, phase, self.state.params)
        everywhere, split = self.placement.everywhere, self.placement.split
        compiled, seconds = devices.compile_ahead(
            function,
            self.state,
            self.spec,
            np.float32(0),
            deterministic=self.recipe.deterministic,
            in_shardings=(everywhere, split, everywhere),
            out_shardings=everywhere,
            donate_argnums=0,
        )
        count = self.placement.mesh.size
        self.display.say(
            f"phase {phase.name!r}: step compiled in {seconds:.1f} s for {count} "
            f"{jax.default_backend()} device{'s' if count > 1 else ''}"
        )
        return compiled

    def _place(self, batch: Any) -> Any:
        devices.check_batch(batch, self.spec)
        return self.placement.scatter(batch)

    # Epochs

    def _end_epoch(self) -> None:
        self.watch.flush(self.number)
        totals = jax.device_get(self.state.totals)
        train_s = time.perf_counter() - self.epoch_start
        loss = float(totals.loss / max(int(totals.steps), 1))
        prepared_s = self.validation.preparation_s
        seen = self.validation(self.state)
        self.clock += self.validation.preparation_s - prepared_s
        self.metrics = {} if seen is None else seen["metrics"]
        judged = loss if seen is None else seen["loss"]
        self.book.epoch += 1
        self.book.judge(judged)
        schedule = self.phase.schedule
        plateau = optimizer.after_epoch(schedule, self.state.plateau, judged)
        if isinstance(schedule, Plateau):
            self.book.plateaued = self.book.waited >= schedule.stop
        self.state = dataclasses.replace(
            self.state,
            plateau=self.placement.replicate(plateau),
            totals=self.placement.replicate(jax.tree.map(np.zeros_like, totals)),
        )
        self._tick()
        last = self.watch.latest
        assert last is not None
        self._tell(
            report.Epoch(
                phase=self.phase.name,
                epoch=self.book.epoch,
                step=self.number,
                progress=self.book.progress(self.phase),
                eta_s=self.book.eta_s(self.phase),
                loss=loss,
                terms=_floats(totals.means()),
                sigmas=_floats(last.sigmas),
                learning_rate=float(last.learning_rate),
                steps_per_s=(self.number - self.epoch_first) / max(train_s, 1e-9),
                seconds=self.book.seconds,
                validation=seen,
                drawn=provenance.shares(self.source_state),
            )
        )
        self._save(checkpoints.Metrics(self.book.phase, judged))
        self.epoch_start = time.perf_counter()
        self.epoch_first = self.number

    def _tell(self, epoch: report.Epoch) -> None:
        fields = dataclasses.asdict(epoch)
        self.journal.write("epoch", fields.pop("step"), **fields)
        self.display.say(epoch.line())
        if self.tensorboard is not None:
            self.tensorboard.epoch(epoch, self.validation.pictures)

    # Keeping

    def _save(self, metrics: checkpoints.Metrics | None) -> None:
        self.saved = self.number
        self.store.save(
            self.number,
            self.state.parts(),
            {
                **self.origin,
                "book": dataclasses.asdict(self.book),
                "scores": self.metrics,
                "source": self.source_state,
            },
            metrics,
        )

    def _result(self, number: int) -> Result:
        return Result(
            out=self.recipe.out,
            step=number,
            loss=self.book.last_loss,
            metrics=self.metrics,
            seconds=self.book.seconds,
            finished=self._finished(),
            interrupted_by=self.interrupt.received,
        )


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
