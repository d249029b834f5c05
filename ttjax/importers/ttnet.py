"""Weights of the public PyTorch TTNets as variables of `ttjax.ttnet`.

Kernels change from (out, in, h, w) to (h, w, in, out); the rows of the first layer
after a flattening from (c, h, w) to (h, w, c) order. The public ports share one set of
weights between the two event blocks: both of ours get a copy.
"""

from collections.abc import Mapping

import numpy as np

from ttjax.importers import transfer
from ttjax.ttnet.config import Config
from ttjax.ttnet.encoders import STRIDE, VGG
from ttjax.typing import Variables

_STAGES = {"global": "ball_global_stage", "local": "ball_local_stage"}


def variables(state: Mapping[str, np.ndarray], config: Config) -> Variables:
    """`params` and `batch_stats` of `config.model` from a PyTorch `state_dict`.

    Names may carry the prefixes "module." and "model."; parts that the config leaves
    out are not looked at.

    Raises:
        ValueError: the config is not of the paper's form, a tensor is missing, has
            another shape, or is left over.
    """
    state = transfer.bare(state, ignored=("log_vars",))
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
    transfer.check_shapes(
        reader.variables,
        config.abstract_variables(),
        remedy=(
            "import them into `ttjax.ttnet.config.ttnet()` with the frame size and "
            "window that they were trained with"
        ),
    )
    reader.check_leftovers(_unasked(config))
    return reader.variables


class _Reader(transfer.Transfer):
    """The parts of a TTNet."""

    def block(self, ours: str, theirs: str) -> None:
        self.conv(f"{ours}/conv", f"{theirs}.conv", bias=True)
        self.norm(f"{ours}/bn", f"{theirs}.batchnorm")

    def stem(self, ours: str, theirs: str) -> None:
        self.conv(f"{ours}/stem/conv", f"{theirs}.conv1", bias=True)
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
            self.conv(f"{ours}/conv1", f"{theirs}.conv1", bias=True)
            self.norm(f"{ours}/bn1", f"{theirs}.batchnorm1")
            self.conv(f"{ours}/tconv", f"{theirs}.tconv", bias=True)
            self.norm(f"{ours}/bn_t", f"{theirs}.batchnorm_tconv")
            self.conv(f"{ours}/conv2", f"{theirs}.conv2", bias=True)
            self.norm(f"{ours}/bn2", f"{theirs}.batchnorm2")
        for name in ("tconv", "conv1", "conv2"):
            self.conv(f"masks/{name}", f"segmentation.{name}", bias=True)


def _unasked(config: Config) -> tuple[str, ...]:
    """Starts of the names of what the config leaves out."""
    parts = {
        "ball_local": "ball_local_stage",
        "events": "events_spotting",
        "masks": "segmentation",
    }
    unasked = tuple(part for head, part in parts.items() if head not in config.heads)
    if "ball_global" not in config.heads:
        unasked += ("ball_global_stage.fc",)
    return unasked
