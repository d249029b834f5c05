"""What both PyTorch networks are built from: our weights, and BatchNorm folded."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn.utils import fusion  # pyright: ignore[reportMissingImports]


class Norms(nn.Module):
    """A module whose BatchNorms each follow one convolution.

    pairs: attributes of the convolutions and of the BatchNorms after them.
    """

    pairs: ClassVar[tuple[tuple[str, str], ...]] = ()


class ConvBlock(Norms):
    """Convolution, BatchNorm, ReLU and, where asked for, a 2x2 max-pool."""

    pairs = (("conv", "bn"),)

    def __init__(self, inputs: int, features: int, kernel: int = 3, *, pool: bool):
        """inputs, features: channels before and after."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, features, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(features)
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's map, at half the resolution where it pools."""
        x = torch.relu_(self.bn(self.conv(x)))
        return nn.functional.max_pool2d(x, 2) if self.pool else x


def fold(network: nn.Module) -> None:
    """Multiplies every BatchNorm of `Norms` into the convolution before it, in place.

    The network is in evaluation mode, in float32.
    """
    for module in network.modules():
        if not isinstance(module, Norms):
            continue
        for conv_name, norm_name in module.pairs:
            conv: Any = getattr(module, conv_name)
            norm: Any = getattr(module, norm_name)
            transposed = isinstance(conv, nn.ConvTranspose2d)
            folded = fusion.fuse_conv_bn_eval(conv, norm, transpose=transposed)
            setattr(module, conv_name, folded)
            setattr(module, norm_name, nn.Identity())


def load(
    network: nn.Module,
    variables: Mapping[str, Any],
    map_hw: Mapping[str, tuple[int, int]] | None = None,
) -> None:
    """Fills a network whose layers have the names of ours with our weights.

    Kernels change from (h, w, in, out) to (out, in, h, w), the rows of a layer after a
    flattening from (h, w, c) to (c, h, w) order.

    variables: `params` and `batch_stats` of the flax module, not folded. Parts that the
        network lacks as a whole, such as a head, are not looked at.
    map_hw: for the layers that take a flattened map, by name, its height and width.

    Raises:
        ValueError: a layer has no weights, or weights have no layer.
    """
    params, statistics = _flat(variables["params"]), _flat(variables["batch_stats"])
    state: dict[str, np.ndarray] = {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            state[f"{name}.weight"] = _taken(params, f"{name}.scale")
            state[f"{name}.bias"] = _taken(params, f"{name}.bias")
            state[f"{name}.running_mean"] = _taken(statistics, f"{name}.mean")
            state[f"{name}.running_var"] = _taken(statistics, f"{name}.var")
            continue
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            continue
        # A depthwise kernel of ours is a parameter by itself.
        alone = name in params
        kernel = _taken(params, name if alone else f"{name}.kernel")
        if not isinstance(layer, nn.Linear):
            kernel = kernel.transpose(3, 2, 0, 1)
        elif map_hw and name in map_hw:
            rows = kernel.reshape(*map_hw[name], -1, kernel.shape[-1])
            kernel = rows.transpose(3, 2, 0, 1).reshape(kernel.shape[-1], -1)
        else:
            kernel = kernel.T
        state[f"{name}.weight"] = kernel
        if layer.bias is not None:
            state[f"{name}.bias"] = _taken(params, f"{name}.bias")
    parts = {name for name, _ in network.named_children()}
    left = sorted(n for n in (*params, *statistics) if n.partition(".")[0] in parts)
    if left:
        raise ValueError(
            f"Every weight has its layer, {len(left)} have none, first {left[0]}: give "
            "the config that the variables were made with."
        )
    tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    for name, buffer in network.named_buffers():
        if name.endswith("num_batches_tracked"):
            tensors[name] = buffer
    network.load_state_dict(tensors)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = np.asarray(value, np.float32)
    return found


def _taken(values: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in values:
        raise ValueError(
            f"Every layer has its weights, {name} has none: give the config that the "
            "variables were made with."
        )
    return values.pop(name)
