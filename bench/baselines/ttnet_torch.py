"""TTNet in PyTorch, from Tables 1 to 5 and Fig. 2 of Voeikov et al. (2020).

From bytes on the device to the raw logits of every head; the local stage cuts its crop
out of full-resolution frames on the device. Layers have the names of
`ttjax.ttnet.model`, so that `layers.load` finds their weights.
"""

import torch  # pyright: ignore[reportMissingImports]
from jaxtyping import Float, Int32, Int64, UInt8
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from bench.baselines.layers import ConvBlock, Norms
from ttjax.ttnet.ball_heads import Dense
from ttjax.ttnet.config import Config
from ttjax.ttnet.encoders import STRIDE, VGG, scaled
from ttjax.ttnet.event_head import EventConvs
from ttjax.ttnet.mask_decoder import Deconvolution
from ttjax.ttnet.preprocessing import Normalise

Features = dict[int, Tensor]
"""Maps by stride."""


class Encoder(nn.Module):
    """A 1x1 stem and six ConvBlocks (Table 3)."""

    def __init__(self, inputs: int, widths: tuple[int, ...]):
        """widths: of the stem and the blocks."""
        super().__init__()
        self.stem = ConvBlock(inputs, widths[0], 1, pool=False)
        for number in range(1, len(widths)):
            block = ConvBlock(widths[number - 1], widths[number], pool=True)
            self.add_module(f"block{number}", block)
        self.blocks = len(widths) - 1

    def forward(self, x: Float[Tensor, "b c h w"]) -> Features:
        """Maps at strides 2, 4, 8, 16, 32 and 64."""
        features: Features = {}
        x = self.stem(x)
        for number in range(1, self.blocks + 1):
            x = getattr(self, f"block{number}")(x)
            features[2**number] = x
        return features


class BallHead(nn.Module):
    """One shared layer, then a tail per axis (Table 3)."""

    def __init__(self, inputs: int, hw: tuple[int, int], width: float):
        """inputs: of the flattened map. hw: of the stage's picture."""
        super().__init__()
        h, w = hw
        shared = scaled(4 * (w + h), width)
        self.fc1 = nn.Linear(inputs, shared)
        for axis, size in (("x", w), ("y", h)):
            hidden = scaled(2 * size, width)
            self.add_module(f"fc2_{axis}", nn.Linear(shared, hidden))
            self.add_module(f"fc3_{axis}", nn.Linear(hidden, size))

    def forward(self, features: Features) -> tuple[Tensor, Tensor]:
        """Logits of columns and rows."""
        shared = torch.relu_(self.fc1(features[STRIDE].flatten(1)))
        x, y = (
            getattr(self, f"fc3_{axis}")(
                torch.relu_(getattr(self, f"fc2_{axis}")(shared))
            )
            for axis in "xy"
        )
        return x, y


class EventHead(nn.Module):
    """Convolutions on both stages' coarsest maps, then two layers (Table 4)."""

    def __init__(self, inputs: int, channels: int, units: int, cells: int, events: int):
        """cells: of the coarsest map."""
        super().__init__()
        self.stem = ConvBlock(inputs, channels, 1, pool=False)
        self.block1 = ConvBlock(channels, channels, pool=False)
        self.block2 = ConvBlock(channels, channels, pool=False)
        self.fc1 = nn.Linear(channels * cells, units)
        self.fc2 = nn.Linear(units, events)

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "b e"]:
        """One logit per kind of event."""
        x = self.block2(self.block1(self.stem(torch.cat(maps, dim=1))))
        return self.fc2(torch.relu_(self.fc1(x.flatten(1))))


class DeconvBlock(Norms):
    """1x1 to a quarter of the channels, 3x3 transposed at stride 2, 1x1 (Table 2)."""

    pairs = (("conv1", "bn1"), ("tconv", "bn_t"), ("conv2", "bn2"))

    def __init__(self, inputs: int, features: int):
        """inputs, features: channels before and after."""
        super().__init__()
        middle = max(1, inputs // 4)
        self.conv1 = nn.Conv2d(inputs, middle, 1)
        self.bn1 = nn.BatchNorm2d(middle)
        self.tconv = nn.ConvTranspose2d(
            middle, middle, 3, stride=2, padding=1, output_padding=1
        )
        self.bn_t = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, features, 1)
        self.bn2 = nn.BatchNorm2d(features)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f 2*h 2*w"]:
        """The map at twice the resolution."""
        x = torch.relu_(self.bn1(self.conv1(x)))
        x = torch.relu_(self.bn_t(self.tconv(x)))
        return torch.relu_(self.bn2(self.conv2(x)))


class MaskHead(nn.Module):
    """DeconvBlocks with additive skips, then full resolution (Table 5)."""

    def __init__(self, widths: dict[int, int], channels: int, masks: int):
        """widths: of the encoder's maps by stride. channels: at full resolution."""
        super().__init__()
        self.deconv5 = DeconvBlock(widths[32], widths[16])
        self.deconv4 = DeconvBlock(widths[16], widths[8])
        self.deconv3 = DeconvBlock(widths[8], widths[4])
        self.deconv2 = DeconvBlock(widths[4], widths[4])
        self.tconv = nn.ConvTranspose2d(widths[4], channels, 3, stride=2)
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, masks, 2, padding=1)

    def forward(self, features: Features) -> Float[Tensor, "b m h w"]:
        """Logits of every class."""
        x = self.deconv5(features[32]) + features[16]
        x = self.deconv4(x) + features[8]
        x = self.deconv2(self.deconv3(x) + features[4])
        x = torch.relu_(self.conv1(torch.relu_(self.tconv(x))))
        return self.conv2(x)


class Network(nn.Module):
    """The paper's network.

    slices: cut crops at positions that the host knows, which costs nothing on a CPU;
        False: gather them at positions that only the device knows.
    """

    factor: Tensor
    shift: Tensor

    def __init__(self, config: Config, *, slices: bool):
        """config: of the paper's form, see `check`."""
        super().__init__()
        check(config)
        frames, width = config.window.frames, config.width
        widths = tuple(scaled(c, width) for c in VGG.widths)
        if isinstance(config.encoder, VGG):
            widths = tuple(scaled(c, width) for c in config.encoder.widths)
        self.config, self.slices = config, slices
        mean, std = (
            torch.tensor(getattr(config.preprocessing, name)).repeat(frames)
            for name in ("mean", "std")
        )
        self.register_buffer("factor", 1 / (255 * std), persistent=False)
        self.register_buffer("shift", -mean / std, persistent=False)
        self.global_encoder = Encoder(3 * frames, widths)
        h, w = (size // STRIDE for size in config.frame_hw)
        hc, wc = (size // STRIDE for size in config.crop_hw)
        stages = 1
        self.map_hw: dict[str, tuple[int, int]] = {}
        if "ball_global" in config.heads:
            self.global_ball = BallHead(h * w * widths[-1], config.frame_hw, width)
            self.map_hw["global_ball.fc1"] = (h, w)
        if "ball_local" in config.heads:
            stages = 2
            self.local_encoder = Encoder(3 * frames, widths)
            self.local_ball = BallHead(hc * wc * widths[-1], config.crop_hw, width)
            self.map_hw["local_ball.fc1"] = (hc, wc)
        if "events" in config.heads and isinstance(config.event_head, EventConvs):
            self.events = EventHead(
                stages * widths[-1],
                scaled(config.event_head.channels, width),
                scaled(config.event_head.units, width),
                h * w,
                len(config.events),
            )
            self.map_hw["events.fc1"] = (h, w)
        if "masks" in config.heads and isinstance(config.decoder, Deconvolution):
            by_stride = {2**number: c for number, c in enumerate(widths) if number}
            channels = scaled(config.decoder.channels, width)
            self.masks = MaskHead(by_stride, channels, len(config.masks))

    def forward(
        self,
        frames: UInt8[Tensor, "b t h w 3"],
        pixels: UInt8[Tensor, "k hc wc 3"] | None,
        at: Int64[Tensor, "b t"] | None,
        canvas_xy: Int32[Tensor, "b 2"],
        source_hw: Int32[Tensor, "b 2"],
    ) -> dict[str, Tensor]:
        """Raw logits in float32 by head, as `ttjax.ttnet.arrays.Outputs` has them.

        pixels: canvases in any order. at: which of them is frame t of example b.
        """
        heads = self.config.heads
        b, _, h, w, _ = frames.shape
        stack = frames.permute(0, 2, 3, 1, 4).reshape(b, h, w, -1)
        features = self.global_encoder(self._normalised(stack))
        outputs: dict[str, Tensor] = {}
        coarsest = [features[STRIDE]]
        if "ball_global" in heads:
            x, y = self.global_ball(features)
            outputs["ball_global.x"] = x.float()[:, None]
            outputs["ball_global.y"] = y.float()[:, None]
            if "ball_local" in heads and pixels is not None and at is not None:
                canvas_hw = (pixels.shape[1], pixels.shape[2])
                corner_xy = self._corner(x, y, canvas_hw, canvas_xy, source_hw)
                cut = sliced if self.slices else gathered
                view = cut(pixels, at, corner_xy - canvas_xy, self.config.crop_hw)
                local = self.local_encoder(self._normalised(view))
                coarsest.append(local[STRIDE])
                x, y = self.local_ball(local)
                outputs["ball_local.x"] = x.float()[:, None]
                outputs["ball_local.y"] = y.float()[:, None]
                outputs["crop_xy"] = corner_xy
        if "events" in heads:
            outputs["events"] = self.events(coarsest).float()
        if "masks" in heads:
            outputs["masks"] = self.masks(features).permute(0, 2, 3, 1).float()
        return outputs

    def _normalised(self, stack: UInt8[Tensor, "b h w c"]) -> Float[Tensor, "b c h w"]:
        """Channels last in memory, whatever the order of the axes."""
        x = stack.to(self.factor.dtype)
        return torch.addcmul(self.shift, x, self.factor).permute(0, 3, 1, 2)

    def _corner(
        self,
        x: Float[Tensor, "b w"],
        y: Float[Tensor, "b h"],
        canvas_hw: tuple[int, int],
        canvas_xy: Int32[Tensor, "b 2"],
        source_hw: Int32[Tensor, "b 2"],
    ) -> Int32[Tensor, "b 2"]:
        """The crop's left upper corner in source px: around the ball, inside."""
        (h, w), (crop_h, crop_w) = self.config.frame_hw, self.config.crop_hw
        canvas_h, canvas_w = canvas_hw
        columns = (x.argmax(-1) + 0.5) * (source_hw[:, 1] / w)
        rows = (y.argmax(-1) + 0.5) * (source_hw[:, 0] / h)
        left = (columns + 0.5).floor().int() - crop_w // 2
        top = (rows + 0.5).floor().int() - crop_h // 2
        left = left.clamp(canvas_xy[:, 0], canvas_xy[:, 0] + canvas_w - crop_w)
        top = top.clamp(canvas_xy[:, 1], canvas_xy[:, 1] + canvas_h - crop_h)
        return torch.stack([left, top], dim=-1)


def check(config: Config) -> None:
    """Checks that a config is of the paper's form.

    Raises:
        ValueError: it has other parts.
    """
    form = {
        "encoder": VGG,
        "ball_head": Dense,
        "event_head": EventConvs,
        "decoder": Deconvolution,
        "preprocessing": Normalise,
    }
    for name, kind in form.items():
        if not isinstance(getattr(config, name), kind):
            raise ValueError(
                f"The PyTorch network is the paper's, whose `{name}` is "
                f"{kind.__name__}, got {getattr(config, name)}: use "
                "`ttjax.ttnet.config.ttnet()`."
            )
    if config.event_ball:
        raise ValueError(
            "The PyTorch network is the paper's, whose ball heads answer for one "
            "frame, got `event_ball=True`: use `ttjax.ttnet.config.ttnet()`."
        )


def sliced(
    pixels: UInt8[Tensor, "k hc wc 3"],
    at: Int64[Tensor, "b t"],
    corner_xy: Int32[Tensor, "b 2"],
    crop_hw: tuple[int, int],
) -> UInt8[Tensor, "b h w 3*t"]:
    """The same rectangle of every frame, as the channels of one picture."""
    h, w = crop_hw
    views = [
        torch.cat([pixels[k, y : y + h, x : x + w] for k in frames], dim=-1)
        for frames, (x, y) in zip(at.tolist(), corner_xy.tolist(), strict=True)
    ]
    return torch.stack(views)


def gathered(
    pixels: UInt8[Tensor, "k hc wc 3"],
    at: Int64[Tensor, "b t"],
    corner_xy: Int32[Tensor, "b 2"],
    crop_hw: tuple[int, int],
) -> UInt8[Tensor, "b h w 3*t"]:
    """`sliced` without a word to the host."""
    (h, w), device = crop_hw, pixels.device
    rows = corner_xy[:, 1, None] + torch.arange(h, device=device)
    columns = corner_xy[:, 0, None] + torch.arange(w, device=device)
    places = at[:, None, None], rows[:, :, None, None], columns[:, None, :, None]
    return pixels[places].flatten(3)
