"""BatchNorm folded into the layer before it, for inference.

A BatchNorm at inference is y = factor * x + shift, channel by channel; a convolution or
a matrix product followed by it is one with other numbers. What is left of the norm is
at most a bias, and `BatchNorm` adds just that. Which layer stands before which norm
follows from their names, for which the modules keep to `BEFORE`.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ttjax.nn import batch_norm
from ttjax.typing import Variables

BEFORE: Mapping[str, tuple[str, ...]] = {
    "": ("conv", "fine", "context", "stem"),
    "_t": ("tconv",),
    "_shortcut": ("shortcut",),
    "_join": ("conv_join", "join"),
    "_depthwise": ("depthwise",),
    "_pointwise": ("pointwise",),
}
"""Name of a norm after "bn" -> names of the layers that it may follow; several that are
there are summed before it. A number N follows `conv` or `project` of that number."""

TRANSPOSED = "tconv"
"""The layers of this name hold their output channels on the last axis but one."""


def fold(variables: Variables, *, epsilon: float = batch_norm.EPSILON) -> Variables:
    """Variables of the same network for inference alone, without statistics.

    Exact up to the rounding of the products. On the host, in numpy: hundreds of small
    operations, each of another shape, would each be compiled. epsilon: of every norm.

    Raises:
        ValueError: a norm stands behind no layer that `BEFORE` names.
    """
    variables = jax.tree.map(np.asarray, variables)
    params = _fold(
        variables["params"], variables.get("batch_stats", {}), epsilon, "params"
    )
    rest = {k: v for k, v in variables.items() if k not in ("params", "batch_stats")}
    return {**rest, "params": params}


def cast_kernels(variables: Variables, dtype: Any) -> Variables:
    """Arrays of two axes and more in the dtype in which they are multiplied, in numpy.

    Vectors (biases and what is left of norms) stay as they are: they are added in
    float32.
    """

    def cast(leaf: Any) -> Any:
        return np.asarray(leaf, jnp.dtype(dtype)) if np.ndim(leaf) >= 2 else leaf

    return jax.tree.map(cast, variables)


def _fold(params: Any, stats: Any, epsilon: float, where: str) -> Any:
    if not isinstance(params, Mapping):
        return params
    folded = {
        name: _fold(child, stats.get(name, {}), epsilon, f"{where}/{name}")
        for name, child in params.items()
    }
    for name in params:
        if "mean" not in stats.get(name, {}):
            continue
        layers = [layer for layer in _before(name) if layer in params]
        if not layers:
            raise ValueError(
                f"A norm is folded into the layer before it, {where}/{name} has none "
                f"of {_before(name)} beside it: name it so that `BEFORE` finds it."
            )
        del folded[name]
        left = _into(folded, layers, params[name], stats[name], epsilon)
        if left is not None:
            folded[name] = {"bias": left}
    return folded


def _before(name: str) -> tuple[str, ...]:
    suffix = name.removeprefix("bn")
    if suffix.isdigit():
        return f"conv{suffix}", f"project{suffix}"
    return BEFORE.get(suffix, ())


def _into(
    folded: dict[str, Any], layers: list[str], norm: Any, stats: Any, epsilon: float
) -> Float[np.ndarray, " c"] | None:
    """Scales the layers' kernels in place; gives the bias that they cannot hold."""
    factor = norm["scale"] / np.sqrt(stats["var"] + np.float32(epsilon))
    shift = norm["bias"] - stats["mean"] * factor
    for name in layers:
        layer = folded[name]
        if not isinstance(layer, Mapping):
            folded[name] = _scaled(layer, factor, name)
            continue
        folded[name] = {**layer, "kernel": _scaled(layer["kernel"], factor, name)}
        if "bias" in layer:
            folded[name]["bias"] = layer["bias"] * factor
    last = folded[layers[-1]]
    if not isinstance(last, Mapping) or "bias" not in last:
        return shift
    folded[layers[-1]] = {**last, "bias": last["bias"] + shift}
    return None


def _scaled(kernel: np.ndarray, factor: np.ndarray, name: str) -> np.ndarray:
    along = -2 if name == TRANSPOSED else -1
    shape = [1] * np.ndim(kernel)
    shape[along] = -1
    return kernel * factor.reshape(shape)
