"""How many kernels a compiled program starts one after the other."""

import re

FREE = {
    "after-all",
    "bitcast",
    "constant",
    "get-tuple-element",
    "opt-barrier",
    "parameter",
    "partition-id",
    "replica-id",
    "tuple",
}
"""Instructions that run nothing: names and views of what lies there."""

_HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\{$")
_LINE = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = (?:\(.*?\)|\S+) ([\w\-]+)\(")
_CALLED = re.compile(r"(?:to_apply|body|calls)=%?([\w.\-]+)")
_BRANCHES = re.compile(r"(?:branch_computations|called_computations)=\{([^}]*)\}")
_EITHER = re.compile(r"(?:true|false)_computation=%?([\w.\-]+)")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"')


def count(hlo: str | None) -> int:
    """Kernels along one run of an optimised module, of `Compiled.as_text()`.

    Fusions, library calls, copies and what is not fused count one each. Of a loop the
    body counts as often as it runs, once where XLA does not know; of a choice the
    longest branch counts.

    Raises:
        ValueError: the text has no entry computation.
    """
    bodies, entry = _computations(hlo or "")
    if entry is None:
        raise ValueError(
            "A module's text has an ENTRY computation, got none: give what "
            "`Compiled.as_text()` returns."
        )
    return _walk(bodies, entry)


def _computations(hlo: str) -> tuple[dict[str, list[str]], str | None]:
    bodies: dict[str, list[str]] = {}
    entry, lines = None, []
    for line in hlo.splitlines():
        head = _HEAD.match(line)
        if head:
            lines = bodies.setdefault(head[2], [])
            entry = head[2] if head[1] else entry
        else:
            lines.append(line)
    return bodies, entry


def _walk(bodies: dict[str, list[str]], name: str) -> int:
    total = 0
    for line in bodies.get(name, ()):
        found = _LINE.match(line)
        if not found or found[1] in FREE or found[1].endswith("-done"):
            continue
        kind = found[1]
        if kind == "while":
            trips = _TRIPS.search(line)
            body = next(n for n in _CALLED.findall(line))
            total += (int(trips[1]) if trips else 1) * _walk(bodies, body)
        elif kind == "conditional":
            listed = _BRANCHES.search(line)
            names = re.findall(r"[\w.\-]+", listed[1]) if listed else []
            names = names or _EITHER.findall(line)
            total += max(_walk(bodies, name) for name in names)
        elif kind == "call":
            total += sum(_walk(bodies, name) for name in _CALLED.findall(line))
        else:
            total += 1
    return total
