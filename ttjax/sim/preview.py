"""A contact sheet: what the simulator shows and labels, at a glance."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from ttjax.media import draw
from ttjax.samples import VISIBLE, Clip, ClipSpec, Window
from ttjax.sim import data
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
    key: PRNGKey, rows: int, spec: ClipSpec = SPEC, hall: Hall = Hall()
) -> UInt8[np.ndarray, "h w 3"]:
    """One row for each sample: frame, masks, canvas; the ball is ringed."""
    keys = jax.random.split(key, rows)
    clips = data.renderer(spec, hall)(keys)
    return np.concatenate([_row(clips, n, hall.source_hw) for n in range(rows)])


def _row(clips: Clip, n: int, source_hw: tuple[int, int]) -> np.ndarray:
    labels = clips.labels
    frame, canvas = np.array(clips.frames[n, -1]), np.array(clips.canvas)[n, -1]
    masks = 255 * np.asarray(labels.masks[n])
    if labels.ball_state[n, -1] == VISIBLE:
        xy = np.asarray(labels.ball_xy_px[n, -1])
        scale = np.array(frame.shape[1::-1]) / np.array(source_hw[::-1])
        draw.circle(frame, xy * scale, 8.0, thickness_px=1)
        inside = xy - np.asarray(clips.canvas_xy[n])
        draw.circle(canvas, inside, 14.0, thickness_px=1)
    return np.concatenate([frame, masks, canvas], axis=1)


def key_of(seed: int) -> PRNGKey:
    """The key of a sheet."""
    return jax.random.fold_in(jax.random.key(7), jnp.uint32(seed))
