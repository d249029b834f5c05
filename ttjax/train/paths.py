"""Parameters by name: one rule for freezing, copying and optimiser groups.

A name is a "/"-joined path such as "model/encoder/conv/kernel". A rule is a glob: `*`
and `?` stay within one part of a name, `**` spans any number of them. A rule that
matches a module holds for all that is inside.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax


def name(path: Sequence[Any]) -> str:
    """A key path of `jax.tree_util` as a "/"-joined name."""
    return jax.tree_util.keystr(tuple(path), simple=True, separator="/")


def flatten(tree: Any) -> dict[str, Any]:
    """Name -> leaf."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {name(path): leaf for path, leaf in leaves}


def unflatten(like: Any, leaves: Mapping[str, Any]) -> Any:
    """The tree `like`, with its leaves taken by name."""
    return jax.tree_util.tree_map_with_path(lambda path, _: leaves[name(path)], like)


def matching(tree: Any, rules: Iterable[str], *, strict: bool = True) -> Any:
    """A tree of bools: which leaves some rule matches.

    Raises:
        ValueError: a rule matches nothing, unless `strict` is off.
    """
    patterns = [(rule, _pattern(rule)) for rule in rules]
    names = list(flatten(tree))
    for rule, pattern in patterns:
        if strict and not any(pattern.fullmatch(leaf) for leaf in names):
            raise ValueError(_unmatched(rule, names))
    return jax.tree_util.tree_map_with_path(
        lambda path, _: any(p.fullmatch(name(path)) for _, p in patterns), tree
    )


def copied(tree: Any, copies: Mapping[str, str], *, strict: bool = True) -> Any:
    """The tree with the leaves of each source rule put in place of its target's.

    Wildcards of the target stand for what those of the source matched, in order:
    `{"model/global_*": "model/local_*"}`.

    Raises:
        ValueError: a source matches nothing (unless `strict` is off), or a target is
            missing or of another shape.
    """
    leaves = flatten(tree)
    changed = dict(leaves)
    for source, target in copies.items():
        pattern = _pattern(source)
        found = {leaf: m for leaf in leaves if (m := pattern.fullmatch(leaf))}
        if strict and not found:
            raise ValueError(_unmatched(source, list(leaves)))
        for leaf, match in found.items():
            goal = _fill(target, match.groups()[:-1]) + (match.groups()[-1] or "")
            shapes = leaves[leaf].shape, getattr(leaves.get(goal), "shape", None)
            if shapes[0] != shapes[1]:
                raise ValueError(
                    f"A copy goes between leaves of one shape, {leaf} is {shapes[0]} "
                    f"and {goal} is {shapes[1] or 'missing'}: change `copy` of the "
                    "phase."
                )
            changed[goal] = leaves[leaf]
    return unflatten(tree, changed)


_WILDCARDS = {"**": "(.*)", "*": "([^/]*)", "?": "([^/])"}


def _pattern(rule: str) -> re.Pattern[str]:
    """Matches names; the last group is what lies inside the module that matched."""
    parts = re.split(r"(\*\*|\*|\?)", rule.rstrip("/"))
    body = "".join(_WILDCARDS.get(part) or re.escape(part) for part in parts)
    return re.compile(body + "(/.*)?")


def _fill(target: str, values: Sequence[str]) -> str:
    rest = list(values)
    return re.sub(
        r"\*\*|\*|\?", lambda m: rest.pop(0) if rest else m.group(), target.rstrip("/")
    )


def _unmatched(rule: str, names: Sequence[str]) -> str:
    modules = sorted({"/".join(leaf.split("/")[:2]) for leaf in names})
    near = difflib.get_close_matches(rule, [*modules, *names], n=3, cutoff=0.5)
    return (
        f"A rule matches at least one parameter, {rule!r} matches none: use one of "
        f"{', '.join(near or modules[:12])}."
    )
