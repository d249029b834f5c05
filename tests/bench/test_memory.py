import jax
import jax.numpy as jnp
import pytest

from bench import memory


def test_memory_counts_what_is_allocated():
    before = memory.anonymous_mb()
    held = bytearray(b"x" * (64 << 20))
    assert memory.anonymous_mb() - before > 50
    del held


def test_a_program_holds_its_arguments_and_results():
    x = jnp.ones((1000, 250))
    compiled = jax.jit(lambda x: x + 1).lower(x).compile()
    assert memory.program_mb(compiled) == pytest.approx(2.0, abs=0.1)
    donating = jax.jit(lambda x: x + 1, donate_argnums=0).lower(x).compile()
    assert memory.program_mb(donating) == pytest.approx(1.0, abs=0.1)
    assert memory.MB == 1e6


def test_the_device_s_peak_is_told_or_not():
    peak = memory.device_peak_mb()
    assert peak is None or peak > 0
