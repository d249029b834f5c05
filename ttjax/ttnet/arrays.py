"""What crosses between the modules of this family: inputs, raw outputs, predictions."""

import flax.struct
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int32, UInt8

from ttjax.samples import FramePool


@flax.struct.dataclass
class Inputs:
    """What the network sees.

    canvas: full-resolution pixels, stacked, or whole frames that windows share; None
        without a local stage.
    canvas_xy: source px of the canvas' left upper corner.
    crop_at: where the crop is centred if `forced`, source px.
    forced: True where the crop follows `crop_at`, False where it follows the global
        stage's own answer.
    """

    frames: UInt8[Array, "b t h w 3"]
    canvas: UInt8[Array, "b t hc wc 3"] | FramePool | None
    canvas_xy: Int32[Array, "b 2"]
    source_hw: Int32[Array, "b 2"]
    crop_at: Float[Array, "b 2"]
    forced: Bool[Array, " b"]


@flax.struct.dataclass
class BallLogits:
    """Column and row logits of k frames of the stack (1, or all of them)."""

    x: Float[Array, "b k w"]
    y: Float[Array, "b k h"]


@flax.struct.dataclass
class Outputs:
    """Raw logits of every head; None marks a head that is switched off.

    crop_xy: source px of the left upper corner of the local stage's crop.
    """

    ball_global: BallLogits | None = None
    ball_local: BallLogits | None = None
    events: Float[Array, "b e"] | None = None
    masks: Float[Array, "b h w m"] | None = None
    crop_xy: Int32[Array, "b 2"] | None = None


@flax.struct.dataclass
class Ball:
    """One stage's answer.

    xy_px: source px, sub-pixel. Meaningless where `present` is False.
    probability: the smaller of the two vectors' highest probabilities.
    present: both vectors reach the threshold.
    """

    xy_px: Float[Array | np.ndarray, "b 2"]
    probability: Float[Array | np.ndarray, " b"]
    present: Bool[Array | np.ndarray, " b"]


@flax.struct.dataclass
class Predictions:
    """Decoded answers; frame offsets are those of the task's window.

    ball_global, ball_local: of the frame `window.ball_at`.
    events: probabilities at the frame `window.event_at`, in the order of the config.
    masks: probabilities of the frame `window.ball_at`, at the network's input size.
    source_hw: size of the source frame, whose pixels the positions count.
    crop_xy: source px of the left upper corner of the local stage's crop.
    """

    ball_global: Ball | None = None
    ball_local: Ball | None = None
    events: Float[Array | np.ndarray, "b e"] | None = None
    masks: Float[Array | np.ndarray, "b h w m"] | None = None
    source_hw: Int32[Array | np.ndarray, "b 2"] | None = None
    crop_xy: Int32[Array | np.ndarray, "b 2"] | None = None

    @property
    def ball(self) -> Ball | None:
        """The finest stage's answer."""
        return self.ball_local if self.ball_local is not None else self.ball_global


def logits_of_frame(logits: BallLogits, frame: int, frames: int) -> BallLogits:
    """The logits of one frame of the stack as `[b, 1, ...]`, whatever k is."""
    index = frame if logits.x.shape[1] == frames else 0
    return jax.tree.map(lambda leaf: leaf[:, index : index + 1], logits)
