"""Words as they stand on banners: a small font, and an atlas of invented names."""

import functools

import numpy as np
from jaxtyping import Float, UInt32

GLYPHS = {
    "A": "7E1111117E",
    "B": "7F49494936",
    "C": "3E41414122",
    "D": "7F4141221C",
    "E": "7F49494941",
    "F": "7F09090901",
    "G": "3E4149497A",
    "H": "7F0808087F",
    "I": "00417F4100",
    "J": "2040413F01",
    "K": "7F08142241",
    "L": "7F40404040",
    "M": "7F020C027F",
    "N": "7F0408107F",
    "O": "3E4141413E",
    "P": "7F09090906",
    "Q": "3E4151215E",
    "R": "7F09192946",
    "S": "4649494931",
    "T": "01017F0101",
    "U": "3F4040403F",
    "V": "1F2040201F",
    "W": "3F4038403F",
    "X": "6314081463",
    "Y": "0708700807",
    "Z": "6151494543",
    "0": "3E5149453E",
    "1": "00427F4000",
    "2": "4261514946",
    "3": "2141454B31",
    "4": "1814127F10",
    "5": "2745454539",
    "6": "3C4A494930",
    "7": "0171090503",
    "8": "3649494936",
    "9": "064949291E",
    "-": "0808080808",
    ".": "0060600000",
    "/": "2010080402",
    "*": "1C2A7F2A1C",
    "@": "1C227F3E1C",
    " ": "0000000000",
}
"""Five columns of seven bits each, the lowest bit on top: the usual 5 x 7 matrix. A
star and an at-sign stand for round emblems."""
WORDS = (
    "*TT-OPEN.ORG",
    "*TT-OPEN.ORG",
    "@ SPORTLINE",
    "",
    "BLADEWORKS",
    "TOPSPIN CUP",
    "*LIGA NORD",
    "NOVA RUBBER",
    "@ VELOTEC",
    "SPIN MASTER",
    "CITY ARENA",
    "KAIROS/TT",
    "TABLE TENNIS",
    "*MERIDIAN",
    "EVENT 2026",
    "",
)
"""Invented names; an empty one is a plain banner."""
COLUMNS, ROWS, MARGIN = 12, 15, 4
"""Letters of the longest word; rows of a banner in dots, those above the letters."""
DOTS = 6 * COLUMNS + 8
"""Columns of a banner, in dots."""
FINE = 2
"""Texels per dot of the matrix."""
LEVELS = 3
"""Ever softer copies, for ever smaller pictures: by 1/2, 1, 2 dots."""


def _dots(word: str) -> np.ndarray:
    """A word in the middle of its banner, in dots."""
    dots = np.zeros((ROWS, DOTS), np.float32)
    left = (DOTS - 6 * len(word) + 1) // 2
    for place, letter in enumerate(word):
        columns = bytes.fromhex(GLYPHS[letter])
        for column, bits in enumerate(columns):
            for row in range(7):
                dots[MARGIN + row, left + 6 * place + column] = bits >> row & 1
    return dots


def _soft(texels: np.ndarray, sigma: float) -> np.ndarray:
    """Blurred along the last two axes, each by a Gaussian; nothing beyond the edge."""
    reach = int(np.ceil(3 * sigma))
    place = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (place / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (-1, -2):
        padding = np.zeros((texels.ndim, 2), np.int64)
        padding[axis] = reach
        padded = np.pad(texels, padding)
        size = texels.shape[axis]
        texels = np.zeros_like(texels)
        for k, weight in enumerate(kernel):
            texels += weight * np.take(padded, range(k, k + size), axis)
    return texels


@functools.cache
def atlas() -> Float[np.ndarray, "level word row column"]:
    """How much ink every texel of every word holds, 0 to 1, at `LEVELS` sharpnesses.

    The first is soft in order to be steepened where it is read (`STEEP`): the corners
    of the dots become round, at any scale.
    """
    dots = np.stack([_dots(word) for word in WORDS])
    texels = np.kron(dots, np.ones((1, FINE, FINE), np.float32))
    softer = [_soft(texels, 0.5 * FINE * 2**level) for level in range(LEVELS)]
    return np.stack(softer).astype(np.float32)


STEEP = (4.5, 2.0, 1.0)
"""Slope at half ink, for each level."""


@functools.cache
def packed() -> UInt32[np.ndarray, "level word row column"]:
    """The atlas, each texel with its neighbours to the right and below: 8 bits each."""
    level = np.round(255.0 * np.clip(atlas(), 0.0, 1.0)).astype(np.uint32)
    pair = level | (np.roll(level, -1, axis=-1) << 8)
    return pair | (np.roll(pair, -1, axis=-2) << 16)
