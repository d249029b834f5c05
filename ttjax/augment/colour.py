"""Photometric augmentation, unbatched: one draw for all frames of an example."""

from typing import Any

import jax
import jax.numpy as jnp

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
) -> Any:
    """Scales brightness, contrast around mid-grey, and each colour channel.

    images: uint8 arrays `[..., 3]`; all get the same draw. Each factor is uniform in
    1 +- the given amount.
    """
    brightness_key, contrast_key, channel_key = jax.random.split(key, 3)

    def factor(key, amount, shape=()):
        return jax.random.uniform(key, shape, minval=1.0 - amount, maxval=1.0 + amount)

    bright = factor(brightness_key, brightness)
    steep = factor(contrast_key, contrast)
    channels = bright * factor(channel_key, channel, (3,))
    scale, shift = channels * steep, channels * (1.0 - steep) * _GREY

    def changed(image):
        *lead, width, _ = image.shape
        # Whole rows of numbers: an innermost axis of three is not vectorised.
        shape = (1,) * len(lead) + (3 * width,)
        rows = image.reshape(*lead, 3 * width)
        values = rows * jnp.tile(scale, width).reshape(shape)
        values = values + jnp.tile(shift, width).reshape(shape)
        bytes_ = jnp.clip(jnp.round(values), 0.0, 255.0).astype(jnp.uint8)
        return bytes_.reshape(image.shape)

    return jax.tree.map(changed, images)
