"""Dense fields become points: along an axis on the device, in time on the host."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

_FLAT = 1e-6
"""Nats per bin squared: a log field that bends less has no vertex worth trusting."""


def subpixel_peak(logits: Float[Array, " n"]) -> Float[Array, ""]:
    """Position of the highest bin of a field of logits, sub-pixel, in bins.

    Argmax, then the vertex of the parabola through the log probabilities of that bin
    and its neighbours, kept inside the bin: exact for a sampled Gaussian. A mean over
    the field would be dragged towards a second peak. At a border the parabola goes
    through the outermost three bins. Log probabilities are log-sigmoids, so that
    saturated logits keep their order; a plateau gives the middle of the bin. Bin *i*
    spans [i, i + 1).
    """
    bins = logits.shape[0]
    highest = jnp.argmax(logits)
    center = highest.astype(jnp.float32) + 0.5
    if bins < 3:
        return center
    middle = jnp.clip(highest, 1, bins - 2)
    three = jax.lax.dynamic_slice(logits.astype(jnp.float32), (middle - 1,), (3,))
    left, top, right = jax.nn.log_sigmoid(three)
    bend = left - 2.0 * top + right
    curved = bend < -_FLAT
    vertex = 0.5 * (left - right) / jnp.where(curved, bend, -1.0)
    offset = (middle - highest).astype(jnp.float32) + vertex
    return center + jnp.where(curved, jnp.clip(offset, -0.5, 0.5), 0.0)


def temporal_peaks(
    probabilities: Float[np.ndarray, " n"], *, threshold: float, gap: int
) -> Int[np.ndarray, " k"]:
    """Frames where a series peaks, ascending.

    A peak reaches `threshold`, is no lower than its neighbours, and has no higher peak
    (of
    equals: no earlier one) less than `gap` frames away.
    """
    values = np.asarray(probabilities, np.float64)
    padded = np.concatenate([[-np.inf], values, [-np.inf]])
    local = (values >= padded[:-2]) & (values >= padded[2:]) & (values >= threshold)
    candidates = np.flatnonzero(local)
    free = np.ones(len(values), np.bool_)
    picked: list[int] = []
    for frame in candidates[np.argsort(-values[candidates], kind="stable")]:
        if free[frame]:
            picked.append(int(frame))
            free[max(frame - gap + 1, 0) : frame + gap] = False
    return np.sort(np.asarray(picked, np.int64))
