"""The paper's ablations on one simulated set: Tables 6 to 9, and its ball head.

Commands, all into `--out`, by default runs/ablations:

    python train/ablations.py
    python train/ablations.py --tables 7 heads --seeds 1 --steps 2000 --width 0.5
    python train/ablations.py --quick --tables heads --seeds 1
    python -m ttjax.train train/ablations.py --cell resnet18 --seed 2

The first trains 15 networks from three seeds each, the last one of them. `--quick` is a
trial: two networks took 7 minutes on two busy cores, most of it compiling. A finished
network is not trained again, a stopped one goes on where it was. After each the tables
are written anew: `ablations.md` has ours beside the printed values, with a sentence on
where the ranking differs; `ablations.json` has every seed's scores.

What is equal: the samples (`FixedSet`: 9 frames, of which shorter windows take the
newest), the steps, all heads of a network at once from random weights, Adam at the
paper's rate with a cosine, the losses as printed. What a seed changes: the weights, the
order of the samples, the augmentation. Scores are those of `python -m ttjax.evaluate`
in float32, on every frame of untrimmed rallies that no sample comes from. The paper
does not print its manual weights; ours let every term begin near 1.

Not yet run on a GPU. By arithmetic: a sample of the whole network takes 3 x 5.3 GMAC,
32 GFLOP, so that 45 runs of 6,000 steps of 16, of networks that cost .91 of the whole
on average, are 125 PFLOP: 2.3 hours at an assumed 15 TFLOP/s, to which 15 compilations
come, and 45 times 5,760 full-HD frames of rallies, 45 minutes at an assumed 100 a
second. The set takes 23 GB of the user's cache directory. On 2 CPU cores, at the 1.1
samples/s of `bench/training.py`, it would take six weeks. A trial on two with AVX-512,
2026-11-28, `--width 0.25 --batch-size 8`: 3.1 steps/s of the whole network; after 500
the local ball's loss, as printed, is still what it was after 250: too few to compare.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp

from ttjax import checkpoints, evaluation, predictor, timing
from ttjax.evaluation import beside_paper
from ttjax.losses.weighting import Fixed, LearntSigmas, Sum
from ttjax.pipeline import store
from ttjax.pipeline.fixed_set import FixedSet
from ttjax.recipe import Cosine, Phase, Recipe, Scoring
from ttjax.samples import Window
from ttjax.sim.data import Simulation
from ttjax.train import loop, report
from ttjax.ttnet import config, paper
from ttjax.ttnet.ball_heads import Dense, Marginal
from ttjax.ttnet.encoders import VGG, ResNet18
from ttjax.ttnet.task import Task

Scores = Mapping[str, float]
OUT = pathlib.Path("runs/ablations")
SCORES, SETTINGS = "scores.json", "settings.json"
BALL = ("ball_global", "ball_local")
FRAMES = (1, 3, 5, 7, 9)
EVENTS_AT = (4, 8)
"""The middle of nine frames, and the newest: between them lie the event frames of all
windows, each of which so sees as many events."""
MANUAL = Fixed({"ball_global": 7.0, "ball_local": 1.6, "events": 1.2, "masks": 0.6})
"""One over what each term is before the first step."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A column of a table: what it changes of the paper's network or its training."""

    frames: int = 9
    heads: tuple[str, ...] = config.HEADS
    encoder: VGG | ResNet18 = VGG()
    ball_head: Dense | Marginal = Dense()
    weighting: LearntSigmas | Fixed | Sum = LearntSigmas()


CELLS: Mapping[str, Cell] = {
    "paper": Cell(),
    "resnet18": Cell(encoder=ResNet18()),
    **{f"ball_{n}": Cell(frames=n, heads=BALL) for n in FRAMES},
    **{f"events_{n}": Cell(frames=n, heads=(*BALL, "events")) for n in FRAMES},
    "sum": Cell(weighting=Sum()),
    "manual": Cell(weighting=MANUAL),
    "marginal": Cell(ball_head=Marginal()),
}
"""By name; several tables show `paper`."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "6": ("resnet18", "paper"),
    "7": tuple(f"ball_{n}" for n in FRAMES),
    "8": tuple(f"events_{n}" for n in FRAMES),
    "9": ("sum", "manual", "paper"),
    "heads": ("paper", "marginal"),
}
"""The cells of each of `ttjax.ttnet.paper.TABLES`, column by column."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all networks of a comparison share.

    steps: of training. samples: of the fixed set. width: multiplies all channels.
    rallies, rally_seconds: what is scored.
    """

    steps: int = 6000
    samples: int = 8192
    width: float = 1.0
    batch_size: int = 16
    rallies: int = 12
    rally_seconds: float = 4.0


QUICK = Settings(
    steps=2, samples=16, width=0.125, batch_size=2, rallies=1, rally_seconds=0.15
)


class Stopped(Exception):
    """A signal ended a run before it was finished."""

    def __init__(self, received: signal.Signals | None):
        """Keeps what was received."""
        super().__init__("stopped; the same command continues")
        self.received = received


def recipe(
    cell: str = "paper",
    seed: int = 0,
    settings: Settings = Settings(),
    out: pathlib.Path = OUT,
) -> Recipe:
    """One network of the tables, in a folder of its own below `out`.

    Raises:
        ValueError: there is no such cell.
    """
    if cell not in CELLS:
        raise ValueError(f"A cell is one of {', '.join(CELLS)}, got {cell!r}.")
    one, whole = CELLS[cell], Task(config=config.ttnet()).sample
    task = Task(
        config=config.ttnet(
            window=Window(one.frames),
            heads=one.heads,
            encoder=one.encoder,
            ball_head=one.ball_head,
            width=settings.width,
        )
    )
    data = FixedSet(
        Simulation(seconds=settings.rally_seconds, test_recordings=settings.rallies),
        whole,
        events_at=EVENTS_AT,
        samples=settings.samples,
        draw_size=min(64, settings.samples // len(EVENTS_AT)),
    )
    return Recipe(
        task=task,
        data=data,
        phases=(Phase(steps=settings.steps, schedule=Cosine()),),
        out=folder(out, cell, seed),
        weighting=one.weighting,
        batch_size=settings.batch_size,
        seed=seed,
        steps_per_epoch=max(1, settings.steps // 4),
        keep=1,
        scoring=Scoring(overlays=0),
    )


def folder(out: pathlib.Path, cell: str, seed: int) -> pathlib.Path:
    """Where a network is trained, and its scores are kept."""
    return out / cell / f"seed_{seed}"


def train_and_score(recipe: Recipe) -> Scores:
    """Trains, or goes on; then the evaluator's scores, and the facts of Table 6.

    What is scored is the end of the training; its checkpoints are then removed.

    Raises:
        Stopped: a signal came.
    """
    result = loop.run(recipe)
    if not result.finished:
        raise Stopped(result.interrupted_by)
    found = checkpoints.find(recipe.out, "latest")
    model = predictor.load(found, dtype="float32")
    table = evaluation.evaluate(
        model, recipe.data.recordings("test"), checkpoint=str(found)
    )
    table.write(recipe.out / "evaluation")
    known = {name: entry["value"] for name, entry in table.scores.items()}
    scores = {name: value for name, value in known.items() if math.isfinite(value)}
    shutil.rmtree(recipe.out / "checkpoints")
    network = paper.encoder_facts(recipe.task.config)
    return {**scores, **network, paper.LATENCY: latency_ms(model)}


def latency_ms(model: predictor.Predictor) -> float:
    """Median time of one stack through all heads, its pixels on the device."""
    spec = model.task.spec(1)
    example = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), spec)
    timed = timing.measure(
        model.network.answer, model.variables, example, calls=200, seconds=5.0
    )
    return timed.p50_ms


def run(
    tables: Sequence[str],
    seeds: int,
    settings: Settings,
    out: pathlib.Path,
    *,
    train: Callable[[Recipe], Scores] = train_and_score,
    say: Callable[[str], None] = print,
) -> pathlib.Path:
    """Trains what is missing, seed by seed, and writes the tables after each network.

    Raises:
        Stopped: a signal came.
        ValueError: `out` holds networks of other settings.
    """
    keep_settings(settings, out)
    names = list(dict.fromkeys(cell for table in tables for cell in TABLES[table]))
    wanted = [(cell, seed) for seed in range(seeds) for cell in names]
    left = [one for one in wanted if not (folder(out, *one) / SCORES).is_file()]
    done, spent = len(wanted) - len(left), []
    say(f"{len(wanted)} networks, {done} of them finished")
    for number, (cell, seed) in enumerate(left, 1):
        start = time.perf_counter()
        made = recipe(cell, seed, settings, out)
        scores = train(made)
        made.out.mkdir(parents=True, exist_ok=True)
        about = {"cell": cell, "seed": seed, "stamp": timing.stamp()}
        store.write_json(made.out / SCORES, {**about, "scores": dict(scores)})
        write(tables, seeds, settings, out)
        spent.append(time.perf_counter() - start)
        rest = statistics.fmean(spent) * (len(left) - number)
        say(
            f"[{done + number}/{len(wanted)}] {cell}, seed {seed}: "
            f"{report.clock(spent[-1])}; {report.clock(rest)} left"
        )
    return write(tables, seeds, settings, out)


def keep_settings(settings: Settings, out: pathlib.Path) -> None:
    """Notes what the networks of a folder share.

    Raises:
        ValueError: it holds networks of other settings.
    """
    path, now = out / SETTINGS, dataclasses.asdict(settings)
    if path.is_file() and (before := json.loads(path.read_text())) != now:
        raise ValueError(
            f"Networks that are compared share their settings, {out} was begun with "
            f"{before}, got {now}: give the old ones, or another `--out`."
        )
    out.mkdir(parents=True, exist_ok=True)
    store.write_json(path, now)


def write(
    tables: Iterable[str], seeds: int, settings: Settings, out: pathlib.Path
) -> pathlib.Path:
    """Writes `ablations.json` and `.md` of what is finished; gives the last."""
    found, stamps = {}, []
    for cell in CELLS:
        paths = [folder(out, cell, seed) / SCORES for seed in range(seeds)]
        kept = [json.loads(path.read_text()) for path in paths if path.is_file()]
        found[cell] = [one["scores"] for one in kept]
        stamps += [one["stamp"] for one in kept]
    shown = {
        name: (paper.TABLES[name], [found[cell] for cell in TABLES[name]])
        for name in tables
    }
    content = {
        "settings": dataclasses.asdict(settings),
        "stamps": [s for place, s in enumerate(stamps) if s not in stamps[:place]],
        "cells": {cell: runs for cell, runs in found.items() if runs},
        "tables": {name: beside_paper.entry(*one) for name, one in shown.items()},
    }
    store.write_json(out / "ablations.json", content)
    devices = ", ".join(f"{s['device']}, {s['date']}" for s in content["stamps"])
    terms = ", ".join(f"{k} {v:g}" for k, v in content["settings"].items())
    about = (
        "# Ablations\n\nOurs on simulated rallies (mean ± standard deviation over "
        f"seeds), the paper's on OpenTTGames. {terms}. {devices}.\n"
    )
    texts = [about, *(beside_paper.markdown(*one) for one in shown.values())]
    path = out / "ablations.md"
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what the command line names; 128 + a signal's number where one came."""
    parser = argparse.ArgumentParser(description="The paper's ablations, simulated.")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    for field in dataclasses.fields(Settings):
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(
            flag, type=type(field.default), help=f"{field.default} unless told"
        )
    options = parser.parse_args(argv)
    names = [field.name for field in dataclasses.fields(Settings)]
    given = {name: getattr(options, name) for name in names}
    settings = dataclasses.replace(
        QUICK if options.quick else Settings(),
        **{name: value for name, value in given.items() if value is not None},
    )
    try:
        print(run(options.tables, options.seeds, settings, options.out))
    except Stopped as stopped:
        print(stopped)
        return 128 + (stopped.received or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
