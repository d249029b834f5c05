import dataclasses
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import types

import jax
import numpy as np
import pytest
import rich.console

from tests.train import toy
from ttjax import checkpoints
from ttjax.recipe import Adam, Constant, Cosine, Phase, Plateau, Recipe
from ttjax.train import journal, loop, report, watch

ROOT = pathlib.Path(__file__).parents[2]

PHASES = (
    Phase("global", steps=15, learning_rate=1e-2, schedule=Cosine()),
    Phase(
        "local",
        steps=13,
        learning_rate=1e-2,
        freeze=("model/trunk",),
        copy={"model/trunk": "model/twin"},
        schedule=Plateau(),
    ),
)


def hard(out: pathlib.Path, **data) -> Recipe:
    """Everything that a resumed run could get wrong, in one recipe."""
    return toy.recipe(
        out,
        task=toy.Task(toy.Config(dropout=0.3), jitter=0.05),
        data=toy.Data(noise=0.1, batches=1, **data),
        phases=PHASES,
        steps_per_epoch=6,
        ema_decay=0.9,
    )


def run(recipe: Recipe) -> tuple[loop.Result, str]:
    told = io.StringIO()
    console = rich.console.Console(file=told, width=400)
    result = loop.run(recipe, display=report.Display(console))
    return result, told.getvalue()


def everything(out: pathlib.Path):
    """All variables of the last checkpoint, averaged and not."""
    return [
        checkpoints.load_variables(out, "latest", ema=averaged)
        for averaged in (True, False)
    ]


def numbers(out: pathlib.Path) -> list[dict]:
    """What the log says of steps and epochs, without the clock."""
    clock = ("seconds", "eta_s", "steps_per_s")
    return [
        {key: value for key, value in line.items() if key not in clock}
        for line in journal.read(out)
        if line["kind"] in ("steps", "epoch")
    ]


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    result, _ = run(hard(out))
    assert result.finished
    return out


def test_a_family_from_elsewhere_learns_and_leaves_its_traces(tmp_path: pathlib.Path):
    phase = Phase(steps=60, learning_rate=1e-2, schedule=Constant())
    recipe = toy.recipe(tmp_path, phases=(phase,), data=toy.Data(batches=2))
    result, told = run(recipe)
    assert result.finished
    assert result.step == 60
    epochs = [line for line in journal.read(tmp_path) if line["kind"] == "epoch"]
    assert [epoch["step"] for epoch in epochs] == [10, 20, 30, 40, 50, 60]
    first, last = epochs[0]["validation"], epochs[-1]["validation"]
    assert sum(last["terms"].values()) < 0.8 * sum(first["terms"].values())
    assert last["metrics"]["error"] == result.metrics["error"]
    assert result.loss == last["loss"]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "step compiled in" in told
    assert "sigma" in told
    assert "ETA" in told
    task, variables, metadata = checkpoints.load(tmp_path, "latest")
    assert task == recipe.task
    assert metadata["step"] == 60
    assert set(variables) == {"params", "batch_stats"}
    result, told = run(recipe)
    assert "already finished, at step 60" in told
    assert result.finished
    assert (tmp_path / "log.jsonl").read_text().count('"begin"') == 1


def test_a_run_that_was_stopped_and_continued_equals_one_that_was_not(
    tmp_path: pathlib.Path, whole: pathlib.Path
):
    before = signal.getsignal(signal.SIGTERM)
    result, told = run(hard(tmp_path, signal_at=10))
    assert signal.getsignal(signal.SIGTERM) is before
    assert not result.finished
    assert result.interrupted_by is signal.SIGTERM
    assert 8 <= result.step <= 12
    assert "the same command continues" in told
    with pytest.raises(ValueError, match=r"data\.signal_at: 10 then, -1 now"):
        run(hard(tmp_path))
    result, told = run(hard(tmp_path, signal_at=10))
    assert f"resumed {tmp_path}" in told
    assert result.finished
    assert_same(everything(tmp_path), everything(whole))
    epochs = [
        [line for line in numbers(out) if line["kind"] == "epoch"]
        for out in (tmp_path, whole)
    ]
    assert epochs[0] == epochs[1]


SCRIPT = """
import pathlib, sys
from tests.train import test_loop
from ttjax.train import loop
loop.run(test_loop.hard(pathlib.Path(sys.argv[1]), delay_s=float(sys.argv[2])))
"""


def start(out: pathlib.Path, cache: str, delay_s: float) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out), str(delay_s)],
        cwd=ROOT,
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": cache},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_a_killed_run_continued_equals_one_that_was_not(
    tmp_path: pathlib.Path, whole: pathlib.Path, compiled_once: str
):
    process = start(tmp_path, compiled_once, 0.1)
    deadline = time.monotonic() + 60
    while not (tmp_path / "checkpoints" / "12").is_dir():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    latest = checkpoints.find(tmp_path, "latest").name
    assert 12 <= int(latest) < 28
    result, told = run(hard(tmp_path, delay_s=0.1))
    assert f"at step {latest}" in told
    assert result.finished
    assert_same(everything(tmp_path), everything(whole))
    assert numbers(tmp_path) == numbers(whole)


def test_a_loss_that_is_not_finite_ends_the_run_by_name(tmp_path: pathlib.Path):
    recipe = toy.recipe(tmp_path, data=toy.Data(poison_at=13))
    with pytest.raises(watch.NonFiniteError, match="the loss of second is not at") as e:
        run(recipe)
    assert "step 14 (phase 'train')" in str(e.value)
    assert checkpoints.find(tmp_path, "latest").name == "10"


def test_a_plateau_ends_its_phase(tmp_path: pathlib.Path):
    phase = Phase(steps=1000, learning_rate=0.0, schedule=Plateau(patience=1, stop=2))
    recipe = toy.recipe(
        tmp_path,
        task=toy.Task(toy.Config(norm=False)),
        data=toy.Data(batches=1),
        phases=(phase,),
        steps_per_epoch=2,
        optimizer=Adam(sigma_learning_rate=0.0),
    )
    result, _ = run(recipe)
    assert result.finished
    assert result.step == 6
    epochs = [line for line in journal.read(tmp_path) if line["kind"] == "epoch"]
    assert len({epoch["loss"] for epoch in epochs}) == 3
    assert len({epoch["validation"]["loss"] for epoch in epochs}) == 1


def test_a_phase_can_last_for_minutes_over_all_resumes(tmp_path: pathlib.Path):
    phase = Phase(steps=None, minutes=1.2 / 60, learning_rate=1e-2, schedule=Constant())
    data = toy.Data(delay_s=0.02, signal_at=5)
    recipe = toy.recipe(tmp_path, phases=(phase,), steps_per_epoch=1000, data=data)
    first, _ = run(recipe)
    assert not first.finished
    second, _ = run(recipe)
    assert second.finished
    assert 1.2 <= second.seconds < 5.0
    assert second.step > first.step > 0
    longer = dataclasses.replace(phase, minutes=1.5 / 60)
    third, _ = run(dataclasses.replace(recipe, phases=(longer,)))
    assert third.seconds > second.seconds


def test_weights_of_another_run_are_taken_where_they_fit(
    tmp_path: pathlib.Path, whole: pathlib.Path
):
    phase = Phase(steps=1, learning_rate=1e-2, schedule=Constant())
    _, told = run(toy.recipe(tmp_path, phases=(phase,), init=whole))
    assert "arrays taken" in told
    assert "matched  params/trunk/Dense_0/kernel" in told
    best = checkpoints.load_variables(whole)["params"]
    here = checkpoints.load_variables(tmp_path)["params"]
    # A step of Adam is no longer than the learning rate.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=0.011), here, best)


def test_what_cannot_be_written_stops_before_the_work(tmp_path: pathlib.Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        run(toy.recipe(tmp_path / "file" / "run"))


def test_the_log_is_json_lines(whole: pathlib.Path):
    text = (whole / "log.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["kind"] == "begin"
    assert lines[0]["recipe"]["type"] == "Recipe"
    assert lines[-1] == {"kind": "end", "step": 28, "finished": True}
    steps = [line for line in lines if line["kind"] == "steps"]
    assert [line["step"] for line in steps] == list(range(1, 29))
    assert set(steps[0]) >= {"loss", "terms", "sigmas", "gradient_norm"}


def test_tensorboard_gets_one_set_of_pictures_per_epoch(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    images = []

    class SummaryWriter:
        def __init__(self, path: str):
            self.close = self.flush = lambda: None

        def add_scalar(self, tag: str, value: float, step: int):
            assert np.isfinite(value), tag

        def add_image(self, tag: str, picture, step: int, dataformats: str):
            images.append((step, tag, picture.shape, picture.dtype))

    fake = types.SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "tensorboardX", fake)
    monkeypatch.setitem(sys.modules, "PIL.Image", types.ModuleType("PIL.Image"))
    run(toy.recipe(tmp_path, data=toy.Data(batches=2), tensorboard=True))
    shape = (1, toy.FEATURES + 1, 3)
    assert images == [
        (step, f"overlay/{index}", shape, np.uint8)
        for step in (10, 20)
        for index in range(2)
    ]
