"""Frames as video decoders give them: luma, then pairs of chroma at half the size.

One `[3 * h / 2, w]` array of bytes holds h rows of luma and h / 2 rows of U and V in
turns: half the bytes of RGB on their way to an accelerator. h and w are even. Which
colours the bytes mean depends on a standard, and every function takes it.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

LUMA, CHROMA = (16.0, 219.0), (128.0, 224.0)
"""Zero and range of the bytes (limited range, ITU-R BT.601 and BT.709)."""


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Shares of red and blue in the luma."""

    red: float
    blue: float


BT601 = Matrix(0.299, 0.114)
"""Of standard definition."""

BT709 = Matrix(0.2126, 0.0722)
"""Of high definition."""


def rgb(
    planes: UInt8[Array, "*b rows w"], matrix: Matrix = BT709
) -> UInt8[Array, "*b h w 3"]:
    """RGB; each pair of chroma serves 2 x 2 pixels.

    Raises:
        ValueError: the array is no frame of this kind.
    """
    *batch, rows, w = planes.shape
    h = rows // 3 * 2
    check((rows, w))
    luma = (planes[..., :h, :].astype(jnp.float32) - LUMA[0]) / LUMA[1]
    pairs = planes[..., h:, :].reshape(*batch, h // 2, w // 2, 2)
    chroma = (pairs.astype(jnp.float32) - CHROMA[0]) / CHROMA[1]
    blue, red = (_doubled(chroma[..., i]) for i in range(2))
    red = luma + 2 * (1 - matrix.red) * red
    blue = luma + 2 * (1 - matrix.blue) * blue
    green = (luma - matrix.red * red - matrix.blue * blue) / (
        1 - matrix.red - matrix.blue
    )
    full = 255 * jnp.stack([red, green, blue], axis=-1)
    return jnp.clip(jnp.round(full), 0, 255).astype(jnp.uint8)


def pack(
    frame: UInt8[np.ndarray, "h w 3"], matrix: Matrix = BT709
) -> UInt8[np.ndarray, "rows w"]:
    """The bytes of an RGB frame, each 2 x 2 pixels' chroma their mean; on the host.

    Raises:
        ValueError: an odd size.
    """
    h, w = frame.shape[:2]
    check((3 * h // 2 if h % 2 == 0 else h, w))
    red, green, blue = np.moveaxis(frame.astype(np.float32) / 255, -1, 0)
    luma = matrix.red * red + matrix.blue * blue
    luma = luma + (1 - matrix.red - matrix.blue) * green
    pairs = [
        (colour - luma) / (2 * (1 - share))
        for colour, share in ((blue, matrix.blue), (red, matrix.red))
    ]
    means = [p.reshape(h // 2, 2, w // 2, 2).mean((1, 3)) for p in pairs]
    chroma = np.stack(means, axis=-1).reshape(h // 2, w)
    planes = np.concatenate(
        [LUMA[0] + LUMA[1] * luma, CHROMA[0] + CHROMA[1] * chroma], axis=0
    )
    return np.clip(np.round(planes), 0, 255).astype(np.uint8)


def check(shape: tuple[int, int]) -> None:
    """Raises ValueError where rows and columns are not those of such a frame."""
    rows, w = shape
    if rows % 3 or w % 2 or not rows or not w:
        raise ValueError(
            "Frames as NV12 are [3 * h / 2, w] with even h and w, got "
            f"{rows} x {w}: crop or pad the frame to even sizes first."
        )


def _doubled(plane: Array) -> Array:
    *batch, h, w = plane.shape
    wide = jnp.broadcast_to(plane[..., None, :, None], (*batch, h, 2, w, 2))
    return wide.reshape(*batch, 2 * h, 2 * w)
