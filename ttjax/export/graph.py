"""An ONNX graph under construction, and the arrays that flow through it.

An array of a JAX program is rarely stored as the program says. Convolutions of ONNX
have their channels first, JAX's last; transpositions around each of them would cost
more than many a convolution. So a `Value` says how its axes are stored, and reshapes,
transpositions and broadcasts change what it says, not what is stored, until an
operation needs another order.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

OPSET = 18
"""Of the standard operators; ONNX Runtime has all of them since 1.14."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """Every `step`-th place of one stored axis of another value, from `start` on."""

    parent: "Value"
    axis: int
    starts: tuple[int, ...]
    count: int
    step: int


@dataclasses.dataclass(frozen=True)
class Value:
    """An array of the program.

    stored: its name in the graph, or its numbers.
    sizes: of the axes as they are stored. dims: the same, or 1 where one stands for
        all.
    axes: for each axis of the program the stored axes that it consists of, the slowest
        first; none for an axis of length 1. Each stored axis occurs once.
    cut: what it was sliced out of.
    """

    stored: str | np.ndarray
    dims: tuple[int, ...]
    sizes: tuple[int, ...]
    axes: tuple[tuple[int, ...], ...]
    dtype: np.dtype
    cut: Cut | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """As the program sees it."""
        return tuple(math.prod(self.sizes[k] for k in axis) for axis in self.axes)

    @property
    def order(self) -> tuple[int, ...]:
        """The stored axes in the program's order."""
        return tuple(k for axis in self.axes for k in axis)

    @property
    def is_constant(self) -> bool:
        """Whether its numbers are known."""
        return isinstance(self.stored, np.ndarray)


def constant(array: Any) -> Value:
    """A value whose numbers are known."""
    array = np.asarray(array)
    axes = tuple((k,) for k in range(array.ndim))
    return Value(array, array.shape, array.shape, axes, array.dtype)


def named(name: str, shape: Sequence[int], dtype: Any) -> Value:
    """A value of the graph that is stored as the program says."""
    axes = tuple((k,) for k in range(len(shape)))
    return Value(name, tuple(shape), tuple(shape), axes, np.dtype(dtype))


def kept(stored: str | np.ndarray, order: Sequence[int], like: Value) -> Value:
    """A value whose program axis `order[k]` is stored axis k; `like` gives the rest.

    `like` has one stored axis for each axis of the program.
    """
    axes = tuple((order.index(axis),) for axis in range(len(order)))
    sizes = tuple(like.sizes[like.axes[axis][0]] for axis in order)
    return Value(stored, sizes, sizes, axes, like.dtype)


class Graph:
    """Nodes in the order of their making, and the constants that they read."""

    def __init__(self):
        """Starts empty."""
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self._count = 0

    def name(self, value: str | np.ndarray) -> str:
        """The name of what is stored; numbers become a constant of the graph."""
        if isinstance(value, str):
            return value
        self._count += 1
        name = f"c{self._count}"
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def emit(
        self, op: str, *inputs: str | np.ndarray, outputs: int = 1, **attributes: Any
    ) -> Any:
        """Adds a node; gives the name of its output, or the names of several."""
        from onnx import helper

        names = []
        for _ in range(outputs):
            self._count += 1
            names.append(f"v{self._count}")
        inputs_ = [self.name(value) for value in inputs]
        self.nodes.append(helper.make_node(op, inputs_, names, **attributes))
        return names[0] if outputs == 1 else names

    # What follows acts on numbers where they are known, and adds nodes where not.

    def reshape(
        self, stored: str | np.ndarray, dims: Sequence[int]
    ) -> str | np.ndarray:
        """The same numbers in other dimensions."""
        if isinstance(stored, np.ndarray):
            return stored.reshape(dims)
        return self.emit("Reshape", stored, np.array(dims, np.int64))

    def transpose(
        self, stored: str | np.ndarray, order: Sequence[int]
    ) -> str | np.ndarray:
        """Axis k of the result is axis `order[k]`."""
        if tuple(order) == tuple(range(len(order))):
            return stored
        if isinstance(stored, np.ndarray):
            return stored.transpose(order)
        return self.emit("Transpose", stored, perm=[int(k) for k in order])

    def expand(self, stored: str | np.ndarray, dims: Sequence[int]) -> str | np.ndarray:
        """Repeated along axes of length 1."""
        if isinstance(stored, np.ndarray):
            return np.broadcast_to(stored, dims)
        return self.emit("Expand", stored, np.array(dims, np.int64))

    def slice(
        self,
        stored: str | np.ndarray,
        axis: int,
        start: int,
        stop: int,
        step: int = 1,
    ) -> str | np.ndarray:
        """A part along one axis."""
        if isinstance(stored, np.ndarray):
            where = [slice(None)] * stored.ndim
            where[axis] = slice(start, stop, step)
            return stored[tuple(where)]
        bounds = (np.array([n], np.int64) for n in (start, stop, axis, step))
        return self.emit("Slice", stored, *bounds)

    def needed(self, outputs: Iterable[str]) -> list[Any]:
        """The nodes that these outputs depend on, in order."""
        wanted, found = set(outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                found.append(node)
        return found[::-1]

    def model(
        self,
        inputs: Mapping[str, tuple[tuple[int, ...], Any]],
        outputs: Mapping[str, tuple[tuple[int, ...], Any]],
        nodes: Sequence[Any],
    ) -> Any:
        """The ONNX model of these nodes, checked.

        inputs, outputs: shape and dtype by name.
        """
        import onnx
        from onnx import helper, numpy_helper

        def described(items: Mapping[str, tuple[tuple[int, ...], Any]]) -> list[Any]:
            return [
                helper.make_tensor_value_info(
                    name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
                )
                for name, (shape, dtype) in items.items()
            ]

        read = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            list(nodes),
            "ttjax",
            described(inputs),
            described(outputs),
            [
                numpy_helper.from_array(array, name)
                for name, array in self.constants.items()
                if name in read
            ],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=9,
            producer_name="ttjax",
        )
        onnx.checker.check_model(model)
        return model
