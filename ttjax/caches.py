"""What is kept between runs, in the user's cache directory and nowhere else."""

import os
import pathlib

import jax


def directory() -> pathlib.Path:
    """`ttjax/` in `XDG_CACHE_HOME` or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "ttjax"


def megabytes(path: pathlib.Path) -> float:
    """Size of all files below a directory, in units of 10^6 bytes."""
    files = (entry for entry in path.rglob("*") if entry.is_file())
    return sum(entry.stat().st_size for entry in files) / 1e6


def keep_compilations() -> pathlib.Path:
    """Turns the persistent compilation cache on; gives its directory.

    What was compiled once, on this device and for these shapes, is then loaded. A
    directory that JAX was told already stays.
    """
    configured = (
        jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    )
    if configured:
        return pathlib.Path(configured)
    path = directory() / "xla"
    path.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(path))
    return path
