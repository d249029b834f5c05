"""From the name of a data set to its builder."""

import importlib
import pathlib
import pkgutil
from collections.abc import Sequence

_PACKAGE = __name__.rpartition(".")[0]


def names() -> list[str]:
    """All data sets of this package."""
    folder = str(pathlib.Path(__file__).parent)
    return sorted(found.name for found in pkgutil.iter_modules([folder]) if found.ispkg)


def modules(named: Sequence[str], more: str | None = None) -> str:
    """What TFDS must import to know these data sets, separated by commas.

    Raises:
        ValueError: there is no such data set.
    """
    found = []
    for one in named:
        name = _bare(one)
        if name not in names() and not more:
            raise ValueError(
                f"Data sets are {', '.join(names())}, got {one!r}: name one of them."
            )
        if name in names():
            found.append(f"{_PACKAGE}.{name}.{name}_dataset_builder")
    if not named:
        raise ValueError(f"Name what to build: {', '.join(names())}.")
    return ",".join([*found, *([more] if more else [])])


def with_config(named: Sequence[str]) -> list[str]:
    """The same names with the first configuration where none is named.

    `tfds build` builds all of them, each as large as the data.
    """
    found = []
    for one in named:
        module = importlib.import_module(modules([one]))
        first = module.Builder.BUILDER_CONFIGS[0].name
        name, colon, version = one.partition(":")
        found.append(one if "/" in one else f"{name}/{first}{colon}{version}")
    return found


def _bare(name: str) -> str:
    return name.partition(":")[0].partition("/")[0]
