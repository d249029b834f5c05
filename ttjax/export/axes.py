"""JAX's operations on whole axes, as nodes of ONNX."""

import dataclasses
import math
from typing import Any

import numpy as np

from ttjax.export import layout
from ttjax.export.elementwise import BOOL, Rule, cast
from ttjax.export.graph import Graph, Value


def _ints(numbers: Any) -> list[int]:
    """As Python's own, whatever JAX keeps them as."""
    return [int(number) for number in numbers]


def _reshape(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    return [layout.reshaped(graph, values[0], eqn.outvars[0].aval.shape)]


def _squeeze(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    return [layout.squeezed(graph, values[0], _ints(eqn.params["dimensions"]))]


def _transpose(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    return [layout.transposed(values[0], _ints(eqn.params["permutation"]))]


def _broadcast(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    shape = eqn.outvars[0].aval.shape
    places = _ints(eqn.params["broadcast_dimensions"])
    return [layout.broadcast(graph, values[0], shape, places)]


def _slice(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    value = values[0]
    bounds = zip(
        _ints(eqn.params["start_indices"]),
        _ints(eqn.params["limit_indices"]),
        _ints(eqn.params["strides"] or (1,) * len(value.axes)),
        strict=True,
    )
    for axis, (start, stop, step) in enumerate(bounds):
        if (start, stop, step) != (0, value.shape[axis], 1):
            value = layout.sliced(graph, value, axis, start, stop, step)
    return [value]


def _rev(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    value = values[0]
    for axis in _ints(eqn.params["dimensions"]):
        value, k = layout.single(graph, value, axis)
        bounds = (np.array([n], np.int64) for n in (-1, np.iinfo(np.int64).min, k, -1))
        stored = graph.emit("Slice", value.stored, *bounds)
        value = dataclasses.replace(value, stored=stored, cut=None)
    return [value]


def _concatenate(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    return [concatenated(graph, values, int(eqn.params["dimension"]))]


def concatenated(graph: Graph, values: list[Value], axis: int) -> Value:
    """One after the other along an axis of the program."""
    values = [value for value in values if value.shape[axis]] or values[:1]
    if len(values) == 1:
        return values[0]
    first = max(
        values, key=lambda value: (not value.is_constant, math.prod(value.dims))
    )
    order = channel_order(first)
    parts = [layout.plain(graph, value, order, repeated=True) for value in values]
    k = order.index(axis)
    sizes = list(parts[0].sizes)
    sizes[k] = sum(part.sizes[k] for part in parts)
    stored = graph.emit("Concat", *(part.stored for part in parts), axis=k)
    dims = tuple(sizes)
    return Value(stored, dims, dims, parts[0].axes, parts[0].dtype)


def channel_order(value: Value) -> tuple[int, ...]:
    """The order of the program's axes that is nearest to how they are stored."""
    if any(len(axis) > 1 for axis in value.axes):
        return layout.channels_first(value)
    places = {axis: own[0] if own else -1 for axis, own in enumerate(value.axes)}
    return tuple(sorted(places, key=lambda axis: places[axis]))


def _stack(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    return [stacked(graph, values, int(eqn.params["axis"]))]


def stacked(graph: Graph, values: list[Value], axis: int) -> Value:
    """Side by side along a new axis of the program."""
    whole = _whole(values, axis)
    if whole is not None:
        return whole
    grown = [_unsqueezed(graph, value, axis) for value in values]
    first = grown[0]
    if all(v.axes == first.axes and v.sizes == first.sizes for v in grown):
        k = first.axes[axis][0]
        parts = [layout.full(graph, value) for value in grown]
        sizes = list(first.sizes)
        sizes[k] = len(parts)
        stored = graph.emit("Concat", *(part.stored for part in parts), axis=k)
        return Value(stored, tuple(sizes), tuple(sizes), first.axes, first.dtype)
    return concatenated(graph, grown, axis)


def _unsqueezed(graph: Graph, value: Value, axis: int) -> Value:
    """With an axis of length 1, stored behind the program's axis before it."""
    before = value.axes[axis - 1] if axis else ()
    k = before[-1] + 1 if before else 0
    dims = (*value.dims[:k], 1, *value.dims[k:])
    sizes = (*value.sizes[:k], 1, *value.sizes[k:])
    axes = [tuple(j + (j >= k) for j in own) for own in value.axes]
    axes.insert(axis, (k,))
    stored = graph.reshape(value.stored, dims)
    return Value(stored, dims, sizes, tuple(axes), value.dtype)


def _whole(values: list[Value], axis: int) -> Value | None:
    """The array that these are all parts of, with the cut axis where they stack."""
    cuts = [value.cut for value in values]
    first = cuts[0]
    if first is None or any(cut is None for cut in cuts):
        return None
    parent, k = first.parent, first.axis
    expected = [(k, (i,), 1) for i in range(parent.sizes[k])]
    found = [(c.axis, c.starts, c.count) for c in cuts if c and c.parent is parent]
    if found != expected or len(values[0].dims) != len(parent.dims) - 1:
        return None
    axes = [tuple(j + (j >= k) for j in own) for own in values[0].axes]
    axes.insert(axis, (k,))
    return dataclasses.replace(parent, axes=tuple(axes), cut=None)


def _pad(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    value, filler = values
    config = [tuple(int(n) for n in item) for item in eqn.params["padding_config"]]
    if any(low < 0 or high < 0 or inner for low, high, inner in config):
        raise ValueError(
            "ONNX pads outside and by positive counts, got padding_config="
            f"{tuple(config)}: slice or dilate in the program instead."
        )
    before, after = [0] * len(value.dims), [0] * len(value.dims)
    touched = [axis for axis, item in enumerate(config) if item[:2] != (0, 0)]
    if any(len(value.axes[axis]) != 1 for axis in touched):
        value = layout.plain(graph, value, layout.channels_first(value))
        before, after = [0] * len(value.dims), [0] * len(value.dims)
    value = layout.full(graph, value, [value.axes[axis][0] for axis in touched])
    dims, sizes = list(value.dims), list(value.sizes)
    for axis in touched:
        k = value.axes[axis][0]
        before[k], after[k], _ = config[axis]
        dims[k] = sizes[k] = dims[k] + before[k] + after[k]
    pads = np.array([*before, *after], np.int64)
    stored = graph.emit("Pad", value.stored, pads, filler.stored)
    return [Value(stored, tuple(dims), tuple(sizes), value.axes, value.dtype)]


REDUCTIONS = {
    "reduce_sum": "ReduceSum",
    "reduce_max": "ReduceMax",
    "reduce_min": "ReduceMin",
    "reduce_prod": "ReduceProd",
    "reduce_or": "ReduceMax",
    "reduce_and": "ReduceMin",
}
"""Operations over axes; booleans are reduced as integers."""


def _reduce(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    value, axes = values[0], _ints(eqn.params["axes"])
    drop = sorted(k for axis in axes for k in value.axes[axis])
    value = layout.full(graph, value, drop)
    stored = value.stored
    op = REDUCTIONS[eqn.primitive.name]
    if drop:
        is_bool = value.dtype == BOOL
        if is_bool:
            stored = cast(graph, stored, np.int32)
        stored = graph.emit(op, stored, np.array(drop, np.int64), keepdims=0)
        if is_bool:
            stored = cast(graph, stored, BOOL)
    left = [k for k in range(len(value.dims)) if k not in drop]
    kept = tuple(
        tuple(left.index(k) for k in own)
        for axis, own in enumerate(value.axes)
        if axis not in axes
    )
    dims = tuple(value.dims[k] for k in left)
    sizes = tuple(value.sizes[k] for k in left)
    return [Value(stored, dims, sizes, kept, value.dtype)]


def _window_max(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    params = eqn.params
    if any(n != 1 for n in (*params["base_dilation"], *params["window_dilation"])):
        raise ValueError(
            "A window's maximum has no dilation in ONNX, got "
            f"{params['base_dilation']}, {params['window_dilation']}."
        )
    value = layout.plain(graph, values[0], range(len(values[0].axes)), repeated=True)
    lift = max(0, 4 - len(value.dims))
    dims = (*(1,) * lift, *value.dims)
    window = (*(1,) * lift, *params["window_dimensions"])
    steps = (*(1,) * lift, *params["window_strides"])
    padding = ((0, 0),) * lift + tuple(params["padding"])
    if any(n != 1 for n in (*window[:2], *steps[:2])) or any(map(any, padding[:2])):
        raise ValueError(
            "A window runs over the last two axes in ONNX, got "
            f"{params['window_dimensions']}: move them last."
        )
    stored = graph.emit(
        "MaxPool",
        graph.reshape(value.stored, dims),
        kernel_shape=list(window[2:]),
        strides=list(steps[2:]),
        pads=[int(low) for low, _ in padding[2:]] + [int(h) for _, h in padding[2:]],
    )
    shape = tuple(eqn.outvars[0].aval.shape)
    stored = graph.reshape(stored, shape)
    return [Value(stored, shape, shape, value.axes, value.dtype)]


RULES: dict[str, Rule] = {
    "reshape": _reshape,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "broadcast_in_dim": _broadcast,
    "slice": _slice,
    "rev": _rev,
    "concatenate": _concatenate,
    "stack": _stack,
    "pad": _pad,
    "reduce_window_max": _window_max,
    **dict.fromkeys(REDUCTIONS, _reduce),
}
"""By the name of the operation."""
