"""What a run shows and leaves: progress, log, curves."""

import contextlib
import dataclasses
import importlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import rich.console
import rich.progress
from jaxtyping import UInt8

from ttjax.train import curves, journal

PICTURE = "loss.png"


def clock(seconds: float) -> str:
    """`m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def short(value: float | None) -> str:
    """Three digits, as a loss is shown."""
    return "-" if value is None else f"{value:.3g}"


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What is told of an epoch.

    progress: share of the phase that is done; `eta_s` the seconds it will still take.
    terms: mean of each loss term; `sigmas` the learnt ones.
    validation: None without a validation set, else "loss", "terms" and "metrics".
    drawn: share of each class of sample in the run so far, where the data counts them.
    """

    phase: str
    epoch: int
    step: int
    progress: float
    eta_s: float
    loss: float
    terms: Mapping[str, float]
    sigmas: Mapping[str, float]
    learning_rate: float
    steps_per_s: float
    seconds: float
    validation: Mapping[str, Any] | None
    drawn: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def line(self) -> str:
        """One line for the terminal."""
        terms = []
        for name, value in self.terms.items():
            sigma = self.sigmas.get(name)
            terms.append(
                f"{name} {short(value)}" + (f" (sigma {short(sigma)})" if sigma else "")
            )
        parts = [
            f"{self.phase} epoch {self.epoch}",
            f"step {self.step}",
            f"loss {short(self.loss)}",
            *terms,
        ]
        if self.validation is not None:
            told = {"loss": self.validation["loss"], **self.validation["metrics"]}
            shown = ", ".join(f"{name} {short(value)}" for name, value in told.items())
            parts.append(f"validation {shown}")
        parts += [
            f"rate {self.learning_rate:.1e}",
            f"{self.steps_per_s:.3g} steps/s",
            f"ETA {clock(self.eta_s)}",
        ]
        return " | ".join(parts)


class Display:
    """Progress on the terminal: a bar where it is one, a line per epoch everywhere."""

    def __init__(self, console: rich.console.Console | None = None):
        """`console` defaults to standard output."""
        self.console = console or rich.console.Console(highlight=False, soft_wrap=True)
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TextColumn("ETA {task.fields[eta]}  {task.fields[told]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> "Display":
        """Shows the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the bar away."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.console.print(text, markup=False)

    def begin(self, phase: str) -> None:
        """A new bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(phase, total=1.0, eta="-", told="")

    def step(self, progress: float, eta_s: float, terms: Mapping[str, float]) -> None:
        """Moves the bar."""
        if self._task is not None:
            told = " ".join(f"{name} {short(value)}" for name, value in terms.items())
            self._bar.update(
                self._task, completed=progress, eta=clock(eta_s), told=told
            )


def draw_curves(out: pathlib.Path) -> pathlib.Path:
    """Draws `loss.png` from `log.jsonl`: total and terms, in training and validation.

    Raises:
        OSError: the picture cannot be written.
    """
    series: dict[str, list[tuple[float, float]]] = {}

    def add(name: str, step: int, value: float | None) -> None:
        if value is not None:
            series.setdefault(name, []).append((float(step), value))

    for line in journal.read(out):
        if line["kind"] == "steps":
            for term, value in line["terms"].items():
                add(term, line["step"], value)
        if line["kind"] == "epoch" and line["validation"] is not None:
            for term, value in line["validation"]["terms"].items():
                add(f"{term} (validation)", line["step"], value)
    ordered = {name: series[name] for name in sorted(series)}
    curves.write(out / PICTURE, curves.draw(ordered, title="loss per term"))
    return out / PICTURE


class TensorBoard:
    """Scalars and pictures for TensorBoard, in `<out>/tensorboard`.

    Raises:
        ImportError: tensorboardX is not installed, or Pillow, which it needs for
            pictures.
    """

    def __init__(self, out: pathlib.Path):
        """Opens the writer."""
        try:
            import tensorboardX  # pyright: ignore[reportMissingImports]

            # It is imported at the first picture only, when an epoch would be lost.
            importlib.import_module("PIL.Image")
        except ImportError as error:
            raise ImportError(
                "TensorBoard files are written by tensorboardX, their pictures by "
                f"Pillow, got {str(error)!r}: `pip install tensorboardX pillow`, or "
                "leave out `--tensorboard`."
            ) from None
        self._writer = tensorboardX.SummaryWriter(str(out / "tensorboard"))

    @classmethod
    @contextlib.contextmanager
    def where(
        cls, out: pathlib.Path, *, wanted: bool
    ) -> Iterator["TensorBoard | None"]:
        """The writer if it is wanted, closed in the end."""
        writer = cls(out) if wanted else None
        try:
            yield writer
        finally:
            if writer is not None:
                writer.close()

    def epoch(
        self, epoch: Epoch, pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]] = ()
    ) -> None:
        """Writes an epoch's numbers, and its pictures as `overlay/<index>`."""
        groups: Sequence[tuple[str, Mapping[str, Any]]] = [
            ("train", {"loss": epoch.loss, **epoch.terms}),
            ("sigma", epoch.sigmas),
            ("", {"learning_rate": epoch.learning_rate}),
        ]
        if epoch.validation is not None:
            seen = epoch.validation
            told = {"loss": seen["loss"], **seen["terms"], **seen["metrics"]}
            groups = [*groups, ("validation", told)]
        for group, values in groups:
            for name, value in values.items():
                tag = f"{group}/{name}" if group else name
                self._writer.add_scalar(tag, value, epoch.step)
        for index, picture in enumerate(pictures):
            tag = f"overlay/{index}"
            self._writer.add_image(tag, picture, epoch.step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Closes the files."""
        self._writer.close()
