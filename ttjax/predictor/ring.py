"""The last frames of one or more streams, kept on the device: pure functions.

A new whole frame overwrites the oldest; with the ring donated no other is moved. The
small views are kept in the order of time instead: to move one megabyte along is faster
than to gather it from slots that only the device knows.
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int32, UInt8

from ttjax.samples import FramePool, Window
from ttjax.task import SampleSpec


@flax.struct.dataclass
class Ring:
    """Frames of b streams; n is the span of a window.

    views: what the task keeps of a frame, `[n, b, …]`, oldest first.
    frames: None where that is all. newest: the slot of the newest of them.
    """

    views: Any
    frames: UInt8[Array, "n b h w 3"] | None
    newest: Int32[Array, ""]


def full_of(sample: SampleSpec, frame: UInt8[Array, "b h w 3"]) -> Ring:
    """A ring whose every frame is this one."""
    span = sample.window.span

    def repeated(leaf: Array) -> Array:
        return jnp.broadcast_to(leaf[None], (span, *leaf.shape))

    return Ring(
        views=jax.tree.map(repeated, sample.view(frame)),
        frames=repeated(frame) if sample.keeps_frames else None,
        newest=jnp.zeros((), jnp.int32),
    )


def pushed(ring: Ring, sample: SampleSpec, frame: UInt8[Array, "b h w 3"]) -> Ring:
    """The ring with the next frame of every stream in the place of the oldest."""
    slot = (ring.newest + 1) % sample.window.span

    def shifted(views: Array, new: Array) -> Array:
        return jnp.concatenate([views[1:], new[None]], axis=0)

    frames = ring.frames
    if frames is not None:
        frames = lax.dynamic_update_index_in_dim(frames, frame, slot, 0)
    views = jax.tree.map(shifted, ring.views, sample.view(frame))
    return Ring(views, frames, slot)


def window_of(ring: Ring, window: Window) -> tuple[Any, FramePool | None]:
    """Views `[b, t, …]` of each stream's window, oldest first, and its whole frames."""
    slots = (ring.newest + 1 + jnp.arange(window.frames) * window.stride) % window.span
    every = slice(None, None, window.stride)
    views = jax.tree.map(lambda leaf: jnp.moveaxis(leaf[every], 0, 1), ring.views)
    if ring.frames is None:
        return views, None
    streams = ring.frames.shape[1]
    pixels = ring.frames.reshape(-1, *ring.frames.shape[2:])
    at = slots[None] * streams + jnp.arange(streams)[:, None]
    return views, FramePool(pixels, at.astype(jnp.int32))
