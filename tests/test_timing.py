import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax import timing
from ttjax.timing import Timing, interleaved, measure, repeat, rotating, stamp


def slow(x):
    """A hundred products that cannot be skipped."""
    return jax.lax.fori_loop(0, 100, lambda _, y: jnp.tanh(y @ x), x)


def test_quantiles_are_those_of_the_sorted_calls():
    calls = np.random.default_rng(0).permutation(np.arange(101, dtype=np.float64))
    row = Timing(compile_ms=7.0, calls_ms=calls).row()
    assert (row["p50_ms"], row["p90_ms"], row["p99_ms"]) == (50, 90, 99)
    assert (row["min_ms"], row["compile_ms"], row["calls"]) == (0, 7, 101)


def test_compilation_is_not_among_the_calls():
    traced = []

    def function(x):
        traced.append(None)
        return slow(x)

    measured = measure(function, jnp.eye(8), calls=5, warmup=1)
    assert len(traced) == 1
    assert measured.compile_ms > measured.calls_ms.max() > 0
    assert len(measured.calls_ms) == 5


def test_a_jitted_function_keeps_its_options():
    jitted = jax.jit(slow, inline=True)
    assert measure(jitted, jnp.eye(4), calls=2, warmup=0).row()["calls"] == 2


def test_each_call_is_waited_for():
    """Quantiles of blocked calls add up to the wall time of the loop."""
    function, x = jax.jit(slow), jnp.eye(64)
    jax.block_until_ready(function(x))
    start = time.perf_counter()
    measured = repeat(lambda: {"y": function(x)}, calls=20, warmup=0)
    wall_ms = 1e3 * (time.perf_counter() - start)
    assert measured.compile_ms == 0
    assert 0.5 * wall_ms < measured.calls_ms.sum() <= wall_ms
    assert measured.p50_ms == measured.percentile_ms(50)


def test_a_time_limit_leaves_at_least_one_call():
    assert len(repeat(lambda: None, calls=50, warmup=0, seconds=0.0).calls_ms) == 1


@pytest.mark.parametrize(("calls", "warmup"), [(0, 0), (1, -1)])
def test_nothing_to_measure_is_an_error(calls, warmup):
    with pytest.raises(ValueError, match="at least one call"):
        repeat(lambda: None, calls=calls, warmup=warmup)


def test_calls_that_are_compared_take_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    measured = interleaved(calls, rounds=2, block=3, warmup=1)
    assert "".join(order) == "ab" + 2 * (4 * "a" + 4 * "b")
    for taken in measured.values():
        assert len(taken.calls_ms) == 6
        assert taken.compile_ms == 0
    assert list(measured) == ["a", "b"]


def test_of_a_round_that_is_late_all_are_timed():
    calls = {"a": lambda: None, "b": lambda: None}
    measured = interleaved(calls, rounds=9, block=2, warmup=0, seconds=0.0)
    assert [len(taken.calls_ms) for taken in measured.values()] == [2, 2]
    with pytest.raises(ValueError, match="at least one call"):
        interleaved({}, rounds=1)


def test_the_slower_of_two_is_found():
    x = jnp.eye(64)
    quick, long = jax.jit(lambda x: x + 1), jax.jit(slow)
    calls = {"quick": lambda: quick(x), "long": lambda: long(x)}
    measured = interleaved(calls, rounds=2, block=3, warmup=1)
    assert measured["quick"].p50_ms < measured["long"].p50_ms


def test_arguments_take_turns():
    call = rotating(lambda a, b: a + b, [(1, 2), (10, 20)])
    assert [call() for _ in range(3)] == [3, 30, 3]
    with pytest.raises(ValueError, match="give some"):
        rotating(max, [])


def test_the_stamp_names_device_and_versions():
    found = stamp()
    assert found["device"].startswith(jax.devices()[0].platform)
    assert found["versions"]["jax"] == jax.__version__
    assert found["cores"] >= 1
    assert len(found["date"]) == 10
    assert timing.QUANTILES == (50, 90, 99)
