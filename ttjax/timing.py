"""How long compiled functions take: compilation apart, calls blocked, quantiles.

JAX returns before a result is there, compiles at the first call, and a machine has
quiet and busy moments: a mean over a loop measures all of these at once. Here
compilation is timed on its own, calls to warm up are thrown away, each call is blocked
on, and quantiles are reported with the device and the versions they belong to. What is
compared is timed in turns, and inputs can change from call to call.
"""

import dataclasses
import datetime
import importlib.metadata
import itertools
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float64

QUANTILES = (50, 90, 99)
"""Percentiles that are reported, in percent."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """Wall times of repeated calls.

    compile_ms: tracing, lowering and compilation; 0 where nothing was compiled.
    calls_ms: every call after the warm-up, in the order of the calls.
    """

    compile_ms: float
    calls_ms: Float64[np.ndarray, " n"]

    def percentile_ms(self, percent: float | int) -> float:
        """The time that so many percent of the calls did not exceed, interpolated."""
        return float(np.percentile(self.calls_ms, percent))

    @property
    def p50_ms(self) -> float:
        """The median."""
        return self.percentile_ms(50)

    def row(self) -> dict[str, float | int]:
        """JSON values: p50_ms, p90_ms, p99_ms, min_ms, compile_ms, calls."""
        quantiles = {f"p{q}_ms": self.percentile_ms(q) for q in QUANTILES}
        times = quantiles | {
            "min_ms": float(self.calls_ms.min()),
            "compile_ms": self.compile_ms,
        }
        rounded = {name: round(value, 4) for name, value in times.items()}
        return rounded | {"calls": len(self.calls_ms)}


def measure(
    function: Callable[..., Any],
    *args: Any,
    calls: int = 100,
    warmup: int = 5,
    seconds: float = float("inf"),
) -> Timing:
    """Compiles `function` for `args`, then times the compiled calls.

    function: pure; a jitted one keeps its options. It has no static arguments and
        donates nothing.
    seconds: no further call begins after so long; at least one is timed.

    Raises:
        ValueError: `calls` is not positive, or `warmup` negative.
    """
    _check(calls, warmup)
    jitted = function if hasattr(function, "lower") else jax.jit(function)
    start = time.perf_counter()
    compiled = jitted.lower(*args).compile()  # pyright: ignore[reportFunctionMemberAccess]
    compile_ms = 1e3 * (time.perf_counter() - start)
    called = repeat(
        lambda: compiled(*args), calls=calls, warmup=warmup, seconds=seconds
    )
    return dataclasses.replace(called, compile_ms=compile_ms)


def repeat(
    call: Callable[[], Any],
    *,
    calls: int = 100,
    warmup: int = 5,
    seconds: float = float("inf"),
) -> Timing:
    """Times a call that compiles nothing any more, such as one step of a stream.

    Arrays that `call` returns, in any tree, are waited for.

    Raises:
        ValueError: `calls` is not positive, or `warmup` negative.
    """
    _check(calls, warmup)
    for _ in range(warmup):
        jax.block_until_ready(call())
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < calls and (not times or time.perf_counter() - begin < seconds):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(1e3 * (time.perf_counter() - start))
    return Timing(compile_ms=0.0, calls_ms=np.array(times, np.float64))


def interleaved(
    calls: Mapping[str, Callable[[], Any]],
    *,
    rounds: int = 20,
    block: int = 5,
    warmup: int = 5,
    seconds: float = float("inf"),
) -> dict[str, Timing]:
    """Times several calls in turns, so that a busy moment meets all of them alike.

    A round is a block of each call, in the order given. The first call of a block is
    not timed: it finds the caches, and the threads that still spin, of another.

    block: timed calls of each in a round.
    seconds: no further round begins after so long; at least one is timed.

    Raises:
        ValueError: `rounds` or `block` is not positive, `warmup` is negative, or there
            is nothing to call.
    """
    _check(min(rounds, block, len(calls)), warmup)
    for call in calls.values():
        for _ in range(warmup):
            jax.block_until_ready(call())
    times: dict[str, list[float]] = {name: [] for name in calls}
    begin = time.perf_counter()
    for turn in range(rounds):
        if turn and time.perf_counter() - begin >= seconds:
            break
        for name, call in calls.items():
            taken = repeat(call, calls=block, warmup=1).calls_ms
            times[name].extend(taken.tolist())
    return {
        name: Timing(compile_ms=0.0, calls_ms=np.array(taken, np.float64))
        for name, taken in times.items()
    }


def rotating(
    function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
) -> Callable[[], Any]:
    """A call that takes the next of several arguments each time, over and over.

    Answers to one input alone may come from a branch or a cache that others miss.

    Raises:
        ValueError: there are no arguments.
    """
    if not arguments:
        raise ValueError("A call has arguments to take turns, got none: give some.")
    turns = itertools.cycle(arguments)
    return lambda: function(*next(turns))


def stamp() -> dict[str, Any]:
    """What a measurement belongs to: device, how many, cores, date, versions."""
    device = jax.devices()[0]
    names = ("jax", "jaxlib", "flax", "numpy")
    return {
        "device": f"{device.platform} {device.device_kind}",
        "devices": jax.device_count(),
        "cores": len(os.sched_getaffinity(0)),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in names},
        },
    }


def _check(calls: int, warmup: int) -> None:
    if calls < 1 or warmup < 0:
        raise ValueError(
            "A measurement has at least one call and no negative warm-up, got "
            f"calls={calls}, warmup={warmup}: raise them."
        )
