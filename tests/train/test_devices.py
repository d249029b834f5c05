import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.train import toy
from ttjax import checkpoints
from ttjax.train import devices

ROOT = pathlib.Path(__file__).parents[2]

STEPS = """
import pathlib, sys
import jax
from tests.train import toy
from ttjax.recipe import Adam, Phase, Plateau
from ttjax.train import loop
# A batch whose labels are spread unevenly over the devices.
class Uneven(toy.Source):
    def next_batch(self):
        batch = super().next_batch()
        batch.known[:5, 1] = 0
        return batch
toy.Data.train = lambda self, spec, *, batch_size, seed: Uneven(self, batch_size, seed)
every = jax.local_devices()
def run(out, devices, steps):
    jax.local_devices = lambda: devices
    phase = Phase(steps=steps, learning_rate=1e-2, schedule=Plateau())
    # A bias before a norm has gradient 0; with a tiny eps Adam would follow rounding.
    fields = dict(phases=(phase,), optimizer=Adam(eps=1e-3), ema_decay=0.9)
    out = pathlib.Path(sys.argv[1]) / out
    print(len(devices), loop.run(toy.recipe(out, accumulate=2, **fields)).step)
run("one", every[:1], 20)
run("four", every, 10)
run("four", every[:1], 20)  # saved on four, continued on one
"""


def test_four_devices_learn_what_one_does(tmp_path: pathlib.Path, compiled_once: str):
    settings = {
        "JAX_NUM_CPU_DEVICES": "4",
        "JAX_COMPILATION_CACHE_DIR": compiled_once,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", STEPS, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line[0].isdigit()]
    assert told == ["1 20", "4 10", "1 20"]
    one, four = (checkpoints.load_variables(tmp_path / o) for o in ("one", "four"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), one, four)


def test_a_batch_that_does_not_divide_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jax, "local_devices", lambda: [None] * 4)
    with pytest.raises(ValueError, match="set `batch_size` to a multiple of 8"):
        devices.placement(20, accumulate=2)


def test_replicated_arrays_have_memory_of_their_own():
    placement = devices.placement(8)
    tree = {"a": jnp.arange(4.0), "b": None}
    copy = placement.replicate(tree)
    jax.jit(lambda x: jax.tree.map(jnp.negative, x), donate_argnums=0)(copy)
    np.testing.assert_array_equal(tree["a"], np.arange(4.0))
    (leaf,) = jax.tree.leaves(placement.abstract(tree))
    assert (leaf.shape, leaf.dtype, leaf.sharding) == (
        (4,),
        jnp.float32,
        placement.everywhere,
    )


def test_batches_are_scattered_with_all_their_examples():
    batch = toy.batch_of(np.random.default_rng(0), 8)
    placement = devices.placement(8)
    assert isinstance(placement, devices.Placement)
    placed = placement.scatter(batch)
    jax.tree.map(np.testing.assert_array_equal, placed, batch)
    assert isinstance(placed.x, jax.Array)


def test_a_batch_of_another_shape_is_named():
    spec = toy.Task().spec(4)
    batch = toy.batch_of(np.random.default_rng(0), 4)
    devices.check_batch(batch, spec)
    with pytest.raises(ValueError, match=r"`x` of uint8\[8, 6\] .* gave uint8\[4, 6\]"):
        devices.check_batch(batch, toy.Task().spec(8))
    with pytest.raises(ValueError, match=r"`y` of float32\[4, 2\] .* gave nothing"):
        devices.check_batch({"x": batch.x}, {"x": spec.x, "y": spec.y})
    with pytest.raises(ValueError, match="gave `y`, for which the task has no use"):
        devices.check_batch({"x": batch.x, "y": batch.y}, {"x": spec.x})


def test_compiled_ahead_equals_jitted():
    x = jnp.arange(3.0)
    compiled, seconds = devices.compile_ahead(
        lambda x: x * 2, x, deterministic=True, donate_argnums=0
    )
    assert seconds > 0
    np.testing.assert_array_equal(compiled(x), [0.0, 2.0, 4.0])
    assert x.is_deleted()
