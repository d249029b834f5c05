import os
import pathlib
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.train import toy
from ttjax import checkpoints, registry

ROOT = pathlib.Path(__file__).parents[1]


TASK = toy.Task(toy.Config(width=7))


def parts(scale: float, *, averaged: bool = True) -> dict:
    params = {"dense": {"kernel": scale * jnp.ones((2, 3))}, "bias": jnp.zeros(3)}
    return {
        "variables": {"params": params, "batch_stats": {"mean": jnp.full((2,), scale)}},
        "ema": jax.tree.map(lambda leaf: leaf - 1, params) if averaged else None,
        "training": {"optimizer": optax.adam(1.0).init(params), "nothing": {}},
    }


METADATA = {"recipe": {"task": registry.encode(TASK)}, "clock": {"seconds": 1.5}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("run")
    losses = {1: 3.0, 2: 1.0, 3: 2.0, 4: 4.0, 5: None}
    with checkpoints.Store(out / "checkpoints", keep=2) as store:
        for step, loss in losses.items():
            metrics = None if loss is None else checkpoints.Metrics(0, loss)
            store.save(step, parts(step), METADATA, metrics)
    return out


def sharded(tree):
    one = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=one), tree
    )


def test_the_latest_and_the_best_are_kept(run: pathlib.Path):
    with checkpoints.Store(run / "checkpoints") as store:
        assert store.steps == (2, 4, 5)
        assert store.latest == 5
        assert store.metadata(2) == METADATA | {
            "step": 2,
            "metrics": {"phase": 0, "loss": 1.0},
        }


def test_every_part_comes_back_as_it_was(run: pathlib.Path):
    saved = parts(4)
    with checkpoints.Store(run / "checkpoints") as store:
        restored = store.restore(4, sharded(saved))
    assert jax.tree.structure(restored) == jax.tree.structure(saved)
    jax.tree.map(np.testing.assert_array_equal, restored, saved)


def test_load_gives_task_variables_and_metadata(run: pathlib.Path):
    task, variables, metadata = checkpoints.load(run)
    assert task == TASK
    assert metadata["step"] == 2
    np.testing.assert_array_equal(variables["params"]["dense"]["kernel"], 1.0)
    np.testing.assert_array_equal(variables["batch_stats"]["mean"], 2.0)
    assert checkpoints.load_task(run, "latest") == TASK
    raw = checkpoints.load_variables(run, "latest", ema=False)
    np.testing.assert_array_equal(raw["params"]["dense"]["kernel"], 5.0)


def test_metadata_alone_are_those_of_the_chosen_checkpoint(run: pathlib.Path):
    assert checkpoints.load_metadata(run)["step"] == 2
    assert checkpoints.load_metadata(run, "latest")["step"] == 5


def test_a_later_phase_beats_a_lower_loss():
    ranks = [checkpoints.Metrics(*m).rank() for m in ((0, 0.1), (1, 3.0), (1, 2.0))]
    assert ranks == sorted(ranks)


def test_find_takes_a_run_its_folder_or_one_checkpoint(run: pathlib.Path):
    folder = run / "checkpoints"
    assert checkpoints.find(run) == checkpoints.find(folder) == folder / "2"
    assert checkpoints.find(str(run), "latest") == folder / "5"
    assert checkpoints.find(folder / "4") == folder / "4"


def test_where_no_checkpoint_is_the_error_says_so(tmp_path: pathlib.Path):
    with pytest.raises(FileNotFoundError, match="is none: give a run's"):
        checkpoints.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        checkpoints.load(tmp_path)


def test_a_checkpoint_of_another_configuration_is_refused(run: pathlib.Path):
    other = sharded(parts(1))
    other["variables"]["params"]["bias"] = jax.ShapeDtypeStruct((4,), jnp.float32)
    with (
        checkpoints.Store(run / "checkpoints") as store,
        pytest.raises(ValueError, match=r"params/bias \(3,\) instead of \(4,\)"),
    ):
        store.restore(4, other)


def test_donated_arrays_are_saved_as_they_were(tmp_path: pathlib.Path):
    step = jax.jit(lambda x: x + 1.0, donate_argnums=0)
    x = jnp.zeros((1000,))
    with checkpoints.Store(tmp_path / "checkpoints") as store:
        store.save(1, {"variables": {"params": {"x": x}}}, METADATA)
        for _ in range(5):
            x = step(x)
    saved = checkpoints.load_variables(tmp_path)
    np.testing.assert_array_equal(saved["params"]["x"], np.zeros(1000))


WRITER = """
import resource, signal, sys
import jax, pathlib
from ttjax import checkpoints
with checkpoints.Store(pathlib.Path(sys.argv[1]) / "checkpoints") as store:
    small = jax.random.normal(jax.random.key(0), (100,))
    store.save(1, {"variables": {"params": {"x": small}}}, {"recipe": {}})
    store.wait()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    large = jax.random.normal(jax.random.key(0), (100_000,))
    try:
        store.save(2, {"variables": {"params": {"x": large}}}, {"recipe": {}})
        store.wait()
    except checkpoints.SaveError as error:
        print(error)
"""


def test_a_disk_that_takes_no_more_leaves_the_last_good_checkpoint(
    tmp_path: pathlib.Path,
):
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (line,) = done.stdout.strip().splitlines()
    assert "step 2 could not be written" in line
    assert "(File too large); the last good one is of step 1" in line
    assert checkpoints.find(tmp_path).name == "1"
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["1"]


def test_a_full_disk_is_said_in_one_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    store = checkpoints.Store(tmp_path / "checkpoints")
    store.save(1, parts(1), METADATA)
    store.wait()

    def full(*_args, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._orbax, "save_checkpointables_async", full)
    with pytest.raises(checkpoints.SaveError, match=r"\(No space left on device\)"):
        store.save(2, parts(2), METADATA)
    store.close()
    assert checkpoints.find(tmp_path, "latest").name == "1"


KILLED = """
import itertools, sys
import jax, pathlib
from ttjax import checkpoints
store = checkpoints.Store(pathlib.Path(sys.argv[1]) / "checkpoints")
x = jax.random.normal(jax.random.key(0), (1_000_000,))
for step in itertools.count(1):
    store.save(step, {"variables": {"params": {"x": x + step}}}, {"recipe": {}})
    print(step, flush=True)
"""


def test_a_kill_in_mid_save_leaves_whole_checkpoints_only(tmp_path: pathlib.Path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 3:
        pass
    time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    process.stdout.close()
    with checkpoints.Store(tmp_path / "checkpoints") as store:
        latest = store.latest
        assert latest is not None
        assert latest >= 2
    names = {entry.name for entry in (tmp_path / "checkpoints").iterdir()}
    assert all(name.isdigit() for name in names)
    params = checkpoints.load_variables(tmp_path, "latest")["params"]
    x = jax.random.normal(jax.random.key(0), (1_000_000,))
    np.testing.assert_array_equal(params["x"], x + latest)
