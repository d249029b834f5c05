"""Names of the arrays that cross borders, and the letters of their axes.

`b` batch, `t` frames of a stack (oldest first), `h w` pixels, `c` channels, `n` frames
of a recording, `e` event kinds, `m` mask classes, `k` predicted frames of a stack.
"""

from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int8, Int32, Key, UInt8

PRNGKey = Key[Array, ""]
"""One typed key (`jax.random.key`): first argument, consumed once."""

Stacks = UInt8[Array | np.ndarray, "*b t h w 3"]
"""RGB frame stacks, oldest frame first."""

Points = Float32[Array | np.ndarray, "*b 2"]
"""xy in pixels of the source frame; pixel *i* spans [i, i + 1)."""

Variables = Any
"""Flax variables: nested dictionaries of arrays."""

__all__ = [
    "Array",
    "Bool",
    "Float",
    "Float32",
    "Int8",
    "Int32",
    "Key",
    "PRNGKey",
    "Points",
    "Stacks",
    "UInt8",
    "Variables",
]
