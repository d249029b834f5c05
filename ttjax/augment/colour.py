"""Photometric augmentation, unbatched: one draw for all frames of an example."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ttjax.typing import PRNGKey

_GREY = 127.5
"""Middle of the byte range; a mean would differ between two views of a scene."""


def gain(
    key: PRNGKey,
    images: Any,
    *,
    brightness: float = 0.2,
    contrast: float = 0.2,
    channel: float = 0.05,
    hue_deg: float = 0.0,
) -> Any:
    """Scales brightness, contrast around mid-grey, and each channel; turns the hue.

    images: uint8 arrays `[..., 3]`; all get the same draw. Each factor is uniform in
    1 +- the given amount, the angle about the grey axis in +- `hue_deg`.
    """
    brightness_key, contrast_key, channel_key = jax.random.split(key, 3)
    hue_key = jax.random.fold_in(key, 3)

    def factor(key, amount, shape=()):
        return jax.random.uniform(key, shape, minval=1.0 - amount, maxval=1.0 + amount)

    bright = factor(brightness_key, brightness)
    steep = factor(contrast_key, contrast)
    channels = bright * factor(channel_key, channel, (3,))
    scale, shift = channels * steep, channels * (1.0 - steep) * _GREY
    matrix = jnp.diag(scale)
    if hue_deg:
        most = jnp.deg2rad(hue_deg)
        angle = jax.random.uniform(hue_key, minval=-most, maxval=most)
        matrix = scale[:, None] * hue_turn(angle)
    # Neighbours of a byte in a row of RGB: 0 only, or up to two on either side.
    reach = 2 if hue_deg else 0

    def changed(image):
        *lead, width, _ = image.shape
        # Whole rows of numbers: an innermost axis of three is not vectorised.
        shape = (1,) * len(lead) + (3 * width,)
        rows = image.reshape(*lead, 3 * width).astype(jnp.float32)
        values = jnp.tile(shift, width).reshape(shape)
        for step in range(-reach, reach + 1):
            # Channel c takes channel c + step, where there is one.
            entries = jnp.pad(jnp.diagonal(matrix, step), (max(-step, 0), max(step, 0)))
            weight = jnp.tile(entries, width).reshape(shape)
            values = values + weight * jnp.roll(rows, -step, axis=-1)
        bytes_ = jnp.clip(jnp.round(values), 0.0, 255.0).astype(jnp.uint8)
        return bytes_.reshape(image.shape)

    return jax.tree.map(changed, images)


def hue_turn(angle: Float[Array, ""]) -> Float[Array, "3 3"]:
    """A rotation of RGB about the grey axis, in radians: greys stay as they are."""
    cos, sin = jnp.cos(angle), jnp.sin(angle) / math.sqrt(3.0)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32)
    return cos * np.eye(3) + (1.0 - cos) / 3.0 * np.ones((3, 3)) + sin * cross
