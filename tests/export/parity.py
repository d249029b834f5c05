"""A program in JAX and as ONNX, side by side."""

from collections import Counter
from typing import Any

import jax
import numpy as np
import onnxruntime

from ttjax.export import lowering


def run(model, arrays):
    """What ONNX Runtime makes of arrays by name."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [item.name for item in session.get_outputs()]
    found: Any = session.run(names, arrays)
    return dict(zip(names, found, strict=True))


def model_of(program, **arrays):
    shapes = {k: jax.ShapeDtypeStruct(v.shape, v.dtype) for k, v in arrays.items()}

    def flat(**given):
        return {"out": program(*(given[name] for name in arrays))}

    return lowering.model(flat, shapes)


def same(program, atol=1e-5, **arrays):
    """Asserts that both give the same; gives how often each operation occurs."""
    model = model_of(program, **arrays)
    found = run(model, arrays)["out"]
    want = np.asarray(jax.jit(program)(*arrays.values()))
    assert found.dtype == want.dtype
    np.testing.assert_allclose(found, want, atol=atol, rtol=1e-5)
    return Counter(node.op_type for node in model.graph.node)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
