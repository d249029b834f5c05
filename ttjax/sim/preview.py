"""A contact sheet: what the simulator shows and labels, at a glance."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from ttjax.media import draw
from ttjax.samples import VISIBLE, Clip, ClipSpec, Window
from ttjax.sim import sample
from ttjax.sim.sample import Hall
from ttjax.typing import PRNGKey

SPEC = ClipSpec(
    window=Window(3),
    frame_hw=(240, 426),
    canvas_hw=(240, 360),
    events=("bounce", "net"),
    masks=("table", "humans", "scoreboard"),
)


def sheet(
    key: PRNGKey, rows: int, hall: Hall = Hall()
) -> UInt8[np.ndarray, "h w 3"]:
    """One row for each sample: frame and masks with the ball ringed, canvas with a cross."""
    keys = jax.random.split(key, rows)
    clips = jax.jit(lambda keys: sample.stacks(keys, SPEC, hall))(keys)
    clips = jax.tree.map(np.asarray, clips)
    lines = [_row(jax.tree.map(lambda leaf, n=n: leaf[n], clips)) for n in range(rows)]
    return np.concatenate(lines)


def _row(clip: Clip) -> np.ndarray:
    frame, canvas = clip.frames[-1].copy(), clip.canvas[-1].copy()
    masks = 255 * clip.labels.masks
    if clip.labels.ball_state[-1] == VISIBLE:
        xy = clip.labels.ball_xy_px[-1]
        scale = np.array(SPEC.frame_hw[::-1]) / clip.source_hw[::-1]
        draw.circle(frame, xy * scale, 8.0, thickness_px=1)
        draw.circle(canvas, xy - clip.canvas_xy, 14.0, thickness_px=1)
    return np.concatenate([frame, masks, canvas], axis=1)


def key_of(seed: int) -> PRNGKey:
    """The key of a sheet."""
    return jax.random.fold_in(jax.random.key(7), jnp.uint32(seed))
