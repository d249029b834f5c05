"""What a program does to the axes of an array, done to what `Value` says of them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ttjax.export.graph import Cut, Graph, Value


def transposed(value: Value, order: Sequence[int]) -> Value:
    """Axis k of the result is axis `order[k]` of the program's array."""
    return dataclasses.replace(
        value, axes=tuple(value.axes[axis] for axis in order), cut=None
    )


def reshaped(graph: Graph, value: Value, shape: Sequence[int]) -> Value:
    """The same numbers in another shape; splits stored axes, merges none.

    Where sizes do not divide, the array is first stored as the program says.
    """
    try:
        pieces, groups = _cuts(value, shape)
    except ArithmeticError:
        value = plain(graph, value, range(len(value.axes)), repeated=True)
        stored = graph.reshape(value.stored, shape)
        axes = tuple((k,) for k in range(len(shape)))
        return Value(stored, tuple(shape), tuple(shape), axes, value.dtype)
    return _split(graph, value, pieces, groups)


def squeezed(graph: Graph, value: Value, drop: Sequence[int]) -> Value:
    """Without these axes of length 1."""
    left = tuple(axis for axis in range(len(value.axes)) if axis not in drop)
    out = reshaped(graph, value, [value.shape[axis] for axis in left])
    return dataclasses.replace(out, cut=value.cut)


def broadcast(
    graph: Graph, value: Value, shape: Sequence[int], places: Sequence[int]
) -> Value:
    """Axis i becomes axis `places[i]` of the result; the others are repetitions."""
    places = list(places)
    grown = [axis for axis, at in enumerate(places) if value.shape[axis] != shape[at]]
    if grown:
        left = [axis for axis in range(len(value.axes)) if axis not in grown]
        value = squeezed(graph, value, grown)
        places = [places[axis] for axis in left]
    fresh = [at for at, size in enumerate(shape) if at not in places and size != 1]
    own: list[tuple[int, ...]] = [
        value.axes[places.index(at)] if at in places else () for at in range(len(shape))
    ]
    # A new axis is stored behind the program's axis before it, where it may be merged.
    row: list[tuple[bool, int]] = [(False, k) for k in range(len(value.dims))]
    for at in fresh:
        before = [(False, own[at - 1][-1])] if at and own[at - 1] else []
        row.insert(row.index(before[0]) + 1 if before else 0, (True, at))
    if fresh:
        dims = tuple(1 if new else value.dims[k] for new, k in row)
        value = dataclasses.replace(
            value,
            stored=graph.reshape(value.stored, dims),
            dims=dims,
            sizes=tuple(shape[k] if new else value.sizes[k] for new, k in row),
        )
    axes = tuple(
        (row.index((True, at)),)
        if at in fresh
        else tuple(row.index((False, k)) for k in own[at])
        for at in range(len(shape))
    )
    return dataclasses.replace(value, axes=axes, cut=None)


def full(graph: Graph, value: Value, only: Sequence[int] | None = None) -> Value:
    """With all repetitions written out, or those of some stored axes."""
    wanted = range(len(value.dims)) if only is None else only
    dims = tuple(
        value.sizes[k] if k in wanted else size for k, size in enumerate(value.dims)
    )
    if dims == value.dims:
        return value
    return dataclasses.replace(
        value, stored=graph.expand(value.stored, dims), dims=dims, cut=None
    )


def plain(
    graph: Graph, value: Value, order: Sequence[int], *, repeated: bool = False
) -> Value:
    """One stored axis for each axis of the program, in the order `order`.

    repeated: repetitions are written out.
    """
    order = tuple(order)
    wanted = [k for axis in order for k in value.axes[axis]]
    # A merged axis is a repetition only if all of its parts are.
    mixed = [
        k
        for axis in value.axes
        for k in axis
        if repeated or any(value.dims[j] != 1 for j in axis)
    ]
    value = full(graph, value, mixed)
    # Axes of length 1 stand anywhere.
    long = [k for k in wanted if value.dims[k] != 1]
    stored = value.stored
    current = value.dims
    if long != sorted(long):
        stored = graph.transpose(stored, wanted)
        current = tuple(value.dims[k] for k in wanted)
    dims = tuple(math.prod(value.dims[k] for k in value.axes[axis]) for axis in order)
    sizes = tuple(value.shape[axis] for axis in order)
    if current != dims:
        stored = graph.reshape(stored, dims)
    axes = tuple((order.index(axis),) for axis in range(len(order)))
    same = stored is value.stored and axes == value.axes
    return Value(stored, dims, sizes, axes, value.dtype, value.cut if same else None)


def like(graph: Graph, value: Value, model: Value) -> Value:
    """A value of the same shape, stored as `model` is; repetitions stay."""
    if value.axes == model.axes and value.sizes == model.sizes:
        return value
    sizes = [[model.sizes[k] for k in axis] for axis in model.axes]
    flat = [size for axis in sizes for size in axis]
    split = reshaped(graph, value, flat)
    order = np.argsort(model.order, kind="stable")
    out = plain(graph, split, [int(k) for k in order])
    return dataclasses.replace(out, axes=model.axes)


def agreed(graph: Graph, values: Sequence[Value]) -> list[Value]:
    """Values of one shape, all stored alike: as the largest of the least cut up ones.

    Arrays without axes stay as they are.
    """
    ranked = [value for value in values if value.axes]
    if not ranked:
        return list(values)

    def preference(value: Value) -> tuple[bool, int, int]:
        return value.is_constant, -math.prod(value.dims), len(value.dims)

    model = min(ranked, key=preference)
    whole = [v for v in ranked if not v.is_constant and len(v.dims) <= len(v.axes)]
    if whole:
        model = min(whole, key=preference)
    return [like(graph, value, model) if value.axes else value for value in values]


def single(graph: Graph, value: Value, axis: int) -> tuple[Value, int]:
    """With one stored axis, written out, for this axis of the program; and which.

    The others keep their order.
    """
    own = value.axes[axis]
    if len(own) != 1:
        value = plain(graph, value, channels_first(value))
        own = value.axes[axis]
    value = full(graph, value, own)
    return value, own[0]


def channels_first(value: Value) -> tuple[int, ...]:
    """The order in which a picture's last axis comes second."""
    rank = len(value.axes)
    if rank != 4:
        return tuple(range(rank))
    return (0, 3, 1, 2)


def sliced(
    graph: Graph, value: Value, axis: int, start: int, stop: int, step: int
) -> Value:
    """A part along one axis of the program."""
    own = value.axes[axis]
    minor = math.prod(value.sizes[k] for k in own[1:])
    if len(own) > 1 and (start % minor or stop % minor or step != 1):
        value = plain(graph, value, channels_first(value))
        own, minor = value.axes[axis], 1
    if not own:
        return value
    k, start, stop = own[0], start // minor, stop // minor
    count = -(-(stop - start) // step)
    sizes = list(value.sizes)
    sizes[k] = count
    if value.dims[k] == 1 != value.sizes[k]:
        return dataclasses.replace(value, sizes=tuple(sizes), cut=None)
    dims = list(value.dims)
    dims[k] = count
    return Value(
        graph.slice(value.stored, k, start, stop, step),
        tuple(dims),
        tuple(sizes),
        value.axes,
        value.dtype,
        Cut(value, k, (start,), count, step),
    )


def _cuts(
    value: Value, shape: Sequence[int]
) -> tuple[Mapping[int, list[int]], list[list[tuple[int, int]]]]:
    """Sizes into which stored axes are split, and which pieces make up each new axis.

    Raises:
        ArithmeticError: sizes do not divide.
    """
    pieces: dict[int, list[int]] = {k: [] for k in range(len(value.dims))}
    waiting = [(k, value.sizes[k]) for k in value.order]
    groups = []
    for size in shape:
        group: list[tuple[int, int]] = []
        if size == 1 and waiting and waiting[0][1] == 1:
            k, _ = waiting.pop(0)
            group.append((k, len(pieces[k])))
            pieces[k].append(1)
        while size > 1:
            k, have = waiting.pop(0)
            take = min(have, size)
            if size % take or have % take:
                raise ArithmeticError
            if take > 1:
                group.append((k, len(pieces[k])))
                pieces[k].append(take)
            if have > take:
                waiting.insert(0, (k, have // take))
            size //= take
        groups.append(group)
    return pieces, groups


def _split(
    graph: Graph,
    value: Value,
    pieces: Mapping[int, list[int]],
    groups: list[list[tuple[int, int]]],
) -> Value:
    first, dims, sizes = {}, [], []
    for k in range(len(value.dims)):
        first[k] = len(dims)
        repeated = value.dims[k] == 1
        for size in pieces[k]:
            dims.append(1 if repeated else size)
            sizes.append(size)
    stored = value.stored
    if tuple(dims) != value.dims:
        stored = graph.reshape(stored, dims)
    axes = tuple(tuple(first[k] + part for k, part in group) for group in groups)
    cut = value.cut if stored is value.stored and axes == value.axes else None
    return Value(stored, tuple(dims), tuple(sizes), axes, value.dtype, cut)
