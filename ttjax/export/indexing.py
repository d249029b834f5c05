"""JAX's choices of places and numbers at chosen places, as nodes of ONNX."""

import math
from typing import Any

import numpy as np

from ttjax.export import layout
from ttjax.export.elementwise import Rule, cast
from ttjax.export.graph import Graph, Value, named

MOST_WINDOWS = 64
"""That are cut out one by one."""


def _identity(graph: Graph, value: Value) -> Value:
    """Stored as the program says, written out."""
    return layout.plain(graph, value, range(len(value.axes)), repeated=True)


def _arg(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    (axis,) = eqn.params["axes"]
    value, k = layout.single(graph, values[0], int(axis))
    value = layout.full(graph, value)
    op = "ArgMax" if eqn.primitive.name == "argmax" else "ArgMin"
    found = graph.emit(op, value.stored, axis=k, keepdims=0)
    stored = cast(graph, found, eqn.params["index_dtype"])
    axes = tuple(
        tuple(j - (j > k) for j in own)
        for at, own in enumerate(value.axes)
        if at != axis
    )
    sizes = tuple(size for j, size in enumerate(value.sizes) if j != k)
    return [Value(stored, sizes, sizes, axes, np.dtype(eqn.params["index_dtype"]))]


def _top_k(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    value = _identity(graph, values[0])
    count, axis = eqn.params["k"], eqn.params.get("axis", len(value.axes) - 1)
    best, places = graph.emit(
        "TopK", value.stored, np.array([count], np.int64), outputs=2, axis=int(axis)
    )
    shape = eqn.outvars[0].aval.shape
    which = eqn.outvars[1].aval.dtype
    return [
        named(best, shape, value.dtype),
        named(cast(graph, places, which), shape, which),
    ]


def _gather(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    numbers = eqn.params["dimension_numbers"]
    operand, indices = values
    sizes = [int(n) for n in eqn.params["slice_sizes"]]
    mapped = [int(axis) for axis in numbers.start_index_map]
    batched = [int(axis) for axis in numbers.operand_batching_dims]
    gone = {int(axis) for axis in numbers.collapsed_slice_dims}
    rest = [a for a in range(len(sizes)) if a not in (*mapped, *batched)]
    whole = all(sizes[a] == operand.shape[a] for a in rest)
    first = list(range(len(batched)))
    in_order = [int(a) for a in numbers.start_indices_batching_dims] == batched == first
    if not in_order or not whole:
        raise ValueError(
            "ONNX gathers all of the axes that no index counts, with the axes of the "
            f"batch first, got {numbers} and slices {tuple(sizes)}: slice and move the "
            "axes before."
        )
    # JAX clips what is outside, or was promised that nothing is; where it would fill,
    # as `take_along_axis` does, the nearest number is given instead.
    top = np.array([operand.shape[a] - sizes[a] for a in mapped], indices.dtype)
    index = graph.emit("Max", _identity(graph, indices).stored, np.zeros_like(top))
    index = cast(graph, graph.emit("Min", index, top), np.int64)
    if all(sizes[a] == 1 and a in gone for a in mapped):
        operand = layout.plain(
            graph, operand, [*batched, *mapped, *rest], repeated=True
        )
        stored = graph.emit("GatherND", operand.stored, index, batch_dims=len(batched))
        inner = [sizes[axis] for axis in rest]
    else:
        inner = [n for a, n in enumerate(sizes) if a not in gone and a not in batched]
        stored = _windows(graph, operand, index, indices, eqn, inner)
    outer = indices.shape[:-1]
    out = named(stored, (*outer, *inner), operand.dtype)
    rank = len(outer) + len(inner)
    offset = {int(at) for at in numbers.offset_dims}
    before, after = iter(range(len(outer))), iter(range(len(outer), rank))
    places = [next(after) if at in offset else next(before) for at in range(rank)]
    return [layout.transposed(out, places)]


def _windows(
    graph: Graph,
    operand: Value,
    index: str,
    indices: Value,
    eqn: Any,
    inner: list[int],
) -> str:
    """Windows one by one, each `inner` large, stored behind the axes of the indices."""
    numbers = eqn.params["dimension_numbers"]
    outer = indices.shape[:-1]
    examples, batched = math.prod(outer), len(numbers.operand_batching_dims)
    if examples > MOST_WINDOWS or batched not in (0, len(outer)):
        raise ValueError(
            f"ONNX cuts up to {MOST_WINDOWS} windows one by one, got {examples} of "
            f"{batched} batched axes: gather points, or export a smaller batch."
        )
    source, places, start = _source(graph, operand)
    axes = [places[int(axis)] for axis in numbers.start_index_map]
    lengths = [int(eqn.params["slice_sizes"][int(a)]) for a in numbers.start_index_map]
    fixed = dict(start)
    rows = []
    flat = graph.reshape(index, (examples, len(axes)))
    for number, example in enumerate(np.ndindex(*outer)):
        fixed |= {places[k]: at for k, at in enumerate(example[:batched])}
        corner = graph.reshape(graph.slice(flat, 0, number, number + 1), (len(axes),))
        row = _window(graph, source, corner, axes, lengths, fixed)
        rows.append(graph.reshape(row, (1, *inner)))
    joined = rows[0] if examples == 1 else graph.emit("Concat", *rows, axis=0)
    return graph.name(graph.reshape(joined, (*outer, *inner)))


def _window(
    graph: Graph,
    source: str,
    corner: Any,
    axes: list[int],
    lengths: list[int],
    fixed: dict[int, int],
) -> str:
    """One window, at places of other axes that are known."""
    known = np.array(list(fixed.values()), np.int64)
    starts = graph.emit("Concat", corner, known, axis=0)
    spans = np.array([*lengths, *(1,) * len(fixed)], np.int64)
    stops = graph.emit("Add", starts, spans)
    along = np.array([*axes, *fixed], np.int64)
    return graph.emit("Slice", source, starts, stops, along)


def _source(graph: Graph, operand: Value) -> tuple[str, list[int], dict[int, int]]:
    """What windows are cut from, where its axes are, and what else is fixed.

    A window of one frame of a stack is cut from the stack: the frame is never copied.
    """
    cut = operand.cut
    if cut is not None and len(operand.dims) == len(cut.parent.dims) - 1:
        parent = cut.parent
        single = all(len(own) == 1 for own in operand.axes)
        if single and parent.dims == parent.sizes and len(cut.starts) == cut.count == 1:
            places = [own[0] + (own[0] >= cut.axis) for own in operand.axes]
            return graph.name(parent.stored), places, {cut.axis: cut.starts[0]}
    operand = _identity(graph, operand)
    return graph.name(operand.stored), list(range(len(operand.axes))), {}


def _dynamic_slice(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    operand, *starts = values
    sizes = [int(n) for n in eqn.params["slice_sizes"]]
    room = [have - n for have, n in zip(operand.shape, sizes, strict=True)]
    if all(start.is_constant for start in starts):
        for axis, start in enumerate(starts):
            at = min(max(int(np.asarray(start.stored)), 0), room[axis])
            if room[axis]:
                operand = layout.sliced(graph, operand, axis, at, at + sizes[axis], 1)
        return [operand]
    source, places, fixed = _source(graph, operand)
    parts = [cast(graph, graph.name(start.stored), np.int64) for start in starts]
    corner = graph.emit("Concat", *(graph.reshape(p, (1,)) for p in parts), axis=0)
    corner = graph.emit("Max", corner, np.zeros(len(sizes), np.int64))
    corner = graph.emit("Min", corner, np.array(room, np.int64))
    row = _window(graph, source, corner, places, sizes, fixed)
    stored = graph.name(graph.reshape(row, sizes))
    return [named(stored, sizes, operand.dtype)]


def _scatter_add(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    operand, indices, updates = (_identity(graph, value) for value in values)
    numbers = eqn.params["dimension_numbers"]
    batched = [int(axis) for axis in numbers.operand_batching_dims]
    axis = [int(a) for a in numbers.scatter_dims_to_operand_dims]
    rank = len(operand.axes)
    if (
        numbers.update_window_dims
        or axis != [rank - 1]
        or batched != list(range(rank - 1))
    ):
        raise ValueError(
            "ONNX adds single numbers to places of the last axis, with the axes of the "
            f"batch before it, got {numbers}: sum in the program instead."
        )
    places = cast(graph, graph.reshape(indices.stored, updates.shape), np.int64)
    stored = graph.emit(
        "ScatterElements",
        operand.stored,
        places,
        updates.stored,
        axis=rank - 1,
        reduction="add",
    )
    return [named(stored, operand.shape, operand.dtype)]


RULES: dict[str, Rule] = {
    "argmax": _arg,
    "argmin": _arg,
    "top_k": _top_k,
    "gather": _gather,
    "dynamic_slice": _dynamic_slice,
    "scatter-add": _scatter_add,
}
"""By the name of the operation."""
