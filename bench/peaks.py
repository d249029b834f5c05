"""What this device can do at best: the three limits that times are held against.

    python -m bench.peaks [--json PATH] [--quick]

A square matrix product, a pass over a large array, a chain of small products that wait
for one another; each at the precision and with the flags that the networks get.
"""

import argparse
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from bench import devices, kernels, rows
from ttjax import timing

DTYPES = ("float32", "bfloat16", "float16")
"""In which networks compute."""

SIZES: Mapping[str, tuple[int, ...]] = {"cpu": (1024, 2048), "gpu": (4096, 8192)}
"""Sides of the matrices by backend; the fastest product counts."""

COPIED_MB: Mapping[str, int] = {"cpu": 256, "gpu": 2048}
"""What the pass goes over, far more than any cache holds, by backend."""

CHAIN, LINK = (8, 264), 32
"""Numbers of products in the two chains, and the side of their matrices."""


@dataclasses.dataclass(frozen=True)
class Peaks:
    """What was measured.

    matmul_gflops: by dtype, at JAX's default precision (on GPUs float32 then is TF32).
    copy_gb_per_s: bytes read plus bytes written.
    launch_gap_us: from the start of a small kernel to that of one that waits for it.
    """

    matmul_gflops: Mapping[str, float]
    copy_gb_per_s: float
    launch_gap_us: float

    def row(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "matmul_gflops": {
                name: round(rate, 1) for name, rate in self.matmul_gflops.items()
            },
            "copy_gb_per_s": round(self.copy_gb_per_s, 2),
            "launch_gap_us": round(self.launch_gap_us, 3),
        }


def measure(*, quick: bool = False) -> Peaks:
    """Measures all three on the default device; takes some seconds.

    quick: with arrays that are too small to mean anything.
    """
    backend = jax.default_backend()
    sizes = (64,) if quick else SIZES.get(backend, SIZES["gpu"])
    copied = 1 if quick else COPIED_MB.get(backend, COPIED_MB["gpu"])
    return Peaks(
        {
            dtype: max(matmul_gflops(size, dtype, quick=quick) for size in sizes)
            for dtype in DTYPES
        },
        copy_gb_per_s(copied, quick=quick),
        launch_gap_us(quick=quick),
    )


def matmul_gflops(size: int, dtype: str, *, quick: bool = False) -> float:
    """Rate of the product of two square matrices, at the median of calls."""
    x = jax.random.normal(jax.random.key(0), (size, size), dtype)
    took = timing.measure(jnp.matmul, x, x, **_calls(quick))
    return 2e-9 * size**3 / (1e-3 * took.p50_ms)


def copy_gb_per_s(megabytes: int, *, quick: bool = False) -> float:
    """Rate of adding one to each word in place, at the median of calls."""
    words = jnp.zeros((megabytes << 18,), jnp.uint32)
    add = jax.jit(lambda x: x + 1, donate_argnums=0).lower(words).compile()
    held = [words]

    def step() -> jax.Array:
        held[0] = add(held[0])
        return held[0]

    took = timing.repeat(step, **_calls(quick))
    return 2e-9 * (megabytes << 20) / (1e-3 * took.p50_ms)


def launch_gap_us(*, quick: bool = False) -> float:
    """What one more kernel adds to a chain in which each waits for the one before."""

    def chain(links: int) -> tuple[float, int]:
        def run(x: jax.Array, y: jax.Array) -> jax.Array:
            for _ in range(links):
                x = x @ y
            return x

        one = jnp.eye(LINK)
        compiled = jax.jit(run).lower(one, one).compile()
        took = timing.repeat(lambda: compiled(one, one), calls=5 if quick else 100)
        return 1e3 * took.p50_ms, kernels.count(compiled.as_text())

    (short_us, few), (long_us, many) = (chain(n // 8 if quick else n) for n in CHAIN)
    # On a busy machine a long chain may seem as quick as a short one.
    return max(long_us - short_us, 1e-3) / (many - few)


def _calls(quick: bool) -> dict[str, Any]:
    return {"calls": 2 if quick else 20, "warmup": 1 if quick else 3, "seconds": 5.0}


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the peaks, and merges them into a file if asked."""
    parser = argparse.ArgumentParser(description="What this device can do at best.")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="tiny arrays")
    options = parser.parse_args(argv)
    devices.use(options.device)
    row = rows.about("peaks", "peaks", quick=options.quick)
    row |= measure(quick=options.quick).row()
    columns = ("matmul_gflops", "copy_gb_per_s", "launch_gap_us")
    rows.table("Peaks of this device", [row], columns)
    rows.keep(options.json, [row])


if __name__ == "__main__":
    main()
