"""Parameters and multiply-accumulates of a function, counted in its jaxpr.

A multiply-accumulate counts once. Matrix products and convolutions count, element-wise
work does not. A transposed convolution counts what meets real pixels, not the zeros
between them; a convolution whose output is cropped at once counts what is kept.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core


def parameters(tree: Any) -> int:
    """Numbers in a tree of arrays or `jax.ShapeDtypeStruct`s."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def macs(function: Callable[..., Any], *args: Any) -> int:
    """Multiply-accumulates of one call; `args` may be `jax.ShapeDtypeStruct`s."""
    return sum(macs_by_scope(function, *args).values())


def macs_by_scope(function: Callable[..., Any], *args: Any) -> Counter[str]:
    """Multiply-accumulates by "/"-joined scope: for a flax model its modules' names.

    Raises:
        ValueError: the function loops an unknown number of times.
    """
    closed = jax.make_jaxpr(function)(*args)
    counts: Counter[str] = Counter()
    _walk(closed.jaxpr, "", 1, counts)
    return counts


def _walk(jaxpr: Any, scope: str, times: int, counts: Counter[str]) -> None:
    kept = _cropped_outputs(jaxpr)
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        here = _join(scope, str(equation.source_info.name_stack))
        if name == "dot_general":
            counts[here] += times * _of_dot(equation)
        elif name == "conv_general_dilated":
            counts[here] += times * _of_convolution(equation, kept)
        elif name == "cond":
            # One branch runs: where they differ, the last (a platform's default).
            _walk(equation.params["branches"][-1].jaxpr, here, times, counts)
        elif name == "while" and _contains_products(equation):
            raise ValueError(
                "Only loops of known length can be counted, this function has a "
                "`while` with products in it: write it as a `scan`."
            )
        else:
            inner = times * (equation.params["length"] if name == "scan" else 1)
            for part in _sub_jaxprs(equation):
                _walk(part, here, inner, counts)


def _join(outer: str, inner: str) -> str:
    return "/".join(part for part in (outer, inner) if part)


def _sub_jaxprs(equation: Any) -> list[Any]:
    found = []
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, core.ClosedJaxpr):
                found.append(part.jaxpr)
            elif isinstance(part, core.Jaxpr):
                found.append(part)
    return found


def _contains_products(equation: Any) -> bool:
    counts: Counter[str] = Counter()
    for part in _sub_jaxprs(equation):
        _walk(part, "", 1, counts)
    return bool(counts.total())


def _of_dot(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    depth = math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    return math.prod(equation.outvars[0].aval.shape) * depth


def _of_convolution(equation: Any, kept: dict[Any, tuple[int, ...]]) -> int:
    numbers: Any = equation.params["dimension_numbers"]
    left, right = (var.aval.shape for var in equation.invars[:2])
    result = equation.outvars[0]
    out: Any = kept.get(result, result.aval.shape)
    taps = math.prod(right[axis] for axis in numbers.rhs_spec[2:])
    channels_in, channels_out = right[numbers.rhs_spec[1]], right[numbers.rhs_spec[0]]
    if any(step != 1 for step in equation.params["lhs_dilation"]):
        pixels = math.prod(left[axis] for axis in numbers.lhs_spec[2:])
    else:
        pixels = math.prod(out[axis] for axis in numbers.out_spec[2:])
    batch = left[numbers.lhs_spec[0]] // equation.params["batch_group_count"]
    return batch * pixels * taps * channels_in * channels_out


def _cropped_outputs(jaxpr: Any) -> dict[Any, tuple[int, ...]]:
    """Shapes of what is kept of variables whose only use is a slice."""
    uses: Counter[Any] = Counter()
    slices = {}
    for equation in jaxpr.eqns:
        for var in equation.invars:
            if isinstance(var, core.Var):
                uses[var] += 1
                if equation.primitive.name == "slice":
                    slices[var] = equation.outvars[0].aval.shape
    for var in jaxpr.outvars:
        if isinstance(var, core.Var):
            uses[var] += 1
    return {var: shape for var, shape in slices.items() if uses[var] == 1}
