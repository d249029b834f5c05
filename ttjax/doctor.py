"""What this installation can do: `python -m ttjax.doctor`."""

import importlib
import importlib.metadata
import importlib.util
import platform
import re
import sys
from collections.abc import Iterator

import jax

from ttjax import caches

IMPORTS = {
    "importlib_resources": "importlib_resources",
    "opencv-python": "cv2",
    "orbax-checkpoint": "orbax.checkpoint",
    "tensorflow-datasets": "tensorflow_datasets",
    "apache-beam": "apache_beam",
}
"""Import names that differ from the name of the distribution."""

_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([\w-]+)\])?")

REMEDIES = {
    "opencv-python": "install the system's libGL and GLib (libgl1, libglib2.0-0)",
}


def requirements(distribution: str = "ttjax") -> dict[str, list[str]]:
    """Distributions by extra, as declared; the key "" holds what is always needed.

    An extra of another distribution, as in `jax[cuda12]`, stands for all that it needs.

    Raises:
        importlib.metadata.PackageNotFoundError: ttjax is imported, but not installed.
    """
    found: dict[str, list[str]] = {"": []}
    for line in importlib.metadata.requires(distribution) or []:
        name, inner = _REQUIREMENT.findall(line)[0]
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        names = found.setdefault(extra.group(1) if extra else "", [])
        names.append(name)
        if inner and installed(name):
            names.extend(requirements(name).get(inner, []))
    return found


def problem(distribution: str) -> str | None:
    """Why a needed distribution cannot be used, with the remedy; None where it can."""
    name = IMPORTS.get(distribution, distribution.replace("-", "_"))
    try:
        importlib.import_module(name)
    except ImportError as error:
        remedy = REMEDIES.get(distribution, f"pip install {distribution}")
        return f"{distribution} cannot be imported ({error}): {remedy}"
    return None


def installed(distribution: str) -> str | None:
    """The version that is installed, None where there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def findings() -> Iterator[tuple[str, str]]:
    """Lines of the report: what, and how it is."""
    yield "python", f"{platform.python_version()} at {sys.executable}"
    for name in ("jax", "jaxlib", "flax", "numpy"):
        yield name, installed(name) or "missing"
    for device in jax.devices():
        yield "device", f"{device.platform} {device.device_kind} (id {device.id})"
    cache = caches.directory()
    yield "cache", f"{cache} ({caches.megabytes(cache):.0f} MB)"
    for extra, distributions in sorted(requirements().items()):
        if extra:
            versions = {name: installed(name) for name in distributions}
            missing = [name for name, version in versions.items() if version is None]
            there = " ".join(f"{n} {v}" for n, v in versions.items() if v is not None)
            lacks = f"missing {', '.join(missing)}: pip install 'ttjax[{extra}]'"
            yield f"extra {extra}", lacks if missing else there


def main() -> int:
    """Prints the report; the number of problems is the exit status."""
    for what, how in findings():
        print(f"{what:18} {how}")
    needed = requirements()[""]
    problems = [reason for name in needed if (reason := problem(name))]
    for reason in problems:
        print(f"problem            {reason}", file=sys.stderr)
    if not problems:
        print(f"all {len(needed)} dependencies import: ready")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main())
