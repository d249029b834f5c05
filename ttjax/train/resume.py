"""Whether a run may be continued by a recipe: what changes results must agree."""

import re
from typing import Any

from ttjax import registry
from ttjax.recipe import Recipe

HARMLESS = re.compile(
    r"(out|keep|tensorboard|cache|scoring|init|phases\.\d+\.(name|steps|minutes))(\..*)?"
)
"""Where the run is kept, what it tells, and how long its phases last."""


def check_same(saved: Any, recipe: Recipe, where: str) -> None:
    """Checks a checkpoint's encoded recipe against the recipe of the command.

    A path may differ, for data may have moved; so may the fields in `HARMLESS`, and
    further phases may be appended.

    Raises:
        ValueError: the fields that differ, each with both values.
    """
    now = registry.encode(recipe)
    count = len(saved["phases"])
    now = now | {"phases": now["phases"][:count]}
    differing = [
        f"{path}: {_shown(old)} then, {_shown(new)} now"
        for path, old, new in registry.differences(saved, now)
        if not HARMLESS.fullmatch(path) and not (_is_path(old) and _is_path(new))
    ]
    if differing:
        raise ValueError(
            f"A run is continued by the recipe it was begun with, {where} was begun "
            f"with another ({'; '.join(differing)}): give the old values, or another "
            "`--out`."
        )


def _is_path(value: Any) -> bool:
    return isinstance(value, dict) and registry.PATH in value


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get(registry.TYPE) or value.get(registry.PATH) or value)
    return repr(value)
