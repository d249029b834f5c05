"""What a run's weights come from: data, their licences, versions of packages."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from ttjax import registry, weights
from ttjax.recipe import Recipe
from ttjax.samples import licences_of
from ttjax.weights import sources as seen


def origin(recipe: Recipe, saved: Mapping[str, Any] | None) -> dict[str, Any]:
    """What log and checkpoints say of it, as JSON values.

    saved: metadata of the checkpoint that the run continues from; None for a new run.
    """
    return {
        "recipe": registry.encode(recipe),
        "versions": versions(),
        "licences": licences(recipe, saved),
        "sources": sources(recipe, saved),
    }


def licences(recipe: Recipe, saved: Mapping[str, Any] | None) -> list[str]:
    """Licences of all data that the weights of a run have seen or will see.

    Those of the recipe's data, and of the weights that it begins from where a
    checkpoint says so.
    """
    before = _before(recipe, saved)
    found = [*(before or {}).get("licences", ()), *licences_of(recipe.data)]
    return list(dict.fromkeys(found))


def sources(recipe: Recipe, saved: Mapping[str, Any] | None) -> list[str]:
    """All data that the weights of a run have seen or will see, by registered names.

    Those of the recipe's data, and of the weights that it begins from: what a file
    of weights has seen is unknown, and it is named itself.
    """
    before = _before(recipe, saved)
    found = list(seen.of_data(registry.encode(recipe.data)))
    if before is not None:
        found = [*seen.of_metadata(before), *found]
    elif recipe.init is not None:
        found = [seen.of_weights(recipe.init), *found]
    return list(dict.fromkeys(found))


def _before(
    recipe: Recipe, saved: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Metadata of what the run continues or begins from, where there are any."""
    if saved is not None or recipe.init is None or not weights.exists(recipe.init):
        return saved
    return weights.load_metadata(recipe.init)


def shares(source_state: Mapping[str, Any]) -> dict[str, float]:
    """What was drawn so far, per class of sample; empty where the source counts none.

    A class within another, "other/class", has its share of that one.
    """
    counts = source_state.get("drawn", {})
    totals: dict[str, int] = {}
    for name, count in counts.items():
        parent = name.rpartition("/")[0]
        totals[parent] = totals.get(parent, 0) + count
    return {
        name: round(count / max(totals[name.rpartition("/")[0]], 1), 4)
        for name, count in counts.items()
    }


def versions() -> dict[str, str]:
    """Of the packages that numbers depend on."""
    names = ("jax", "flax", "optax", "orbax-checkpoint", "numpy")
    return {name: importlib.metadata.version(name) for name in names}
