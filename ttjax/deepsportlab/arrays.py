"""The arrays that pass between the parts of DeepSportLab, each a struct."""

import flax.struct
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int32, UInt8


@flax.struct.dataclass
class Inputs:
    """What the network sees.

    image: RGB bytes; valid_hw: its upper left part that is picture.
    to_source: source px per pixel of the image, (x, y).
    """

    image: UInt8[Array | np.ndarray, "b h w 3"]
    valid_hw: Int32[Array | np.ndarray, "b 2"]
    to_source: Float32[Array | np.ndarray, "b 2"]


@flax.struct.dataclass
class Pif:
    """Part intensity fields as a head gives them, for k kinds of points.

    Cell (row i, column j) stands at the pixel xy (j, i) * stride + 0.5. All raw:

    confidence: logits.
    vector: from the cell to the point, (x, y) in cells.
    log_spread: log b of the Laplace distribution of the vector's error.
    log_scale: log of the point's scale in cells.
    """

    confidence: Float[Array | np.ndarray, "b hf wf k"]
    vector: Float[Array | np.ndarray, "b hf wf k 2"]
    log_spread: Float[Array | np.ndarray, "b hf wf k"]
    log_scale: Float[Array | np.ndarray, "b hf wf k"]


@flax.struct.dataclass
class Outputs:
    """Raw outputs of every head; None marks a head that is switched off.

    parts, centre, ball: fields of 17, 1 and 1 kinds of points.
    semantic: logits of background, player, ball at the decoder's stride.
    offset: from a pixel to the centre of its player, (dy, dx) in steps of the decoder's
        stride.
    centre_heat: logits of Panoptic-DeepLab's centre map at the decoder's stride.
    """

    parts: Pif | None
    centre: Pif | None
    ball: Pif | None
    semantic: Float[Array | np.ndarray, "b hs ws c"] | None
    offset: Float[Array | np.ndarray, "b hs ws 2"] | None
    centre_heat: Float[Array | np.ndarray, "b hs ws 1"] | None = None


@flax.struct.dataclass
class Overflow:
    """Where a capacity was too small: what exceeded it was left out.

    cells: more confident cells of one field than sources, or more places that they
    point to than queries. players: more centres than rows.
    """

    cells: Bool[Array | np.ndarray, " b"]
    players: Bool[Array | np.ndarray, " b"]


@flax.struct.dataclass
class Predictions:
    """What is in a picture, in source px, at fixed sizes: n rows, k joints.

    ids: per pixel of the image (or of its every `stride`-th row and column) 0, or the
        row of its player + 1. Only rows that are `present` occur.
    present: whether a row is a player.
    score: of the player. centre_px: of its mask. area_px: of its mask, in source px^2.
    joints_px, joint_score: score 0 where a joint was not found.
    ball_px, ball_score: the best candidate; the caller decides from which score on it
        is a ball.
    to_source: source px per pixel of `ids`, (x, y).
    """

    ids: UInt8[Array | np.ndarray, "b hm wm"] | None
    present: Bool[Array | np.ndarray, "b n"]
    score: Float[Array | np.ndarray, "b n"]
    centre_px: Float[Array | np.ndarray, "b n 2"]
    area_px: Float[Array | np.ndarray, "b n"]
    joints_px: Float[Array | np.ndarray, "b n k 2"]
    joint_score: Float[Array | np.ndarray, "b n k"]
    ball_px: Float[Array | np.ndarray, "b 2"]
    ball_score: Float[Array | np.ndarray, " b"]
    overflow: Overflow
    to_source: Float32[Array | np.ndarray, "b 2"]
