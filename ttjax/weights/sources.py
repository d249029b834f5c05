"""What weights have seen, and whether they may ship: simulated data alone may.

A source is a registered name of data, as `Simulation`; data of files tell which, as
`TrackNetClips of shuttle`, and weights of files tell theirs. What only wraps other data
is none.
"""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from ttjax import registry

SIM = "sim"
"""The one source of weights that ship."""

SILENT = ("Cached", "FixedSet", "Mixed", "Part", "Kinds")
"""Registered names among those of data that have no samples of their own."""

_SIMULATORS = "ttjax.sim."
_READERS = "ttjax.pipeline."


def of_data(encoded: Any) -> tuple[str, ...]:
    """The sources in data as `ttjax.registry.encode` gives them, each once."""
    return tuple(dict.fromkeys(_walk(encoded)))


def of_metadata(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """All that the weights of a checkpoint saw, those that they began from included.

    A checkpoint without a record of it, of an earlier version, is judged by its recipe:
    weights that it began from are of an unknown source there.
    """
    recipe = metadata["recipe"]
    found = list(metadata.get("sources", ()))
    begun = recipe.get("init")
    if "sources" not in metadata and begun is not None:
        found.append(of_weights(begun.get(registry.PATH, "")))
    return tuple(dict.fromkeys([*found, *of_data(recipe.get("data"))]))


def of_weights(path: pathlib.PurePath | str) -> str:
    """The source of weights that do not tell what they have seen."""
    return f"weights of {pathlib.PurePath(path).name}"


def is_simulated(source: str) -> bool:
    """Whether this package's simulators alone make such samples."""
    return registry.TABLE.get(source, "").startswith(_SIMULATORS)


def check(metadata: Mapping[str, Any], whose: str) -> tuple[str, ...]:
    """The sources of weights that may ship.

    Raises:
        ValueError: they saw anything but simulated data, or do not tell what they saw.
    """
    found = of_metadata(metadata)
    foreign = [source for source in found if not is_simulated(source)]
    licences = list(metadata.get("licences", ()))
    if found and not foreign and not licences:
        return found
    saw = ", ".join(foreign) or ("data of a licence" if licences else "nothing stated")
    bound = f" ({'; '.join(licences)})" if licences else ""
    raise ValueError(
        f"Weights that ship saw simulated data alone, from their first step on; those "
        f"of {whose} saw {saw}{bound}: train on the simulator only, from no other "
        "weights than those that ship."
    )


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    if not isinstance(value, dict):
        return
    name = value.get(registry.TYPE)
    if name is not None and name not in SILENT and _is_data(name):
        files = list(_paths(value))
        yield f"{name} of {', '.join(files)}" if files else name
    for item in value.values():
        yield from _walk(item)


def _is_data(name: str) -> bool:
    """Unknown names count, for nothing is known of what they read."""
    return registry.TABLE.get(name, _READERS).startswith((_READERS, _SIMULATORS))


def _paths(value: Any) -> Iterator[str]:
    """Last parts of the paths within."""
    if isinstance(value, list):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, dict) and registry.PATH in value:
        yield pathlib.PurePath(value[registry.PATH]).name
    elif isinstance(value, dict):
        for item in value.values():
            yield from _paths(item)
