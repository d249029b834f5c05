"""Weights of the public PyTorch TTNets as variables of `ttjax.ttnet`.

Kernels change from (out, in, h, w) to (h, w, in, out); the rows of the first layer
after a flattening from (c, h, w) to (h, w, c) order. The public ports share one set of
weights between the two event blocks: both of ours get a copy.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ttjax.ttnet.config import Config
from ttjax.ttnet.encoders import STRIDE, VGG
from ttjax.typing import Variables

_PREFIXES = ("module.", "model.")
_IGNORED = ("num_batches_tracked", "log_vars")
_STAGES = {"global": "ball_global_stage", "local": "ball_local_stage"}


def variables(state: Mapping[str, np.ndarray], config: Config) -> Variables:
    """`params` and `batch_stats` of `config.model` from a PyTorch `state_dict`.

    Names may carry the prefixes "module." and "model."; parts that the config leaves
    out are not looked at.

    Raises:
        ValueError: the config is not of the paper's form, a tensor is missing, has
            another shape, or is left over.
    """
    state = {_strip(name): np.asarray(value) for name, value in state.items()}
    state = {n: v for n, v in state.items() if not n.endswith(_IGNORED)}
    if any(name.endswith("_stage.fc3.weight") for name in state):
        raise ValueError(
            "The paper's ball head has one tail per axis (Fig. 2), this file has a "
            "joint one (fc2, fc3), which mixes the axes: use weights with separate "
            "tails (fcx1, fcx2, fcy1, fcy2)."
        )
    reader = _Reader(state)
    h, w = (size // STRIDE for size in config.frame_hw)
    crop = tuple(size // STRIDE for size in config.crop_hw)
    if not isinstance(config.encoder, VGG):
        raise ValueError(
            f"The public weights are those of TTNet's own encoder, got "
            f"{type(config.encoder).__name__}: import them into "
            "`ttjax.ttnet.config.ttnet()`."
        )
    reader.encoder("global")
    if "ball_global" in config.heads:
        reader.ball("global", (h, w))
    if "ball_local" in config.heads:
        reader.encoder("local")
        reader.ball("local", crop)
    if "events" in config.heads:
        reader.events((h, w))
    if "masks" in config.heads:
        reader.masks()
    out = {"params": reader.params, "batch_stats": reader.batch_stats}
    _check(out, config)
    _check_leftovers(reader, config)
    return out


def _strip(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


class _Reader:
    """Takes tensors by their PyTorch names and puts them under ours."""

    def __init__(self, state: Mapping[str, np.ndarray]):
        self.state = state
        self.used: set[str] = set()
        self.params: dict[str, Any] = {}
        self.batch_stats: dict[str, Any] = {}

    def take(self, name: str) -> np.ndarray:
        if name not in self.state:
            near = sorted(
                n for n in self.state if n.split(".")[0] == name.split(".")[0]
            )
            raise ValueError(
                f"The config needs the tensor {name!r}, the file lacks it (it has "
                f"{len(near)} names under {name.split('.')[0]!r}): leave that head out "
                "of the config, or use other weights."
            )
        self.used.add(name)
        return self.state[name]

    def conv(self, ours: str, theirs: str) -> None:
        kernel = self.take(f"{theirs}.weight")
        _put(self.params, f"{ours}/kernel", kernel.transpose(2, 3, 1, 0))
        _put(self.params, f"{ours}/bias", self.take(f"{theirs}.bias"))

    def norm(self, ours: str, theirs: str) -> None:
        _put(self.params, f"{ours}/scale", self.take(f"{theirs}.weight"))
        _put(self.params, f"{ours}/bias", self.take(f"{theirs}.bias"))
        _put(self.batch_stats, f"{ours}/mean", self.take(f"{theirs}.running_mean"))
        _put(self.batch_stats, f"{ours}/var", self.take(f"{theirs}.running_var"))

    def dense(self, ours: str, theirs: str, map_hw: tuple[int, ...] = ()) -> None:
        weight = self.take(f"{theirs}.weight")
        if map_hw:
            weight = weight.reshape(len(weight), -1, *map_hw).transpose(0, 2, 3, 1)
        _put(self.params, f"{ours}/kernel", weight.reshape(len(weight), -1).T)
        _put(self.params, f"{ours}/bias", self.take(f"{theirs}.bias"))

    def block(self, ours: str, theirs: str) -> None:
        self.conv(f"{ours}/conv", f"{theirs}.conv")
        self.norm(f"{ours}/bn", f"{theirs}.batchnorm")

    def stem(self, ours: str, theirs: str) -> None:
        self.conv(f"{ours}/stem/conv", f"{theirs}.conv1")
        self.norm(f"{ours}/stem/bn", f"{theirs}.batchnorm")

    def encoder(self, stage: str) -> None:
        ours, theirs = f"{stage}_encoder", _STAGES[stage]
        self.stem(ours, theirs)
        for number in range(1, 7):
            self.block(f"{ours}/block{number}", f"{theirs}.convblock{number}")

    def ball(self, stage: str, map_hw: tuple[int, ...]) -> None:
        ours, theirs = f"{stage}_ball", _STAGES[stage]
        self.dense(f"{ours}/fc1", f"{theirs}.fc1", map_hw)
        for axis in "xy":
            self.dense(f"{ours}/fc2_{axis}", f"{theirs}.fc{axis}1")
            self.dense(f"{ours}/fc3_{axis}", f"{theirs}.fc{axis}2")

    def events(self, map_hw: tuple[int, int]) -> None:
        self.stem("events", "events_spotting")
        for block in ("block1", "block2"):
            self.block(f"events/{block}", "events_spotting.convblock")
        self.dense("events/fc1", "events_spotting.fc1", map_hw)
        self.dense("events/fc2", "events_spotting.fc2")

    def masks(self) -> None:
        for number in (5, 4, 3, 2):
            ours, theirs = f"masks/deconv{number}", f"segmentation.deconvblock{number}"
            self.conv(f"{ours}/conv1", f"{theirs}.conv1")
            self.norm(f"{ours}/bn1", f"{theirs}.batchnorm1")
            self.conv(f"{ours}/tconv", f"{theirs}.tconv")
            self.norm(f"{ours}/bn_t", f"{theirs}.batchnorm_tconv")
            self.conv(f"{ours}/conv2", f"{theirs}.conv2")
            self.norm(f"{ours}/bn2", f"{theirs}.batchnorm2")
        for name in ("tconv", "conv1", "conv2"):
            self.conv(f"masks/{name}", f"segmentation.{name}")


def _put(tree: dict[str, Any], path: str, value: np.ndarray) -> None:
    *folders, leaf = path.split("/")
    for folder in folders:
        tree = tree.setdefault(folder, {})
    tree[leaf] = np.ascontiguousarray(value, np.float32)


def _check(found: Variables, config: Config) -> None:
    """Raises ValueError where paths or shapes are not those of the config's model."""

    def shapes(tree: Any) -> dict[str, tuple[int, ...]]:
        leaves = jax.tree_util.tree_leaves_with_path(tree)
        return {
            "/".join(str(key.key) for key in path): tuple(leaf.shape)
            for path, leaf in leaves
        }

    ours, theirs = shapes(config.abstract_variables()), shapes(found)
    wrong = [
        f"{path}: {theirs.get(path, 'none')} where {ours.get(path, 'none')} belongs"
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path)
    ]
    if wrong:
        raise ValueError(
            f"The weights have the shapes of the config, {len(wrong)} have not, first "
            f"{wrong[0]}: import them into `ttjax.ttnet.config.ttnet()` with the frame "
            "size and window that they were trained with."
        )


def _check_leftovers(reader: _Reader, config: Config) -> None:
    parts = {
        "ball_local": "ball_local_stage",
        "events": "events_spotting",
        "masks": "segmentation",
    }
    unasked = tuple(part for head, part in parts.items() if head not in config.heads)
    if "ball_global" not in config.heads:
        unasked += ("ball_global_stage.fc",)
    left = sorted(
        name
        for name in reader.state
        if name not in reader.used and not name.startswith(unasked)
    )
    if left:
        raise ValueError(
            f"Every tensor has a place in the network, {len(left)} have none, first "
            f"{left[:3]}: these are the weights of another network."
        )
