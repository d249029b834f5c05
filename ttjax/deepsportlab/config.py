"""Everything that determines a DeepSportLab: one frozen object, and its presets."""

import dataclasses
from typing import Any, Literal

import jax
import numpy as np

from ttjax.deepsportlab.arrays import Inputs
from ttjax.deepsportlab.backbones import Nano, ResNet
from ttjax.deepsportlab.model import Model

HEADS = ("parts", "centre", "ball", "masks")
"""Everything that a network may answer."""

CLASSES = ("background", "player", "ball")
"""What a pixel may be."""


@dataclasses.dataclass(frozen=True)
class BaseRates:
    """Mean labels, from which the last layers start.

    confidence: share of the cells of a field that are near a point of their kind; also
        that of the pixels at a centre.
    player, ball: shares of a picture's pixels.
    """

    confidence: float = 0.01
    player: float = 0.1
    ball: float = 0.001

    def __post_init__(self):
        """Checks that all are probabilities."""
        for rate in dataclasses.astuple(self):
            if not 0 < rate < 1:
                raise ValueError(
                    f"A base rate is between 0 and 1, got {rate}: give the mean label."
                )
        if self.player + self.ball >= 1:
            raise ValueError(
                "Players and ball leave pixels to the background, got shares of "
                f"{self.player} and {self.ball}: give the mean labels."
            )


@dataclasses.dataclass(frozen=True)
class Config:
    """A network of the DeepSportLab family; the defaults are the paper's.

    image_hw: of the pictures, in pixels; each a multiple of the last stride plus one.
    heads: what the network answers, out of `HEADS` (Table 4).
    classes: of the masks, out of `CLASSES` in that order; the offsets to the players'
        centres are there where "player" is one. ("background", "ball") with the head
        "masks" alone is BallSeg.
    centre_style: a field like those of the parts, or a heat map as in Panoptic-DeepLab.
    scale_activation: of what an imported head calls scale; ours predict its logarithm.
    channels, skips, rates: of the map decoder: its width, the widths to which the
        trunk's maps are projected, coarsest first, the dilations of its pyramid.
    kernel: side of the map decoder's depthwise convolutions, odd.
    dropout: after the pyramid.
    frozen_statistics: the trunk's BatchNorms normalise by their running statistics in
        training too, as released: batches of four say little of the weights they began
        from.
    momentum: share of the old in the running statistics of BatchNorm.
    players: rows of labels and predictions.
    mean, std: of R, G, B in shares of full scale; padding gets the mean.
    """

    image_hw: tuple[int, int] = (641, 641)
    backbone: ResNet | Nano = ResNet()
    heads: tuple[str, ...] = HEADS
    classes: tuple[str, ...] = CLASSES
    centre_style: Literal["pif", "heat"] = "pif"
    scale_activation: Literal["exp", "softplus"] = "exp"
    channels: int = 128
    skips: tuple[int, ...] = (128, 64, 32)
    rates: tuple[int, ...] = (3, 6, 9)
    kernel: int = 5
    dropout: float = 0.5
    frozen_statistics: bool = False
    momentum: float = 0.99
    compute_dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    players: int = 32
    base_rates: BaseRates = BaseRates()
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self):
        """Checks what one field says about another.

        Raises:
            ValueError: the fields contradict one another, or a size does not fit.
        """
        stride = self.backbone.strides[-1]
        if any(size <= stride or size % stride != 1 for size in self.image_hw):
            h, w = (max(1, size // stride) * stride + 1 for size in self.image_hw)
            raise ValueError(
                f"`image_hw` is a multiple of the backbone's stride {stride} plus one "
                f"on both axes, got {self.image_hw[0]}x{self.image_hw[1]}: use {h}x{w}."
            )
        if len(self.skips) != len(self.backbone.strides) - 1:
            raise ValueError(
                "`skips` gives a width for every map of the backbone but the last, "
                f"{len(self.backbone.strides) - 1} in all, got {self.skips}: correct "
                "their number."
            )
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"`kernel` is odd and positive, got {self.kernel}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` is in [0, 1), got {self.dropout}.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"`momentum` is in [0, 1), got {self.momentum}.")
        if min(self.std) <= 0:
            raise ValueError(f"`std` is positive, got {self.std}.")
        if not 1 <= self.players <= 253:
            raise ValueError(
                f"`players` is between 1 and 253, which fit into bytes beside the "
                f"ball, got {self.players}."
            )
        _check_heads(self)

    @property
    def model(self) -> Model:
        """The flax module."""
        return Model(self)

    @property
    def pif_stride(self) -> int:
        """Pixels of the picture per cell of a field."""
        return self.backbone.strides[-1] // 2

    @property
    def map_stride(self) -> int:
        """Pixels of the picture per pixel of the semantic, offset and heat maps."""
        return self.backbone.strides[0]

    @property
    def pif_hw(self) -> tuple[int, int]:
        """Cells of a field."""
        h, w = ((size - 1) // self.pif_stride + 1 for size in self.image_hw)
        return h, w

    @property
    def map_hw(self) -> tuple[int, int]:
        """Size of the semantic, offset and heat maps."""
        h, w = ((size - 1) // self.map_stride + 1 for size in self.image_hw)
        return h, w

    @property
    def has_centre_heat(self) -> bool:
        """Whether the centres are a heat map instead of a field."""
        return "centre" in self.heads and self.centre_style == "heat"

    @property
    def has_offsets(self) -> bool:
        """Whether pixels point to the centres of their players."""
        return "masks" in self.heads and "player" in self.classes

    @property
    def has_maps(self) -> bool:
        """Whether there is a map decoder."""
        return "masks" in self.heads or self.has_centre_heat

    def abstract_inputs(self, batch_size: int = 1) -> Inputs:
        """`jax.ShapeDtypeStruct`s of the model's inputs."""

        def leaf(dtype: Any, *shape: int) -> Any:
            return jax.ShapeDtypeStruct((batch_size, *shape), dtype)

        # `ShapeDtypeStruct`s in the place of arrays: past the field types on purpose.
        return Inputs(
            image=leaf(np.uint8, *self.image_hw, 3),
            valid_hw=leaf(np.int32, 2),
            to_source=leaf(np.float32, 2),
        )

    def abstract_variables(self) -> Any:
        """`jax.ShapeDtypeStruct`s of `params` and `batch_stats`."""
        return jax.eval_shape(
            self.model.init, jax.random.key(0), self.abstract_inputs()
        )


def deepsportlab(**fields: Any) -> Config:
    """The paper's network: 32.3 M parameters, 157.5 GMAC. `fields` replace defaults."""
    return Config(**fields)


def ballseg(**fields: Any) -> Config:
    """The ball as a mask and nothing else, on the paper's trunk (BallSeg's task)."""
    preset: dict[str, Any] = {"heads": ("masks",), "classes": ("background", "ball")}
    return Config(**preset | fields)


def panoptic(**fields: Any) -> Config:
    """Masks grouped around a heat map of centres, as in Panoptic-DeepLab (Table 1)."""
    preset: dict[str, Any] = {"heads": ("centre", "masks"), "centre_style": "heat"}
    return Config(**preset | fields)


def nano(**fields: Any) -> Config:
    """About 0.6 M parameters for pictures of 321x321, for CPUs and tests."""
    preset: dict[str, Any] = {
        "image_hw": (321, 321),
        "backbone": Nano(),
        "channels": 32,
        "skips": (32, 16),
        "kernel": 3,
        "dropout": 0.0,
        "momentum": 0.9,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
    }
    return Config(**preset | fields)


PRESETS = {
    "deepsportlab": deepsportlab,
    "panoptic": panoptic,
    "ballseg": ballseg,
    "nano": nano,
}
"""Configurations by name."""


def _check_heads(config: Config) -> None:
    heads, classes = config.heads, config.classes
    if set(heads) - set(HEADS) or not heads or len(set(heads)) < len(heads):
        raise ValueError(
            f"`heads` holds one or more of {HEADS}, each once, got {heads}: correct it."
        )
    ordered = tuple(name for name in CLASSES if name in classes)
    if classes != ordered or classes[:1] != CLASSES[:1] or len(classes) < 2:
        raise ValueError(
            f"`classes` holds 'background' and others of {CLASSES} in that order, got "
            f"{classes}: correct it."
        )
