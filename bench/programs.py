"""A compiled program with what it costs, and how near its time is to the limit."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core

from bench import kernels, memory
from bench.peaks import Peaks
from ttjax.nn import cost


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that was compiled ahead.

    gflop: of its matrix products and convolutions, two per multiply-accumulate, as the
        network's own description counts them. gbytes: that its operations read and
        write, as XLA counts them. kernels: that run one after the other.
    """

    compiled: Any
    compile_ms: float
    gflop: float
    gbytes: float
    kernels: int
    memory_mb: float

    def __call__(self, *args: Any) -> Any:
        """Runs it."""
        return self.compiled(*args)

    def floors_ms(self, peaks: Peaks, dtype: str) -> dict[str, float]:
        """The least times that operations, bytes and starting kernels allow."""
        return {
            "flops": 1e3 * self.gflop / peaks.matmul_gflops[dtype],
            "bytes": 1e3 * self.gbytes / peaks.copy_gb_per_s,
            "launches": 1e-3 * peaks.launch_gap_us * self.kernels,
        }

    def row(self, p50_ms: float, peaks: Peaks, dtype: str) -> dict[str, Any]:
        """Rates, shares of the device's own peaks, and the multiple of the floor."""
        floors = self.floors_ms(peaks, dtype)
        rate = 1e3 / p50_ms
        matmul = peaks.matmul_gflops[dtype]
        return {
            "compile_ms": round(self.compile_ms, 1),
            "gflop": round(self.gflop, 4),
            "gflops": round(self.gflop * rate, 1),
            "of_matmul_peak": round(self.gflop * rate / matmul, 4),
            "gbytes": round(self.gbytes, 5),
            "of_copy_peak": round(self.gbytes * rate / peaks.copy_gb_per_s, 4),
            "kernels": self.kernels,
            "floors_ms": {name: round(floor, 5) for name, floor in floors.items()},
            "floor_ms": round(max(floors.values()), 5),
            "times_floor": round(p50_ms / max(floors.values()), 2),
            "memory_mb": round(self.memory_mb, 1),
            "device_peak_mb": memory.device_peak_mb(),
        }


def build(function: Callable[..., Any], *args: Any) -> Program:
    """Compiles a pure function for its arguments, and counts what it costs.

    A function that is jitted keeps its options.
    """
    start = time.perf_counter()
    jitted: Any = function if hasattr(function, "trace") else jax.jit(function)
    traced = jitted.trace(*args)
    compiled = traced.lower().compile()
    compile_ms = 1e3 * (time.perf_counter() - start)
    # Counted in what was traced: tracing anew takes as long as a small compilation.
    again = core.jaxpr_as_fun(traced.jaxpr)
    flat = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in traced.jaxpr.in_avals]
    return of(compiled, compile_ms=compile_ms, gflop=gflop(again, *flat))


def of(compiled: Any, *, compile_ms: float, gflop: float) -> Program:
    """A program that somebody else has compiled."""
    counted = compiled.cost_analysis() or {}
    return Program(
        compiled=compiled,
        compile_ms=compile_ms,
        gflop=gflop,
        gbytes=1e-9 * counted.get("bytes accessed", 0.0),
        kernels=kernels.count(compiled.as_text()),
        memory_mb=memory.program_mb(compiled),
    )


def gflop(function: Callable[..., Any], *args: Any) -> float:
    """Operations of one call, two per multiply-accumulate, in units of 10^9."""
    return 2e-9 * cost.macs(function, *args)
