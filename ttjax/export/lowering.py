"""A JAX program as an ONNX graph, operation by operation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.extend
import numpy as np

from ttjax.export import axes, elementwise, indexing, layout, products
from ttjax.export.graph import Graph, Value, constant, named

RULES = {**elementwise.RULES, **axes.RULES, **products.RULES, **indexing.RULES}
"""How each operation is written, by its name."""

LONGEST_LOOP = 128
"""Rounds of a loop that are written one after the other."""

CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "remat2",
    "checkpoint",
    "custom_jvp_call",
    "custom_vjp_call",
)
"""Operations that stand for the program that they hold."""


def model(
    program: Callable[..., Mapping[str, Any]],
    inputs: Mapping[str, jax.ShapeDtypeStruct],
) -> Any:
    """The ONNX model of a program whose results are a flat mapping of arrays.

    program: takes arrays by the names of `inputs`. What it closes over becomes part of
        the model. Where it depends on the platform, the default is taken.

    Raises:
        ValueError: an operation that has no counterpart.
    """
    traced, results = jax.make_jaxpr(program, return_shape=True)(**inputs)
    graph = Graph()
    # Flattened, a mapping's values come in the order of its sorted keys.
    given = [
        named(name, inputs[name].shape, inputs[name].dtype) for name in sorted(inputs)
    ]
    found = run(graph, traced, given)
    outputs = dict(zip(sorted(results), found, strict=True))
    for name, value in outputs.items():
        value = layout.plain(graph, value, range(len(value.axes)), repeated=True)
        graph.nodes.append(_identity(graph.name(value.stored), name))
    return graph.model(
        {name: (leaf.shape, leaf.dtype) for name, leaf in inputs.items()},
        {name: (results[name].shape, results[name].dtype) for name in results},
        graph.needed(outputs),
    )


def _identity(source: str, name: str) -> Any:
    from onnx import helper

    return helper.make_node("Identity", [source], [name])


def run(
    graph: Graph, program: jax.extend.core.ClosedJaxpr, given: Sequence[Value]
) -> list[Value]:
    """Adds the program's operations; gives its results.

    Raises:
        ValueError: an operation that has no counterpart.
    """
    jaxpr = program.jaxpr
    known: dict[Any, Value] = {}

    def read(atom: Any) -> Value:
        if isinstance(atom, jax.extend.core.Literal):
            aval: Any = atom.aval
            return constant(np.asarray(atom.val, aval.dtype))
        return known[atom]

    known.update(
        zip(jaxpr.constvars, (constant(c) for c in program.consts), strict=True)
    )
    known.update(zip(jaxpr.invars, given, strict=True))
    for eqn in jaxpr.eqns:
        values = [read(atom) for atom in eqn.invars]
        known.update(zip(eqn.outvars, _apply(graph, eqn, values), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _apply(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    name, params = eqn.primitive.name, eqn.params
    if name in CALLS:
        inner = params.get("jaxpr", params.get("call_jaxpr"))
        return run(graph, _closed(inner), values)
    if name == "platform_index":
        return [constant(np.array(len(params["platforms"]) - 1, np.int32))]
    if name == "cond":
        return _branch(graph, params, values)
    if name == "scan":
        return _loop(graph, params, values)
    lazy = name in ("reshape", "squeeze", "transpose", "broadcast_in_dim", "slice")
    lazy |= name in elementwise.RULES
    if not lazy and all(value.is_constant for value in values):
        arrays = [products.logical(value) for value in values]
        return [constant(array) for array in elementwise.evaluated(eqn, arrays)]
    if name not in RULES:
        raise ValueError(
            f"There is no rule that writes JAX's operation {name!r} in ONNX: export "
            "StableHLO, or add one to `ttjax.export`."
        )
    return RULES[name](graph, eqn, values)


def _closed(program: Any) -> jax.extend.core.ClosedJaxpr:
    if isinstance(program, jax.extend.core.ClosedJaxpr):
        return program
    return jax.extend.core.ClosedJaxpr(program, ())


def _branch(graph: Graph, params: Any, values: list[Value]) -> list[Value]:
    which, *rest = values
    if not which.is_constant:
        raise ValueError(
            "A branch of an exported program is chosen when it is exported, got one "
            "that depends on the inputs: write it with `jnp.where`."
        )
    branches = params["branches"]
    index = int(np.clip(int(np.asarray(which.stored)), 0, len(branches) - 1))
    return run(graph, branches[index], rest)


def _loop(graph: Graph, params: Any, values: list[Value]) -> list[Value]:
    """Every round of a loop, one after the other."""
    rounds, fixed, carried = (
        params[key] for key in ("length", "num_consts", "num_carry")
    )
    if rounds > LONGEST_LOOP:
        raise ValueError(
            f"A loop of at most {LONGEST_LOOP} rounds is written out, got {rounds}: "
            "vectorise it."
        )
    consts, carry, rows = (
        values[:fixed],
        values[fixed : fixed + carried],
        values[fixed + carried :],
    )
    collected: list[list[Value]] = []
    order = range(rounds - 1, -1, -1) if params["reverse"] else range(rounds)
    for i in order:
        parts = [
            layout.squeezed(graph, layout.sliced(graph, row, 0, i, i + 1, 1), [0])
            for row in rows
        ]
        results = run(graph, params["jaxpr"], [*consts, *carry, *parts])
        carry, ys = results[:carried], results[carried:]
        collected.append(ys)
    if params["reverse"]:
        collected.reverse()
    stacked = [
        axes.stacked(graph, list(column), 0) for column in zip(*collected, strict=True)
    ]
    return [*carry, *stacked]
