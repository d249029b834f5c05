"""Memory of this process, of a compiled program, and of the device."""

import pathlib
from typing import Any

import jax

MB = 1e6
"""Bytes."""


def anonymous_mb() -> float:
    """Memory of this process that no file backs, in MiB: what a leak would add to.

    Raises:
        ValueError: the system does not tell.
    """
    status = pathlib.Path("/proc/self/status").read_text()
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise ValueError("Linux tells a process' memory as RssAnon, this system does not.")


def program_mb(compiled: Any) -> float:
    """Arguments, results and what lies between them, of one call.

    What is donated counts once.
    """
    of = compiled.memory_analysis()
    total = (
        of.argument_size_in_bytes
        + of.output_size_in_bytes
        + of.temp_size_in_bytes
        - of.alias_size_in_bytes
    )
    return total / MB


def device_peak_mb() -> float | None:
    """The most that this process has held on its device; None where it is not told."""
    told = jax.devices()[0].memory_stats() or {}
    peak = told.get("peak_bytes_in_use")
    return None if peak is None else peak / MB
