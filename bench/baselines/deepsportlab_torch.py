"""DeepSportLab's network in PyTorch, from section 3 and Fig. 2 of its paper.

Ghasemzadeh et al. (2021): from bytes on the device to the raw outputs of every head.
Layers have the names of `ttjax.deepsportlab.model`, so that `layers.load` finds their
weights.
"""

from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from jaxtyping import Float, Int32, UInt8
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from bench.baselines.layers import Norms
from ttjax.deepsportlab.backbones import EPSILON, ResNet
from ttjax.deepsportlab.config import Config
from ttjax.deepsportlab.heads import COMPONENTS, SHUFFLE
from ttjax.nn.resnet import BLOCKS, EXPANSION
from ttjax.scenes import JOINTS

WIDTHS = (64, 128, 256, 512)
"""Channels of the 3x3 convolutions of the trunk's stages."""


def conv(
    inputs: int, features: int, kernel: int = 1, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """A convolution without bias, padded by half its reach on both sides."""
    return nn.Conv2d(
        inputs,
        features,
        kernel,
        stride,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        bias=False,
    )


def norm(features: int) -> nn.BatchNorm2d:
    """A BatchNorm with the paper's epsilon."""
    return nn.BatchNorm2d(features, eps=EPSILON)


class Block(Norms):
    """A residual block: two 3x3 convolutions, or a bottleneck of three."""

    def __init__(self, inputs: int, layers: list[nn.Conv2d], stride: int):
        """layers: of the block's path, from `inputs` channels on."""
        super().__init__()
        for number, layer in enumerate(layers, start=1):
            self.add_module(f"conv{number}", layer)
            self.add_module(f"bn{number}", norm(layer.out_channels))
        pairs = [(f"conv{n}", f"bn{n}") for n in range(1, len(layers) + 1)]
        self.layers = tuple(pairs)
        features = layers[-1].out_channels
        self.projects = stride != 1 or inputs != features
        if self.projects:
            self.shortcut = conv(inputs, features, stride=stride)
            self.bn_shortcut = norm(features)
            pairs.append(("shortcut", "bn_shortcut"))
        self.pairs = tuple(pairs)  # pyright: ignore[reportAttributeAccessIssue]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f _ _"]:
        """The map at `1 / stride` of the resolution."""
        y = x
        for number, (layer, bn) in enumerate(self.layers, start=1):
            y = getattr(self, bn)(getattr(self, layer)(y))
            if number < len(self.layers):
                y = torch.relu_(y)
        if self.projects:
            x = self.bn_shortcut(self.shortcut(x))
        y += x
        return torch.relu_(y)


class Trunk(Norms):
    """7x7 stem at stride 2, perhaps a max-pool, four stages (He et al., 2016)."""

    pairs = (("conv1", "bn1"),)

    def __init__(self, backbone: ResNet):
        """backbone: depth, pool and dilation."""
        super().__init__()
        self.conv1 = conv(3, WIDTHS[0], 7, 2)
        self.bn1 = norm(WIDTHS[0])
        self.pool = backbone.stem_pool
        self.stages: list[list[str]] = []
        self.widths: list[int] = []
        inputs, dilation = WIDTHS[0], 1
        for stage, (width, count) in enumerate(
            zip(WIDTHS, BLOCKS[backbone.depth], strict=True)
        ):
            kept = backbone.dilated and stage == len(WIDTHS) - 1
            before, dilation = dilation, 2 * dilation if kept else dilation
            names = [f"stage{stage + 1}_block{block + 1}" for block in range(count)]
            for block, name in enumerate(names):
                stride = 2 if stage and not block and not kept else 1
                first = dilation if block else before
                if backbone.depth < 50:
                    out = width
                    layers = [
                        conv(inputs, width, 3, stride, first),
                        conv(width, width, 3, 1, dilation),
                    ]
                else:
                    out = EXPANSION * width
                    layers = [
                        conv(inputs, width),
                        conv(width, width, 3, stride, first),
                        conv(width, out),
                    ]
                self.add_module(name, Block(inputs, layers, stride))
                inputs = out
            self.stages.append(names)
            self.widths.append(inputs)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """The stages' maps, finest first."""
        x = torch.relu_(self.bn1(self.conv1(x)))
        if self.pool:
            x = functional.max_pool2d(x, 3, 2, padding=1)
        maps = []
        for names in self.stages:
            for name in names:
                x = getattr(self, name)(x)
            maps.append(x)
        return maps


class Pyramid(Norms):
    """A 1x1, dilated 3x3 convolutions and the global mean, joined by a 1x1 (ASPP)."""

    def __init__(self, inputs: int, features: int, rates: tuple[int, ...]):
        """rates: dilations."""
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, features), norm(features)
        pairs = [("conv1", "bn1")]
        for number, rate in enumerate(rates, start=2):
            layer = conv(inputs, features, 3, dilation=rate)
            self.add_module(f"conv{number}", layer)
            self.add_module(f"bn{number}", norm(features))
            pairs.append((f"conv{number}", f"bn{number}"))
        self.branches = tuple(pairs)
        self.conv_mean = conv(inputs, features)
        self.conv_join = conv((len(rates) + 2) * features, features)
        self.bn_join = norm(features)
        self.pairs = (  # pyright: ignore[reportAttributeAccessIssue]
            *pairs,
            ("conv_join", "bn_join"),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f h w"]:
        """The pyramid of the map."""
        parts = [
            torch.relu_(getattr(self, bn)(getattr(self, layer)(x)))
            for layer, bn in self.branches
        ]
        mean = torch.relu_(self.conv_mean(functional.adaptive_avg_pool2d(x, 1)))
        parts.append(mean.expand(-1, -1, *x.shape[2:]))
        return torch.relu_(self.bn_join(self.conv_join(torch.cat(parts, dim=1))))


class Separable(Norms):
    """Depthwise and pointwise, a BatchNorm and a ReLU after each."""

    pairs = (("depthwise", "bn_depthwise"), ("pointwise", "bn_pointwise"))

    def __init__(self, inputs: int, features: int, kernel: int):
        """kernel: side of the depthwise part."""
        super().__init__()
        self.depthwise = nn.Conv2d(
            inputs, inputs, kernel, padding=kernel // 2, groups=inputs, bias=False
        )
        self.bn_depthwise = norm(inputs)
        self.pointwise = conv(inputs, features)
        self.bn_pointwise = norm(features)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f h w"]:
        """The convolved map."""
        x = torch.relu_(self.bn_depthwise(self.depthwise(x)))
        return torch.relu_(self.bn_pointwise(self.pointwise(x)))


class Upsampling(Norms):
    """Enlarges, joins a projected map of the trunk, fuses; for every such map."""

    def __init__(self, skips: list[tuple[int, int]], channels: int, kernel: int):
        """skips: channels of the trunk's maps before and after, coarsest first."""
        super().__init__()
        pairs = []
        for number, (inputs, features) in enumerate(skips, start=1):
            self.add_module(f"project{number}", conv(inputs, features))
            self.add_module(f"bn{number}", norm(features))
            fuse = Separable(channels + features, channels, kernel)
            self.add_module(f"fuse{number}", fuse)
            pairs.append((f"project{number}", f"bn{number}"))
        self.pairs = tuple(pairs)  # pyright: ignore[reportAttributeAccessIssue]

    def forward(self, x: Tensor, maps: list[Tensor]) -> Tensor:
        """The map at the size of the last of `maps`, which begin with the coarsest."""
        for number, skip in enumerate(maps, start=1):
            project, bn, fuse = (
                getattr(self, f"{name}{number}") for name in ("project", "bn", "fuse")
            )
            skip = torch.relu_(bn(project(skip)))
            x = functional.interpolate(
                x, size=skip.shape[2:], mode="bilinear", align_corners=True
            )
            x = fuse(torch.cat([x, skip], dim=1))
        return x


class MapHead(nn.Module):
    """A separable convolution and a 1x1, at the decoder's resolution."""

    def __init__(self, channels: int, outputs: int, kernel: int):
        """outputs: channels of the answer."""
        super().__init__()
        self.fuse = Separable(channels, channels, kernel)
        self.out = nn.Conv2d(channels, outputs, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w o"]:
        """The raw map in float32."""
        return self.out(self.fuse(x)).permute(0, 2, 3, 1).float()


class FieldHead(nn.Module):
    """A 1x1 convolution and a pixel shuffle: the intensity fields of k points."""

    def __init__(self, inputs: int, points: int):
        """points: kinds of points."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, points * COMPONENTS * SHUFFLE**2, 1)
        self.points = points

    def forward(self, x: Float[Tensor, "b c h w"]) -> dict[str, Tensor]:
        """The fields in float32, as `ttjax.deepsportlab.arrays.Pif` has them."""
        k = self.points
        x = functional.pixel_shuffle(self.conv(x), SHUFFLE)[:, :, :-1, :-1]
        x = x.permute(0, 2, 3, 1).float()
        confidence, vector, spread, scale = x.split((k, 2 * k, k, k), dim=-1)
        return {
            "confidence": confidence,
            "vector": vector.unflatten(-1, (k, 2)),
            "log_spread": spread,
            "log_scale": scale,
        }


class Network(nn.Module):
    """One trunk, fields from its last map, a pyramid and a decoder for the maps."""

    factor: Tensor
    shift: Tensor

    def __init__(self, config: Config):
        """config: on a ResNet, with the scale's logarithm as the head's channel."""
        super().__init__()
        check(config)
        self.config, self.map_hw = config, {}
        backbone: Any = config.backbone
        mean, std = torch.tensor(config.mean), torch.tensor(config.std)
        self.register_buffer("factor", 1 / (255 * std), persistent=False)
        self.register_buffer("shift", -mean / std, persistent=False)
        self.backbone = Trunk(backbone)
        widths, channels, kernel = self.backbone.widths, config.channels, config.kernel
        if config.has_maps:
            skips = list(zip(widths[-2::-1], config.skips, strict=True))
            self.aspp = Pyramid(widths[-1], channels, config.rates)
            self.upsampling = Upsampling(skips, channels, kernel)
        self.maps: dict[str, str] = {}
        self.fields = [
            head
            for head in ("parts", "centre", "ball")
            if head in config.heads
            and not (head == "centre" and config.has_centre_heat)
        ]
        for name in self.fields:
            points = len(JOINTS) if name == "parts" else 1
            self.add_module(name, FieldHead(widths[-1], points))
        if "masks" in config.heads:
            self.maps["semantic"] = "semantic"
            self.semantic = MapHead(channels, len(config.classes), kernel)
        if config.has_offsets:
            self.maps["offset"] = "offset"
            self.offset = MapHead(channels, 2, kernel)
        if config.has_centre_heat:
            self.maps["centre"] = "centre_heat"
            self.centre = MapHead(channels, 1, kernel)

    def forward(
        self, image: UInt8[Tensor, "b h w 3"], valid_hw: Int32[Tensor, "b 2"]
    ) -> dict[str, Tensor]:
        """Raw outputs by head, as `ttjax.deepsportlab.arrays.Outputs` has them."""
        maps = self.backbone(self._normalised(image, valid_hw))
        outputs: dict[str, Tensor] = {}
        for name in self.fields:
            for component, value in getattr(self, name)(maps[-1]).items():
                outputs[f"{name}.{component}"] = value
        if self.maps:
            x = self.upsampling(self.aspp(maps[-1]), maps[-2::-1])
            for layer, name in self.maps.items():
                outputs[name] = getattr(self, layer)(x)
        return outputs

    def _normalised(
        self, image: UInt8[Tensor, "b h w 3"], valid_hw: Int32[Tensor, "b 2"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Zeros outside of the picture; channels last in memory."""
        (h, w), device = image.shape[1:3], image.device
        x = torch.addcmul(self.shift, image.to(self.factor.dtype), self.factor)
        rows = torch.arange(h, device=device) < valid_hw[:, :1]
        columns = torch.arange(w, device=device) < valid_hw[:, 1:]
        inside = (rows[:, :, None] & columns[:, None])[..., None]
        return torch.where(inside, x, 0.0).permute(0, 3, 1, 2)


def check(config: Config) -> None:
    """Checks that a config is one that this network knows.

    Raises:
        ValueError: another trunk, or the scales of imported heads.
    """
    if not isinstance(config.backbone, ResNet):
        raise ValueError(
            "The PyTorch network has a ResNet as its trunk, got "
            f"{config.backbone}: use `ttjax.deepsportlab.config.deepsportlab()`."
        )
    if config.scale_activation != "exp":
        raise ValueError(
            "The PyTorch network hands the scale's logarithm out as it is, got "
            f"`scale_activation={config.scale_activation!r}`: use 'exp'."
        )
