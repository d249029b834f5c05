"""JAX's convolutions and matrix products, as nodes of ONNX."""

import math
from typing import Any

import numpy as np

from ttjax.export import layout
from ttjax.export.elementwise import Rule
from ttjax.export.graph import Graph, Value, constant, kept


def _known(value: Value, what: str) -> np.ndarray:
    """The numbers, as the program sees them.

    Raises:
        ValueError: they depend on the inputs.
    """
    if isinstance(value.stored, np.ndarray):
        return logical(value)
    raise ValueError(
        f"ONNX takes {what} as a constant, got one that depends on the inputs: export "
        "with the weights inside."
    )


def logical(value: Value) -> np.ndarray:
    """Known numbers in the program's own shape."""
    stored = np.asarray(value.stored)
    whole = np.broadcast_to(stored, value.sizes)
    return whole.transpose(value.order).reshape(value.shape)


def _convolve(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    params, (x, kernel) = eqn.params, values
    numbers = params["dimension_numbers"]
    lhs, rhs, out = numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec
    weights = _known(kernel, "a kernel").transpose(rhs)
    x = layout.plain(graph, x, lhs, repeated=True)
    padding = [tuple(int(n) for n in pair) for pair in params["padding"]]
    dilation = list(params["rhs_dilation"])
    if params["batch_group_count"] != 1:
        raise ValueError(
            "A convolution of ONNX has no groups of examples, got batch_group_count="
            f"{params['batch_group_count']}."
        )
    if any(n != 1 for n in params["lhs_dilation"]):
        stored = _transposed(graph, x, weights, params, padding)
    else:
        stored = graph.emit(
            "Conv",
            x.stored,
            np.ascontiguousarray(weights),
            strides=list(params["window_strides"]),
            dilations=dilation,
            group=params["feature_group_count"],
            pads=[low for low, _ in padding] + [high for _, high in padding],
        )
    aval = eqn.outvars[0].aval
    shape = constant(np.empty(aval.shape, np.bool_))
    result = kept(stored, out, shape)
    return [Value(stored, result.dims, result.sizes, result.axes, aval.dtype)]


def _transposed(
    graph: Graph, x: Value, weights: np.ndarray, params: Any, padding: list[Any]
) -> str:
    """A convolution of a map with zeros between its pixels is a transposed one."""
    plain = [*params["window_strides"], *params["rhs_dilation"]]
    sides = weights.shape[2:]
    before = [n - 1 - low for n, (low, _) in zip(sides, padding, strict=True)]
    after = [n - 1 - high for n, (_, high) in zip(sides, padding, strict=True)]
    groups = params["feature_group_count"]
    if any(n != 1 for n in plain) or groups != 1 or min(before) < 0:
        raise ValueError(
            "A dilated map meets a kernel at stride 1 without groups, got "
            f"window_strides and rhs_dilation {tuple(plain)}, {groups} groups, padding "
            f"{tuple(padding)}: write it as another convolution."
        )
    turned = weights[:, :, *(slice(None, None, -1) for _ in sides)].swapaxes(0, 1)
    return graph.emit(
        "ConvTranspose",
        x.stored,
        np.ascontiguousarray(turned),
        strides=list(params["lhs_dilation"]),
        pads=before + [max(n, 0) for n in after],
        output_padding=[max(-n, 0) for n in after],
    )


def _dot(graph: Graph, eqn: Any, values: list[Value]) -> list[Value]:
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    x, y = values
    if not left_batch and not right_batch and len(left) == len(right) == 1:
        if y.is_constant and len(y.axes) == 2:
            matrix = logical(y)
            matrix = matrix if right[0] == 0 else matrix.T
            if len(x.axes) == 4 and left[0] == 3:
                return [_pointwise(graph, x, matrix)]
            if len(x.axes) == 2 and left[0] == 1:
                return [_dense(graph, x, matrix)]
        if x.is_constant and len(x.axes) == 2 and len(y.axes) == 4:
            matrix = logical(x)
            matrix = matrix if left[0] == 1 else matrix.T
            return [_along(graph, matrix, y, right[0])]
    a, batch_a, free_a = _three(graph, x, left_batch, left, last=True)
    b, _, free_b = _three(graph, y, right_batch, right, last=False)
    stored = graph.emit("MatMul", a.stored, b.stored)
    dims = (math.prod(batch_a), math.prod(free_a), math.prod(free_b))
    axes = ((0,), (1,), (2,))
    out = Value(stored, dims, dims, axes, eqn.outvars[0].aval.dtype)
    return [layout.reshaped(graph, out, (*batch_a, *free_a, *free_b))]


def _pointwise(graph: Graph, x: Value, matrix: np.ndarray) -> Value:
    """A matrix over the channels of a picture, as a convolution of 1x1 pixel."""
    x = layout.plain(graph, x, (0, 3, 1, 2), repeated=True)
    weights = np.ascontiguousarray(matrix.T[:, :, None, None])
    stored = graph.emit("Conv", x.stored, weights)
    sizes = (x.sizes[0], matrix.shape[1], *x.sizes[2:])
    return Value(stored, sizes, sizes, x.axes, x.dtype)


def _dense(graph: Graph, x: Value, matrix: np.ndarray) -> Value:
    """A layer of units; the rows of its matrix take the order of what is stored."""
    own = x.axes[1]
    if len(own) > 1 and len(x.axes[0]) <= 1:
        order = sorted(own)
        rows = matrix.reshape(*(x.sizes[k] for k in own), matrix.shape[1])
        places = [own.index(k) for k in order]
        matrix = rows.transpose(*places, len(own)).reshape(matrix.shape)
        x = Value(x.stored, x.dims, x.sizes, (x.axes[0], tuple(order)), x.dtype)
    x = layout.plain(graph, x, (0, 1), repeated=True)
    stored = graph.emit("MatMul", x.stored, np.ascontiguousarray(matrix))
    sizes = (x.sizes[0], matrix.shape[1])
    return Value(stored, sizes, sizes, x.axes, x.dtype)


def _along(graph: Graph, matrix: np.ndarray, y: Value, axis: int) -> Value:
    """A matrix times one axis of a picture: rows first in the program's result."""
    rest = [at for at in range(4) if at != axis]
    # Products over the rows or columns of channels that stand one behind the other.
    batch = [at for at in (0, 3, 1, 2) if at != axis]
    last_rows = axis == 1
    order = [*batch[:2], axis, batch[2]] if last_rows else [*batch, axis]
    y = layout.plain(graph, y, order, repeated=True)
    if last_rows:
        stored = graph.emit("MatMul", np.ascontiguousarray(matrix), y.stored)
    else:
        stored = graph.emit("MatMul", y.stored, np.ascontiguousarray(matrix.T))
    k = order.index(axis)
    sizes = list(y.sizes)
    sizes[k] = matrix.shape[0]
    axes = ((k,), *((order.index(at),) for at in rest))
    return Value(stored, tuple(sizes), tuple(sizes), axes, y.dtype)


def _three(
    graph: Graph, value: Value, batch: Any, contract: Any, *, last: bool
) -> tuple[Value, list[int], list[int]]:
    """Stored as batch, free and contracted axes; these last, or else in the middle."""
    free = [a for a in range(len(value.axes)) if a not in (*batch, *contract)]
    parts = [free, list(contract)] if last else [list(contract), free]
    shape = value.shape
    turned = layout.transposed(value, [*batch, *parts[0], *parts[1]])
    groups = (list(batch), *parts)
    flat = [math.prod(shape[a] for a in group) for group in groups]
    three = layout.reshaped(graph, turned, flat)
    three = layout.plain(graph, three, (0, 1, 2), repeated=True)
    return three, [shape[a] for a in batch], [shape[a] for a in free]


RULES: dict[str, Rule] = {"conv_general_dilated": _convolve, "dot_general": _dot}
"""By the name of the operation."""
