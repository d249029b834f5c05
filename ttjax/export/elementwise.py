"""JAX's operations on single numbers, as nodes of ONNX."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ttjax.export import layout
from ttjax.export.graph import Cut, Graph, Value

Stored = str | np.ndarray
Rule = Callable[[Graph, Any, list[Value]], list[Value]]

FLOAT = np.dtype(np.float32)
BOOL = np.dtype(np.bool_)

SAME_NAME = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "neg": "Neg",
    "exp": "Exp",
    "log": "Log",
    "logistic": "Sigmoid",
    "tanh": "Tanh",
    "abs": "Abs",
    "floor": "Floor",
    "ceil": "Ceil",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "erf": "Erf",
    "lt": "Less",
    "le": "LessOrEqual",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "eq": "Equal",
    "and": "And",
    "or": "Or",
    "xor": "Xor",
    "not": "Not",
    "max": "Max",
    "min": "Min",
    "pow": "Pow",
    "stop_gradient": "Identity",
    "copy": "Identity",
}
"""Operations that ONNX has, too; logical ones of booleans only."""


def node(graph: Graph, eqn: Any, stored: list[Stored]) -> str:
    """The operation on stored arrays that broadcast, as nodes; its output's name."""
    name = eqn.primitive.name
    if name == "max" and _is_zero(stored[1]):
        return graph.emit("Relu", stored[0])
    if name in SAME_NAME:
        return graph.emit(SAME_NAME[name], *stored)
    return COMPOSED[name](graph, eqn, stored)


def _is_zero(stored: Stored) -> bool:
    known = isinstance(stored, np.ndarray) and stored.dtype == FLOAT
    return known and not np.any(stored)


def _cast(graph: Graph, eqn: Any, stored: list[Stored]) -> str:
    return cast(graph, stored[0], eqn.outvars[0].aval.dtype)


def cast(graph: Graph, stored: Stored, dtype: Any) -> str:
    """The same numbers in another type."""
    from onnx import helper

    to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return graph.emit("Cast", stored, to=to)


def _select(graph: Graph, eqn: Any, stored: list[Stored]) -> str:
    which, no, yes = stored
    if eqn.outvars[0].aval.dtype != BOOL:
        return graph.emit("Where", which, yes, no)
    chosen = graph.emit("And", which, yes)
    return graph.emit("Or", chosen, graph.emit("And", graph.emit("Not", which), no))


def _integer_pow(graph: Graph, eqn: Any, stored: list[Stored]) -> str:
    exponent = np.array(eqn.params["y"], eqn.invars[0].aval.dtype)
    return graph.emit("Pow", stored[0], exponent)


def _log1p(graph: Graph, eqn: Any, stored: list[Stored]) -> str:
    one = np.array(1, eqn.invars[0].aval.dtype)
    return graph.emit("Log", graph.emit("Add", stored[0], one))


COMPOSED: dict[str, Callable[[Graph, Any, list[Stored]], str]] = {
    "convert_element_type": _cast,
    "select_n": _select,
    "integer_pow": _integer_pow,
    "log1p": _log1p,
    "square": lambda graph, eqn, x: graph.emit("Mul", x[0], x[0]),
    "rsqrt": lambda graph, eqn, x: graph.emit("Reciprocal", graph.emit("Sqrt", *x)),
    "ne": lambda graph, eqn, x: graph.emit("Not", graph.emit("Equal", *x)),
    "rem": lambda graph, eqn, x: graph.emit("Mod", *x, fmod=1),
    "round": lambda graph, eqn, x: graph.emit("Round", *x),
}
"""Operations that take several nodes, or a setting."""


def apply(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    """The operation on values of one shape, or without axes.

    Known numbers give known numbers; what is stored once stays so.
    """
    shape = tuple(eqn.outvars[0].aval.shape)
    whole = [
        layout.broadcast(graph, value, shape, range(len(shape)))
        if value.axes and value.shape != shape
        else value
        for value in values
    ]
    alike = layout.agreed(graph, whole)
    model = next((value for value in alike if value.axes), alike[0])
    dtype = np.dtype(eqn.outvars[0].aval.dtype)
    dims = np.broadcast_shapes(*(value.dims for value in alike))
    if all(value.is_constant for value in alike):
        arrays = np.broadcast_arrays(*(value.stored for value in alike))
        stored: Stored = evaluated(eqn, arrays)[0]
    else:
        if alike[0].dtype == np.uint8 and len(alike[0].axes) == 4:
            # Bytes are moved faster than the floats that they become.
            order = layout.channels_first(alike[0])
            alike = [layout.plain(graph, value, order) for value in alike]
            model, dims = alike[0], alike[0].dims
        joined = _joined_maximum(graph, eqn, alike)
        if joined is not None:
            return [joined]
        stored = node(graph, eqn, [value.stored for value in alike])
    out = Value(stored, dims, model.sizes, model.axes, dtype)
    if eqn.primitive.name == "max":
        out = dataclasses.replace(out, cut=_common_cut(alike))
    return [out]


def evaluated(eqn: Any, arrays: Any) -> list[np.ndarray]:
    """The operation on numbers, by JAX itself."""
    import jax

    with jax.ensure_compile_time_eval():
        inputs = [
            jax.numpy.asarray(array, var.aval.dtype)
            for array, var in zip(arrays, eqn.invars, strict=True)
        ]
        found = eqn.primitive.bind(*inputs, **eqn.params)
    several = eqn.primitive.multiple_results
    return [np.asarray(out) for out in (found if several else [found])]


def _common_cut(values: list[Value]) -> Cut | None:
    """What parts of one array are parts of, if the values are."""
    cuts = [value.cut for value in values]
    first = cuts[0]
    if first is None:
        return None
    for cut, value in zip(cuts[1:], values[1:], strict=True):
        if (
            cut is None
            or cut.parent is not first.parent
            or (cut.axis, cut.count, cut.step) != (first.axis, first.count, first.step)
            or (value.axes, value.sizes) != (values[0].axes, values[0].sizes)
        ):
            return None
    starts = sorted(start for cut in cuts if cut is not None for start in cut.starts)
    return dataclasses.replace(first, starts=tuple(starts))


def _joined_maximum(graph: Graph, eqn: Any, values: list[Value]) -> Value | None:
    """The maximum of all parts of an array as one node, if these are all."""
    cut = _common_cut(values) if eqn.primitive.name == "max" else None
    if cut is None or cut.starts != tuple(range(len(cut.starts))):
        return None
    parent, axis, window = cut.parent, cut.axis, len(cut.starts)
    size, value = parent.sizes[axis], values[0]
    if parent.dims != parent.sizes or parent.is_constant:
        return None
    if cut.count == 1 and window == size:
        stored = graph.emit(
            "ReduceMax", parent.stored, np.array([axis], np.int64), keepdims=0
        )
        if len(value.dims) < len(parent.dims):
            return dataclasses.replace(value, stored=stored, cut=None)
        return _without(dataclasses.replace(value, stored=stored), axis)
    covered = (size - window) // cut.step + 1
    if len(parent.dims) != 4 or axis < 2 or cut.count != covered:
        return None
    along = [1, 1]
    along[axis - 2] = window
    steps = [1, 1]
    steps[axis - 2] = cut.step
    stored = graph.emit("MaxPool", parent.stored, kernel_shape=along, strides=steps)
    return dataclasses.replace(value, stored=stored, cut=cut)


def _without(value: Value, axis: int) -> Value:
    """After a stored axis of length 1 has been dropped."""
    kept = [k for k in range(len(value.dims)) if k != axis]
    return Value(
        value.stored,
        tuple(value.dims[k] for k in kept),
        tuple(value.sizes[k] for k in kept),
        tuple(tuple(kept.index(k) for k in own if k != axis) for own in value.axes),
        value.dtype,
    )


RULES: dict[str, Rule] = dict.fromkeys([*SAME_NAME, *COMPOSED], apply)
"""By the name of the operation."""
