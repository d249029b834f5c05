"""Everything that determines a TTNet: one frozen object, and its presets."""

import dataclasses
from typing import Any, Literal

import jax
import numpy as np

from ttjax.samples import Window
from ttjax.ttnet.arrays import Inputs
from ttjax.ttnet.ball_heads import Dense, Marginal
from ttjax.ttnet.encoders import STRIDE, VGG, Nano, ResNet18
from ttjax.ttnet.event_head import EventConvs, EventPool
from ttjax.ttnet.mask_decoder import Deconvolution, PixelShuffle
from ttjax.ttnet.model import Model
from ttjax.ttnet.preprocessing import Normalise, Whiten

HEADS = ("ball_global", "ball_local", "events", "masks")
"""Everything that a network may answer."""


@dataclasses.dataclass(frozen=True)
class BaseRates:
    """Mean labels, from which the last layers start.

    global_xy, local_xy: of the columns and rows of the two ball stages.
    events: of every kind of event.
    """

    global_xy: tuple[float, float] = (0.011, 0.017)
    local_xy: tuple[float, float] = (0.06, 0.14)
    events: float = 0.15

    def __post_init__(self):
        """Checks that all are probabilities."""
        for rate in (*self.global_xy, *self.local_xy, self.events):
            if not 0 < rate < 1:
                raise ValueError(
                    f"A base rate is between 0 and 1, got {rate}: give the mean label."
                )


@dataclasses.dataclass(frozen=True)
class Config:
    """A network of the TTNet family; the defaults are the paper's.

    frame_hw: size of the downscaled whole frames, in pixels.
    crop_hw: size of the local stage's full-resolution crop.
    events, masks: names of the classes, in the order of the outputs.
    heads: what the network answers, out of `HEADS` (Tables 7 and 8).
    width: multiplies all channels and hidden units.
    event_ball: predict the ball in every frame of the stack, and let the event head see
        those positions.
    canvas_margin: rows and columns around the crop that a training canvas holds, so
        that crops may be off the label.
    """

    window: Window = Window()
    frame_hw: tuple[int, int] = (128, 320)
    crop_hw: tuple[int, int] = (128, 320)
    events: tuple[str, ...] = ("bounce", "net")
    masks: tuple[str, ...] = ("table", "humans", "scoreboard")
    heads: tuple[str, ...] = HEADS
    encoder: VGG | ResNet18 | Nano = VGG()
    ball_head: Dense | Marginal = Dense()
    event_head: EventConvs | EventPool = EventConvs()
    decoder: Deconvolution | PixelShuffle = Deconvolution()
    preprocessing: Normalise | Whiten = Normalise()
    width: float = 1.0
    compute_dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    event_ball: bool = False
    dropout: float = 0.5
    base_rates: BaseRates = BaseRates()
    canvas_margin: tuple[int, int] = (16, 24)

    def __post_init__(self):
        """Checks what one field says about another.

        Raises:
            ValueError: the fields contradict one another, or a size does not fit.
        """
        for name in ("frame_hw", "crop_hw"):
            h, w = getattr(self, name)
            if h < STRIDE or w < STRIDE or h % STRIDE or w % STRIDE:
                raise ValueError(
                    f"`{name}` is a multiple of the encoder's stride {STRIDE} on both "
                    f"axes, got {h}x{w}: use "
                    f"{max(STRIDE, h - h % STRIDE)}x{max(STRIDE, w - w % STRIDE)}."
                )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` is in [0, 1), got {self.dropout}.")
        if self.width <= 0:
            raise ValueError(f"`width` is positive, got {self.width}.")
        if min(self.canvas_margin) < 0:
            raise ValueError(
                f"`canvas_margin` is not negative, got {self.canvas_margin}."
            )
        _check_heads(self)

    @property
    def model(self) -> Model:
        """The flax module."""
        return Model(self)

    @property
    def ball_frames(self) -> int:
        """Frames of the stack for which the ball heads answer: one, or all."""
        return self.window.frames if self.event_ball else 1

    @property
    def canvas_hw(self) -> tuple[int, int] | None:
        """Size of a training canvas; None where there is no local stage."""
        if "ball_local" not in self.heads:
            return None
        (h, w), (rows, columns) = self.crop_hw, self.canvas_margin
        return h + 2 * rows, w + 2 * columns

    def abstract_inputs(self, batch_size: int = 1) -> Inputs:
        """`jax.ShapeDtypeStruct`s of the model's inputs."""

        def leaf(dtype: Any, *shape: int) -> Any:
            return jax.ShapeDtypeStruct((batch_size, *shape), dtype)

        t = self.window.frames
        canvas = self.canvas_hw
        # `ShapeDtypeStruct`s in the place of arrays: past the field types on purpose.
        return Inputs(
            frames=leaf(np.uint8, t, *self.frame_hw, 3),
            canvas=None if canvas is None else leaf(np.uint8, t, *canvas, 3),
            canvas_xy=leaf(np.int32, 2),
            source_hw=leaf(np.int32, 2),
            crop_at=leaf(np.float32, 2),
            forced=leaf(np.bool_),
        )

    def abstract_variables(self) -> Any:
        """`jax.ShapeDtypeStruct`s of `params` and `batch_stats`."""
        return jax.eval_shape(
            self.model.init, jax.random.key(0), self.abstract_inputs()
        )


def ttnet(**fields: Any) -> Config:
    """The paper's network: 15.8 M parameters, 5.26 GMAC. `fields` replace defaults."""
    return Config(**fields)


def resnet18(**fields: Any) -> Config:
    """The paper's network on ResNet-18 (Table 6)."""
    preset: dict[str, Any] = {"encoder": ResNet18()}
    return Config(**preset | fields)


def nano(**fields: Any) -> Config:
    """About 0.2 M parameters, for CPUs and tests: learns the ball within minutes."""
    preset: dict[str, Any] = {
        "encoder": Nano(),
        "ball_head": Marginal(),
        "event_head": EventPool(),
        "decoder": PixelShuffle(),
        "preprocessing": Whiten(),
        "event_ball": True,
        "dropout": 0.0,
    }
    return Config(**preset | fields)


PRESETS = {"ttnet": ttnet, "resnet18": resnet18, "nano": nano}
"""Configurations by name."""


def _check_heads(config: Config) -> None:
    heads = config.heads
    unknown = sorted(set(heads) - set(HEADS))
    if unknown or not heads or len(set(heads)) < len(heads):
        raise ValueError(
            f"`heads` holds one or more of {HEADS}, each once, got {heads}: correct it."
        )
    for head, names in (("events", config.events), ("masks", config.masks)):
        if len(set(names)) < len(names) or (head in heads and not names):
            raise ValueError(
                f"`{head}` gives every class of that head one name, got {names}: name "
                f"them, or leave {head!r} out of `heads`."
            )
    if "ball_local" in heads and "ball_global" not in heads:
        raise ValueError(
            "The local stage looks where the global stage sees the ball, got "
            f"`heads={heads}`: add 'ball_global'."
        )
    if config.event_ball and "ball_global" not in heads:
        raise ValueError(
            f"`event_ball` needs a ball head, got `heads={heads}`: add 'ball_global', "
            "or set `event_ball=False`."
        )
    both = "events" in heads and "ball_local" in heads
    if (
        both
        and isinstance(config.event_head, EventConvs)
        and config.frame_hw != config.crop_hw
    ):
        raise ValueError(
            "`EventConvs` lays the maps of both stages on one another, so their sizes "
            f"agree; got `frame_hw={config.frame_hw}`, `crop_hw={config.crop_hw}`: "
            "make them equal, or use `EventPool`."
        )
