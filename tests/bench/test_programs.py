import jax
import jax.numpy as jnp
import pytest

from bench import programs
from bench.peaks import Peaks

PEAKS = Peaks({"float32": 2.0, "bfloat16": 4.0}, copy_gb_per_s=8.0, launch_gap_us=5.0)


def test_a_product_costs_what_it_costs():
    x, y = jnp.ones((100, 200)), jnp.ones((200, 50))
    made = programs.build(jnp.matmul, x, y)
    assert made.gflop == pytest.approx(2e-9 * 100 * 200 * 50)
    assert made.gbytes == pytest.approx(4e-9 * (100 * 200 + 200 * 50 + 100 * 50))
    assert made.kernels == 1
    assert made.memory_mb == pytest.approx(1e3 * made.gbytes, rel=0.01)
    assert made.compile_ms > 0
    assert (made(x, y) == 200).all()
    assert programs.gflop(jnp.matmul, x, y) == made.gflop


def test_the_floor_is_the_highest_of_three():
    made = programs.Program(
        None, 1.0, gflop=0.004, gbytes=0.008, kernels=7, memory_mb=1
    )
    floors = made.floors_ms(PEAKS, "bfloat16")
    assert floors == pytest.approx({"flops": 1.0, "bytes": 1.0, "launches": 0.035})
    row = made.row(4.0, PEAKS, "float32")
    assert row["floor_ms"] == 2.0
    assert row["times_floor"] == 2.0
    assert (row["gflops"], row["of_matmul_peak"]) == (1.0, 0.5)
    assert row["of_copy_peak"] == 0.25


def test_options_of_a_jitted_function_are_kept():
    x = jnp.ones(1000)
    made = programs.build(jax.jit(lambda x: x + 1, donate_argnums=0), x)
    assert made.memory_mb == pytest.approx(0.004, rel=0.1)
    other = programs.of(made.compiled, compile_ms=2.0, gflop=3.0)
    assert (other.compile_ms, other.gflop) == (2.0, 3.0)
    assert other.kernels == made.kernels
