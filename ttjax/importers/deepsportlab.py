"""PyTorch weights as variables of `ttjax.deepsportlab`.

Three kinds of files are known by their names: torchvision's ResNets, which give the
trunk; OpenPifPaf's, which give the trunk and the fields of the parts; DeepSportLab's,
which give everything. Kernels change from (out, in, h, w) to (h, w, in, out).
"""

from collections.abc import Mapping

import numpy as np

from ttjax.deepsportlab.backbones import ResNet
from ttjax.deepsportlab.config import Config
from ttjax.deepsportlab.heads import SHUFFLE
from ttjax.importers import transfer
from ttjax.nn.resnet import BLOCKS
from ttjax.typing import Variables

ORDER_12 = ("confidence", "x", "y", "spread", "scale")
"""Components of one field after the other, in OpenPifPaf 0.12."""

ORDER_13 = ("spread", "confidence", "x", "y", "scale")
"""The same in OpenPifPaf 0.13."""

_PAN = "head_nets.1"


def variables(
    state: Mapping[str, np.ndarray],
    config: Config,
    order: tuple[str, ...] = ORDER_13,
) -> Variables:
    """`params` and `batch_stats` of those modules of `config.model` that the file has.

    Names may carry the prefixes "module." and "model."; parts that the config leaves
    out are not looked at.

    order: of a field's components where the file is of OpenPifPaf 0.12 or later, whose
        names do not tell the two apart. Older files, and DeepSportLab's, keep the
        confidences of all fields together.

    Raises:
        ValueError: the file is none of the three kinds or of another trunk, a tensor is
            missing, has another shape, or is left over.
    """
    state = transfer.bare(state, ignored=("log_sigmas",))
    if not isinstance(config.backbone, ResNet):
        raise ValueError(
            f"The public weights are those of ResNets, got "
            f"{type(config.backbone).__name__}: import them into "
            "`ttjax.deepsportlab.config.deepsportlab()`."
        )
    reader = _Reader(state)
    if "base_net.net.0.0.weight" in state:
        reader.trunk(config.backbone.depth, "base_net.net.0.{}", "base_net.net.{}", 0)
        reader.heads(config, None)
    elif "base_net.input_block.0.weight" in state:
        trunk = ("base_net.input_block.{}", "base_net.block{}")
        reader.trunk(config.backbone.depth, *trunk, 1)
        reader.heads(config, order)
    elif "conv1.weight" in state:
        reader.trunk(config.backbone.depth, "{}1", "layer{}", 0)
    else:
        raise ValueError(
            "Weights are of torchvision, OpenPifPaf or DeepSportLab, whose first "
            "layers are 'conv1', 'base_net.input_block.0' and 'base_net.net.0.0', got "
            f"{sorted(state)[:3]}: rename them."
        )
    transfer.check_shapes(
        reader.variables,
        _of_same_modules(config.abstract_variables(), reader.variables),
        remedy="change the config's backbone, classes or widths",
    )
    reader.check_leftovers(_unasked(state, config))
    return reader.variables


def grouped(kernel: np.ndarray, order: tuple[str, ...]) -> np.ndarray:
    """Rows of a head, field after field in `order`, as `PifHead` has them.

    Each of the components comes as `SHUFFLE`^2 rows of positions.
    """
    cells = kernel.reshape(-1, len(order), SHUFFLE**2, *kernel.shape[1:])
    named = dict(zip(order, np.moveaxis(cells, 1, 0), strict=True))
    vector = np.stack([named["x"], named["y"]], axis=1)
    groups = (named["confidence"], vector, named["spread"], named["scale"])
    return np.concatenate([group.reshape(-1, *kernel.shape[1:]) for group in groups])


class _Reader(transfer.Transfer):
    """The parts of a DeepSportLab."""

    def trunk(self, depth: int, stem: str, stages: str, shift: int) -> None:
        """stem: of "conv", "bn" or their numbers; stages: of stage number + shift."""
        layers = ("conv", "bn") if "1" in stem else ("0", "1")
        self.conv("backbone/conv1", stem.format(layers[0]))
        self.norm("backbone/bn1", stem.format(layers[1]))
        for stage, blocks in enumerate(BLOCKS[depth], start=1):
            for block in range(blocks):
                ours = f"backbone/stage{stage}_block{block + 1}"
                theirs = f"{stages.format(stage + shift)}.{block}"
                for number in range(1, 4 if depth >= 50 else 3):
                    self.conv(f"{ours}/conv{number}", f"{theirs}.conv{number}")
                    self.norm(f"{ours}/bn{number}", f"{theirs}.bn{number}")
                if f"{theirs}.downsample.0.weight" in self.state:
                    self.conv(f"{ours}/shortcut", f"{theirs}.downsample.0")
                    self.norm(f"{ours}/bn_shortcut", f"{theirs}.downsample.1")

    def heads(self, config: Config, order: tuple[str, ...] | None) -> None:
        activation = "exp" if order is None else "softplus"
        if config.scale_activation != activation:
            raise ValueError(
                f"The scales of this file's fields come by {activation!r}, the config "
                f"has {config.scale_activation!r}: set `scale_activation`."
            )
        complete = any(name.startswith(f"{_PAN}.head.") for name in self.state)
        places = {"parts": 0, "ball": 2, "centre": 3} if complete else {"parts": 0}
        for head, place in places.items():
            if head not in config.heads or (
                head == "centre" and config.has_centre_heat
            ):
                continue
            for ours, theirs in (("kernel", "weight"), ("bias", "bias")):
                value = self.take(f"head_nets.{place}.conv.{theirs}")
                value = value if order is None else grouped(value, order)
                value = value.transpose(2, 3, 1, 0) if theirs == "weight" else value
                self.put(f"{head}/conv/{ours}", value)
        if complete and config.has_maps:
            self.maps(config)

    def maps(self, config: Config) -> None:
        aspp = f"{_PAN}.decoder.aspp"
        for number in range(len(config.rates) + 1):
            self.conv(f"aspp/conv{number + 1}", f"{aspp}.convs.{number}.0")
            self.norm(f"aspp/bn{number + 1}", f"{aspp}.convs.{number}.1")
        mean = f"{aspp}.convs.{len(config.rates) + 1}.aspp_pooling.1"
        self.conv("aspp/conv_mean", mean)
        self.conv("aspp/conv_join", f"{aspp}.project.0")
        self.norm("aspp/bn_join", f"{aspp}.project.1")
        for number in range(len(config.skips)):
            ours, theirs = f"upsampling/project{number + 1}", f"{_PAN}.decoder"
            self.conv(ours, f"{theirs}.project.{number}.0")
            self.norm(f"upsampling/bn{number + 1}", f"{theirs}.project.{number}.1")
            self.fuse(f"upsampling/fuse{number + 1}", f"{theirs}.fuse.{number}.0")
        branches = {"semantic": "masks" in config.heads, "offset": config.has_offsets}
        for branch in (name for name, there in branches.items() if there):
            theirs = f"{_PAN}.head.classifier.{branch}"
            self.fuse(f"{branch}/fuse", f"{theirs}.0.0")
            self.conv(f"{branch}/out", f"{theirs}.1", bias=True)

    def fuse(self, ours: str, theirs: str) -> None:
        # (c, 1, h, w) -> (h, w, 1, c), as any other kernel.
        kernel = self.take(f"{theirs}.0.0.weight").transpose(2, 3, 1, 0)
        self.put(f"{ours}/depthwise", kernel)
        self.norm(f"{ours}/bn_depthwise", f"{theirs}.0.1")
        self.conv(f"{ours}/pointwise", f"{theirs}.1")
        self.norm(f"{ours}/bn_pointwise", f"{theirs}.2")


def _of_same_modules(every: Variables, found: Variables) -> Variables:
    """Those of the modules that were found: a file may hold a trunk alone."""
    modules = {name for kind in found.values() for name in kind}
    return {
        kind: {name: part for name, part in parts.items() if name in modules}
        for kind, parts in every.items()
    }


def _unasked(state: Mapping[str, np.ndarray], config: Config) -> tuple[str, ...]:
    """Torchvision's classifier, and heads that the config leaves out."""
    full = {"parts", "centre", "ball", "masks"} <= set(config.heads)
    if full and any(name.startswith(f"{_PAN}.head.") for name in state):
        return ("fc.",)
    return ("fc.", "head_nets.")
