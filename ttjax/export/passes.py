"""What is shorter in ONNX than in the program that it was made of."""

from collections import Counter
from typing import Any


def pooled(model: Any) -> Any:
    """The model with maxima over patches of a picture as one pool each.

    A reshape of rows and columns into patches, and the maximum over one axis of the
    patch after the other, are a `MaxPool` with stride = kernel.
    """
    import onnx
    from onnx import helper

    shapes = _shapes(onnx.shape_inference.infer_shapes(model))
    nodes = list(model.graph.node)
    made_by = {name: node for node in nodes for name in node.output}
    uses = Counter(name for node in nodes for name in node.input)
    constants = {item.name: item for item in model.graph.initializer}
    for index, last in enumerate(nodes):
        chain = [last]
        while chain[-1].op_type == "ReduceMax" and len(chain) < 3:
            above = made_by.get(chain[-1].input[0])
            if above is None or uses[chain[-1].input[0]] > 1:
                break
            chain.append(above)
        if [node.op_type for node in chain] != ["ReduceMax", "ReduceMax", "Reshape"]:
            continue
        source, patches = chain[2].input[0], shapes.get(chain[2].output[0], [])
        picture = shapes.get(source, [])
        axes = [_axis(node, constants) for node in (chain[1], chain[0])]
        if len(picture) != 4 or len(patches) != 6 or axes not in ([3, 4], [5, 3]):
            continue
        n, c, h, rows, w, columns = patches
        if picture != [n, c, h * rows, w * columns]:
            continue
        nodes[index] = helper.make_node(
            "MaxPool",
            [source],
            list(last.output),
            kernel_shape=[rows, columns],
            strides=[rows, columns],
        )
    return _with_nodes(model, nodes)


def _axis(node: Any, constants: Any) -> int | None:
    """The one axis of a reduction that drops it."""
    from onnx import numpy_helper

    keeps = any(item.name == "keepdims" and item.i == 1 for item in node.attribute)
    item = constants.get(node.input[1]) if len(node.input) > 1 else None
    if item is None or keeps or not node.attribute:
        return None
    axes = numpy_helper.to_array(item)
    return int(axes[0]) if axes.size == 1 else None


def _shapes(model: Any) -> dict[str, list[int]]:
    graph = model.graph
    return {
        item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim]
        for item in (*graph.value_info, *graph.input, *graph.output)
    }


def _with_nodes(model: Any, nodes: list[Any]) -> Any:
    """The model of these nodes, without what nothing depends on any more."""
    import onnx

    wanted = {item.name for item in model.graph.output}
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    new = onnx.ModelProto()
    new.CopyFrom(model)
    del new.graph.node[:], new.graph.initializer[:]
    new.graph.node.extend(reversed(kept))
    used = [item for item in model.graph.initializer if item.name in wanted]
    new.graph.initializer.extend(used)
    onnx.checker.check_model(new)
    return new
